"""Install edge-run from the folder this lies in, without a network.

    python install.py [FOLDER]

FOLDER becomes a virtual environment of its own (default: edge-run in the home folder). Every file
here is compared with SHA256SUMS before one is used. Bundles (*.edge) that lie here go where
edge-run looks for them, and edge-run proves them on this machine.
"""
# Python of any version has to get as far as `fitting`, so nothing newer than 3.7 stands above it.

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
SUMS = "SHA256SUMS"


class Stop(Exception):
    """What is wrong and how to cure it, and the status to leave with."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status


def main(arguments: list[str]) -> int:
    """Install into the folder named, and return the exit status."""
    try:
        if len(arguments) > 1 or any(one.startswith("-") for one in arguments):
            raise Stop(2, (__doc__ or "").split("\n\n")[1].strip())
        wheels = verified(HERE)
        fitting(HERE)
        place = Path(arguments[0] if arguments else Path.home() / "edge-run").absolute()
        python = environment(place)
        install(python, wheels)
        command = python.with_name("edge-run")
        bundles = [put(bundle, python) for bundle in sorted(HERE.glob("*.edge"))]
        # `doctor` may complain of a machine that still classifies: its word is for the reader.
        run(command, "doctor")
        for bundle in bundles:
            if run(command, "check", bundle):
                raise Stop(7, f"{bundle}: did not pass its check on this machine")
        say(f"installed: {command}")
        return 0
    except (Stop, OSError) as error:
        say(f"install: {error}")
        return error.status if isinstance(error, Stop) else 10


def say(line: str) -> None:
    """Write one line to stderr."""
    sys.stderr.write(f"{line}\n")


def run(*command: object) -> int:
    """Run a command and return its exit status."""
    return subprocess.run([str(part) for part in command], check=False).returncode


def verified(folder: Path) -> list[Path]:
    """Return the wheels in `folder` after comparing every file with SHA256SUMS."""
    listed = {}
    try:
        for line in (folder / SUMS).read_text(encoding="ascii").splitlines():
            digest, _, name = line.partition("  ")
            listed[name] = digest
    except (OSError, ValueError) as error:
        raise Stop(4, f"{SUMS}: cannot be read ({error}); copy the folder again") from error
    for name, digest in listed.items():
        try:
            data = (folder / name).read_bytes()
        except OSError as error:
            raise Stop(4, f"{name}: cannot be read ({error}); copy the folder again") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise Stop(4, f"{name}: is not the file that was written; copy the folder again")
    wheels = sorted(folder.glob("*.whl"))
    for wheel in wheels:
        if wheel.name not in listed:
            raise Stop(4, f"{wheel.name}: is not in {SUMS}; remove it")
    return wheels


def fitting(folder: Path) -> None:
    """Refuse a Python that the wheels are not for."""
    wanted = json.loads((folder / "wheelhouse.json").read_text(encoding="ascii"))["python"]
    here = "{}.{}".format(*sys.version_info)
    if here != wanted:
        raise Stop(2, f"Python {wanted} is needed, this is {here}; add FOR_PYTHON={here}")


def environment(place: Path) -> Path:
    """Return the Python of the virtual environment at `place`, made where there is none."""
    scripts = place / ("Scripts" if os.name == "nt" else "bin")
    if not (place / "pyvenv.cfg").exists():
        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            raise Stop(10, f"{place}: holds something else; name a new folder")
        # Without pip: Debian leaves it out of the interpreter, and a wheel of it lies here.
        venv.create(place, with_pip=False, symlinks=os.name != "nt")
    return scripts / ("python.exe" if os.name == "nt" else "python")


def install(python: Path, wheels: list[Path]) -> None:
    """Install exactly `wheels`, by the pip that is one of them."""
    pip = next((wheel for wheel in wheels if wheel.name.startswith("pip-")), None)
    if pip is None:
        raise Stop(4, "there is no wheel of pip; copy the folder again")
    others = [wheel for wheel in wheels if wheel != pip]
    options = ["--isolated", "--no-index", "--no-deps", "--no-cache-dir", "--force-reinstall",
               "--disable-pip-version-check", "--no-warn-script-location", "--quiet"]  # fmt: skip
    if run(python, pip / "pip", "install", *options, *others):
        raise Stop(1, "pip could not install the wheels; see what it says above")


def put(bundle: Path, python: Path) -> Path:
    """Copy a bundle to where edge-run looks for one, and return its place there."""
    question = "from edge_runtime.bundle.defaults import data_folder as found; print(found() or '')"
    asked = subprocess.run([str(python), "-c", question], stdout=subprocess.PIPE, check=True)
    folder = os.fsdecode(asked.stdout).strip("\r\n")
    if not folder:
        say(f"install: no home folder; name the bundle: --bundle {bundle}")
        return bundle
    target = Path(folder) / bundle.name
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.part")
    try:
        shutil.copyfile(bundle, temporary)
        temporary.replace(target)
    finally:
        if temporary.exists():
            temporary.unlink()
    return target


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
