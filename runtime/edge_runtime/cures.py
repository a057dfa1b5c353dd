"""How to install what is missing, as a command that this very machine can run."""
# ruff: noqa: PTH100, PTH110, PTH113, PTH118, PTH119, PTH121, PTH123 -- wanted where pathlib may not be loaded

from __future__ import annotations

import json
import os
import sys
from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MARK = "edge-run.json"
"""What the installer of a wheelhouse leaves in the folder of its environment, which has no pip."""

_FLAGS = {
    "dicom": "DICOM=1", "dicom-node": "DICOM_NODE=1", "onnx": "ONNX=1", "trust": "TRUST=1",
    "web": "WEB=1",
}  # fmt: skip
_NO_STICK = "tflite"
"""The extra that no wheelhouse holds."""


def installed_by_stick() -> dict[str, Any] | None:
    """Return what a wheelhouse's installer wrote down about this environment, if one made it."""
    try:
        with open(os.path.join(sys.prefix, MARK), encoding="utf-8") as stream:
            mark = json.load(stream)
    except (OSError, ValueError):
        return None
    return mark if isinstance(mark, dict) else None


@cache
def installing(extra: str = "", *, again: bool = False) -> str:
    """Return what installs an extra of edge-runtime here, or Pillow where none is named.

    `again` is for what is installed and does not work.
    """
    if stick := installed_by_stick():
        return _from_stick(extra, stick)
    python, packages = quoted(sys.executable), " ".join(map(quoted, _packages(extra)))
    options = "--force-reinstall " if again else ""
    if _belongs_to_the_system():
        new = os.path.join("VENV", "Scripts" if os.name == "nt" else "bin", "python")
        install = f"{python} -m venv VENV && {new} -m pip install {packages}"
        return _noted(install, f"then let {new} run edge-run")
    from importlib.util import find_spec

    install = f"{python} -m pip install {options}{packages}"
    if find_spec("pip"):
        return install
    if _made_by_uv():
        return f"uv pip install --python {python} {packages}"
    if find_spec("ensurepip"):
        return f"{python} -m ensurepip && {install}"
    return _noted(install, "once this Python has pip; Debian: apt install python3-pip")


def _from_stick(extra: str, stick: dict[str, Any]) -> str:
    """Return the command for an environment that a stick installed and another can replace."""
    if extra == _NO_STICK:
        return "no wheelhouse holds tflite-runtime: pip install 'edge-runtime[tflite]' elsewhere"
    extras = {extra, *stick.get("extras", ())}
    flags = [f"{key}={stick[name]}" for key, name in (("ARCH", "arch"), ("FOR_PYTHON", "python"))
             if name in stick]  # fmt: skip
    flags += ["LEAN=1"] if stick.get("lean") and "onnx" not in extras else []
    flags += [flag for name, flag in _FLAGS.items() if name in extras]
    script = "install.bat" if os.name == "nt" else "sh install.sh"
    place = "" if _is_usual_place() else f" {quoted(sys.prefix)}"
    origin = f"of a stick that is made by: {' '.join(['make wheelhouse', *flags])}"
    return _noted(f"{script}{place}", origin)


def _noted(command: str, note: str) -> str:
    """Return a command with a remark, so that the line can still be run as it is."""
    return f"{command} ({note})" if os.name == "nt" else f"{command}  # {note}"


def _is_usual_place() -> bool:
    """Tell whether the installer takes this folder unless it is told another."""
    usual = os.path.join(os.path.expanduser("~"), "edge-run")  # noqa: PTH111
    return os.path.realpath(usual) == os.path.realpath(sys.prefix)


def _packages(extra: str) -> list[str]:
    """Return the requirements of an extra: edge-runtime itself need not be in any index."""
    from importlib.metadata import PackageNotFoundError, requires

    try:
        listed = [line.partition(";") for line in requires("edge-runtime") or ()]
    except PackageNotFoundError:
        listed = []
    ends = (f"extra == '{extra}'", f'extra == "{extra}"') if extra else ("",)
    names = [name.strip() for name, _, marker in listed if marker.strip() in ends]
    return names or [f"edge-runtime[{extra}]" if extra else "pillow"]


def _belongs_to_the_system() -> bool:
    """Tell whether this Python refuses pip (PEP 668)."""
    import sysconfig

    mark = os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
    return sys.prefix == sys.base_prefix and os.path.exists(mark)


def _made_by_uv() -> bool:
    try:
        with open(os.path.join(sys.prefix, "pyvenv.cfg"), encoding="utf-8") as stream:
            return any(line.startswith("uv ") for line in stream)
    except OSError:
        return False


def quoted(text: str) -> str:
    """Return `text` as one word of a command line, of a Unix shell and of Windows."""
    plain = "/\\:._-+~" if os.name == "nt" else "/:._-+~"
    if text[:1] not in ("", "~", "-") and all(
        letter.isalnum() or letter in plain for letter in text
    ):
        return text
    if os.name == "nt" or not any(letter in text for letter in '"$`\\!'):
        return f'"{text}"'
    return "'" + text.replace("'", "'\"'\"'") + "'"


def program() -> str:
    """Return what runs this very edge-run in a shell: its name where that finds it, else its path.

    An installation in a folder of its own is not on the PATH of a shell.
    """
    name = "edge-run.exe" if os.name == "nt" else "edge-run"
    started = os.path.abspath(sys.argv[0]) if sys.argv and sys.argv[0] else ""
    if os.path.isfile(started) and __file__.startswith(started + os.sep):  # edge-run as one file
        return f"{quoted(sys.executable)} {quoted(started)}"
    beside = os.path.join(sys.prefix, "Scripts" if os.name == "nt" else "bin", name)
    is_script = os.path.basename(started) in (name, "edge-run") and os.path.exists(started)
    own = started if is_script else beside
    if not os.path.exists(own):
        return f"{quoted(sys.executable)} -m edge_runtime"
    return "edge-run" if _is_found(name, own) else quoted(own)


def doctor() -> str:
    """Return the cure for what only `edge-run doctor` can tell."""
    return f"see {program()} doctor"


def _is_found(name: str, own: str) -> bool:
    """Tell whether a shell that is given `name` runs `own`."""
    for folder in os.get_exec_path():
        path = os.path.join(folder or os.curdir, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return os.path.samefile(path, own)
    return False
