"""A wheelhouse of fake wheels, installed into a home of its own, and what lies there then."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fake_wheels import SOURCE, write_wheel
from offline.wheelhouse import Choice, furnish
from offline.wheels import Target
from tiny_bundle import write_tiny_bundle

HERE = "{}.{}".format(*sys.version_info)


# What pip and edge-run do is theirs to test; here they write down what they are asked.
PIP = """\
import os, sys, zipfile, sysconfig
from pathlib import Path
if os.environ["HOME"] != sys.prefix:
    sys.exit("pip may look into the home of a user")
with open(os.environ["LOG"], "a") as log:
    print("pip", *sys.argv[1:], file=log)
for wheel in sys.argv[1:]:
    if wheel.endswith(".whl"):
        zipfile.ZipFile(wheel).extractall(sysconfig.get_path("purelib"))
script = Path(sysconfig.get_path("scripts"), "edge-run")
script.write_text(f"#!{sys.executable}\\nfrom edge_runtime.said import main\\nmain()\\n")
script.chmod(0o755)
"""


SAID = """\
import os, sys
def main():
    with open(os.environ["LOG"], "a") as log:
        print("edge-run", *sys.argv[1:], file=log)
    if sys.argv[1] == "bundles":
        from edge_runtime.cli import main
        main()
    failing = os.environ.get("FAILING", "check")
    sys.exit(int(os.environ.get("STATUS", "0")) if sys.argv[1] == failing else 0)
"""


posix = pytest.mark.skipif(os.name == "nt", reason="its stand-in for edge-run is a Unix script")


DATA = ".local/share/edge-kit"


def write_stick(folder: Path, version: str = "1.0", extras: tuple[str, ...] = ("litert",)) -> Path:
    """Write a wheelhouse of fake wheels with one bundle, and the runtime as it is now."""
    folder.mkdir()
    write_wheel(folder, "pip", files={"pip/__main__.py": PIP})
    files = {
        path.relative_to(SOURCE.parent).as_posix(): path.read_text(encoding="utf-8")
        for path in SOURCE.rglob("*.py")
    }
    files["edge_runtime/said.py"] = SAID
    write_wheel(folder, "edge-runtime", version, files=files)
    write_tiny_bundle(folder / "m.edge")
    finish(folder, extras)
    return folder


def finish(folder: Path, extras: tuple[str, ...] = ("litert",), python: str = HERE) -> None:
    """Write installer and digests of a stick, after it was changed."""
    (folder / "SHA256SUMS").unlink(missing_ok=True)
    furnish(folder, Choice(Target("x86_64", python), extras, False, ()))


def run_in(home: Path, *line: object, **changes: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "HOME": str(home), "LOG": str(home / "log"), **changes}
    for name in ("XDG_DATA_HOME", "EDGE_BUNDLE", "PYTHONPATH"):
        env.pop(name, None)
    return subprocess.run(
        list(map(str, line)), env=env, capture_output=True, text=True, check=False
    )


def install(house: Path, *arguments: object, **changes: str) -> subprocess.CompletedProcess[str]:
    return run_in(house.parent, sys.executable, house / "install.py", *arguments, **changes)


def installed(home: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run what was installed, by the Python and the script that were installed."""
    return run_in(home, home / "edge-run/bin/edge-run", *arguments)


def everything(folder: Path) -> dict[str, bytes | None]:
    """Return what lies below a folder: files with their bytes, and links, by their paths."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        if path.is_file() and not path.is_symlink()
        else None
        for path in folder.rglob("*")
    }
