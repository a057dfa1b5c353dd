"""The virtual environment that install.py makes: what is installed there, and whether it starts."""
# Python of any version has to understand this, so nothing newer than 3.7 stands here.

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from uninstall import Stop

SCRIPTS = "Scripts" if os.name == "nt" else "bin"
_LAUNCH = b"""'''exec' "$(dirname "$(readlink -f "$0" || echo "$0")")/python" "$0" "$@"\n"""
"""A line of shell that is the beginning of a text to Python, as pip writes it."""


def run(*command: object, quiet: bool = False, **changes: str) -> int:
    """Run a command, with `changes` of its environment, and return its exit status."""
    line, to = [str(part) for part in command], subprocess.DEVNULL if quiet else None
    env = {**os.environ, **changes}
    return subprocess.run(line, stdout=to, env=env, check=False).returncode


def install(python: Path, wheels: list[Path]) -> None:
    """Install exactly `wheels`, by the pip that is one of them."""
    pip = next((wheel for wheel in wheels if wheel.name.startswith("pip-")), None)
    if pip is None:
        raise Stop(4, "there is no wheel of pip; copy the folder again")
    others = [wheel for wheel in wheels if wheel != pip]
    options = ["--isolated", "--no-index", "--no-deps", "--no-cache-dir", "--force-reinstall",
               "--disable-pip-version-check", "--no-warn-script-location", "--quiet"]  # fmt: skip
    # Its own folder as home: pip looks there for what it does not use, and a user may have none.
    if run(python, pip / "pip", "install", *options, *others, HOME=str(python.parent.parent)):
        raise Stop(1, "pip could not install the wheels; see what it says above")


def version(wheels: list[Path]) -> str:
    """Return the version of edge-runtime among `wheels`."""
    versions = [
        wheel.name.split("-")[1] for wheel in wheels if wheel.name.startswith("edge_runtime-")
    ]
    return versions[0] if versions else "of unknown version"


def launch(scripts: Path) -> None:
    """Let scripts find the Python beside them, whatever the folder is called.

    Where a path has blanks or is long, pip writes it between double quotes of a Unix shell, which
    takes a dollar sign and others in it for its own.
    """
    for path in scripts.iterdir():
        if path.is_file() and not path.is_symlink():
            head, _, rest = path.read_bytes().partition(b"\n")
            if head == b"#!/bin/sh" and rest.startswith(b"'''exec' "):
                path.write_bytes(head + b"\n" + _LAUNCH + rest.partition(b"\n")[2])


def require_start(scripts: Path) -> None:
    """Refuse an environment whose edge-run does not run at all.

    Raises:
        Stop: it does not.
    """
    try:
        status = run(scripts / "edge-run", "--version", quiet=True)
    except OSError as error:
        raise Stop(1, f"{scripts / 'edge-run'}: does not start ({error.strerror})") from error
    if status:
        raise Stop(1, f"{scripts / 'edge-run'}: does not start, see above; name another folder")


def relocate(new: Path, place: Path) -> None:
    """Let the scripts of an environment that was made in `new` be those of `place`."""
    for path in [new / "pyvenv.cfg", *(new / SCRIPTS).iterdir()]:
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            # In a Windows launcher as well: its path is a line before the zip at its end.
            path.write_bytes(data.replace(os.fsencode(str(new)), os.fsencode(str(place))))


def data_folder(python: Path) -> str:
    """Return where the edge-run of this environment looks for bundles, or nothing."""
    question = "from edge_runtime.bundle.defaults import data_folder as found; print(found() or '')"
    line = [str(python), "-I", "-c", question]
    asked = subprocess.run(line, stdout=subprocess.PIPE, check=False)
    if asked.returncode:
        raise Stop(1, "what was installed does not run; see what it says above")
    data = os.fsdecode(asked.stdout).strip("\r\n")
    if data and os.path.lexists(data) and not Path(data).is_dir():
        cure = "mount the disk that it leads to, or move it away"
        raise Stop(10, f"{data}: is no folder, or a link that leads to none; {cure}")
    return data
