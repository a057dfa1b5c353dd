"""Install edge-run from the folder this lies in, without a network.

    python install.py [FOLDER]
    python install.py --uninstall [FOLDER]

FOLDER becomes a virtual environment of its own (default: edge-run in the home folder). Every file
here is compared with SHA256SUMS before one is used. A new version is built beside the old one,
proved on the bundles (*.edge) that lie here, and only then takes its place. The bundles go where
edge-run looks for them; which one is used stays as it is.
"""
# Python of any version has to get as far as `fitting`, so nothing newer than 3.7 stands above it.

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import venv
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = True  # nothing is left on the stick
from environment import (  # noqa: E402
    SCRIPTS,
    data_folder,
    install,
    launch,
    relocate,
    require_start,
    run,
    version,
)
from uninstall import (  # noqa: E402
    MARK,
    NEW,
    OLD,
    TRASH,
    Stop,
    around_data,
    is_ours,
    missing,
    names,
    quoted,
    read_mark,
    real,
    recover,
    remove,
    remove_empty,
    say,
    uninstall,
    users,
    usual_place,
    write_users,
)

HERE = Path(__file__).resolve().parent
SUMS = "SHA256SUMS"
FAILED = "did not pass its check on this machine"
REMOVERS = ("uninstall.py", "uninstall.bat" if os.name == "nt" else "uninstall.sh")


def main(arguments: list[str]) -> int:
    """Install into the folder named, and return the exit status."""
    options = [argument for argument in arguments if argument.startswith("-")]
    folders = [argument for argument in arguments if not argument.startswith("-")]
    try:
        if len(folders) > 1 or options not in ([], ["--uninstall"]):
            raise Stop(
                2, " | ".join((__doc__ or "").split("\n\n")[1].split("\n")).replace("  ", "")
            )
        place = real(Path(folders[0])) if folders else usual_place()
        if options:
            uninstall(place)
        else:
            set_up(place)
        return 0
    except (Stop, OSError) as error:
        say(f"install: {error}")
        return error.status if isinstance(error, Stop) else 10
    except KeyboardInterrupt:
        say("install: interrupted; run it again")
        return 130


def set_up(place: Path) -> None:
    """Install into `place`, or make what is there this version.

    Raises:
        Stop: it cannot be done; what was installed before is as it was.
        OSError: the disk does not let us.
    """
    wheels = verified(HERE)
    about = fitting(HERE)
    bundles = [path for path in sorted(HERE.iterdir()) if _is_bundle(path.name)]
    new_folders = claim(place)
    before = read_mark(place)
    try:
        scripts = build(place, wheels, {**about, "folders": [*new_folders, *before["folders"]]})
        failed = [bundle for bundle in bundles if run(scripts / "edge-run", "check", bundle)]
        if failed and before["made"]:
            raise Stop(7, f"{failed[0]}: {FAILED}; what was installed before is as it was")
        relocate(place / NEW, place)
        swap(place, before["made"])
    except BaseException:
        remove(place / NEW)
        for folder in new_folders:
            remove_empty(Path(folder))
        raise
    remove(place / TRASH)
    put(bundles, place)
    # `doctor` may complain of a machine that still classifies: its word is for the reader.
    run(place / SCRIPTS / "edge-run", "doctor")
    conclude(place, before)
    if failed:
        raise Stop(7, f"{failed[0]}: {FAILED}")


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
    # macOS leaves a ._NAME beside each file that it copies to a stick.
    wheels = [path for path in sorted(folder.glob("*.whl")) if not path.name.startswith(".")]
    for wheel in wheels:
        if wheel.name not in listed:
            raise Stop(4, f"{wheel.name}: is not in {SUMS}; remove it")
    return wheels


def fitting(folder: Path) -> dict[str, Any]:
    """Return what the wheels are for, unless it is another Python than this."""
    about: dict[str, Any] = json.loads((folder / "wheelhouse.json").read_text(encoding="ascii"))
    needed = about["python"]
    here = "{}.{}".format(*sys.version_info)
    if here != needed:
        raise Stop(2, f"Python {needed} is needed, this is {here}; add FOR_PYTHON={here}")
    return about


def _is_bundle(name: str) -> bool:
    return name.lower().endswith(".edge") and not name.startswith(".")


def claim(place: Path) -> list[str]:
    """Make `place` where it is missing, and return the folders that had to be made, it first."""
    is_free = place.is_dir() and not names(place)
    if os.path.lexists(str(place)) and not is_free and not is_ours(place):
        raise Stop(10, f"{place}: holds something else; name a new folder")
    new_folders = missing(place)
    place.mkdir(parents=True, exist_ok=True)
    recover(place)
    before = read_mark(place)
    if before["made"] and not (place / MARK).exists():  # of the time before there were marks
        (place / MARK).write_text(json.dumps(before), encoding="ascii")
    return new_folders


def build(place: Path, wheels: list[Path], about: dict[str, Any]) -> Path:
    """Return the scripts of a new environment in `place`, which is to take that of the old one."""
    new = place / NEW
    new.mkdir()
    mark = new / MARK
    mark.write_text("{}", encoding="ascii")  # from here on it is ours, whatever ends us
    # Without pip: Debian leaves it out of the interpreter, and a wheel of it lies here.
    venv.create(str(new), with_pip=False, symlinks=os.name != "nt")
    python = new / SCRIPTS / ("python.exe" if os.name == "nt" else "python")
    install(python, wheels)
    for name in REMOVERS:
        shutil.copyfile(str(HERE / name), str(new / name))
    launch(python.parent)
    require_start(python.parent)
    data = data_folder(python)
    around = around_data(Path(data)) if data else []
    about = {**about, "edge_runtime": version(wheels), "data": data}
    about["made"] = [name for name in names(new) if name != MARK]
    about["folders"] = [*around, *about["folders"]]
    mark.write_text(json.dumps(about, indent=1) + "\n", encoding="ascii")
    return python.parent


def swap(place: Path, before: list[str]) -> None:
    """Put what lies in NEW in the place of `before`; ended at any time, `recover` undoes it."""
    new, old = place / NEW, place / OLD
    old.mkdir()
    came = []
    try:
        for name in [*before, MARK]:
            if os.path.lexists(str(place / name)):
                (place / name).rename(old / name)
        for name in [MARK, *(name for name in names(new) if name != MARK)]:
            if os.path.lexists(str(place / name)):
                raise Stop(10, f"{place / name}: is in the way, and not ours; move it")
            (new / name).rename(place / name)
            came.append(name)
        require_start(place / SCRIPTS)
    except BaseException as error:
        for name in came:
            (place / name).rename(new / name)
        recover(place)
        if isinstance(error, OSError):
            raise Stop(10, f"{error}; end every edge-run and install again") from error
        raise
    old.rename(place / TRASH)
    new.rmdir()


def put(bundles: list[Path], place: Path) -> None:
    """Copy bundles to where edge-run looks for them, which says what came and what is used."""
    data = read_mark(place)["data"]
    if not data:
        for bundle in bundles:
            say(f"install: no home folder; name the bundle: --bundle {quoted(bundle)}")
        return
    command = (place / SCRIPTS / "edge-run", "bundles", "--add", "--keep")
    status = run(*command, *bundles, quiet=True) if bundles else 0
    if status:
        raise Stop(status, "the bundles were not copied, see above; edge-run is installed")
    folder = Path(data)
    folder.mkdir(parents=True, exist_ok=True)
    write_users(folder, [*(user for user in users(folder) if user != str(place)), str(place)])


def conclude(place: Path, before: dict[str, Any]) -> None:
    """Say what is installed now, what was before, and how it is removed."""
    now, command = read_mark(place), place / SCRIPTS / "edge-run"
    if not before["made"]:
        say(f"installed: {command}, {_words(now)}")
    elif _words(before) == _words(now):
        say(f"installed again: {command}, {_words(now)}")
    else:
        newer = _numbers(before) < _numbers(now)
        said = "upgraded" if newer else "replaced"
        say(f"{said}: {command}, {_words(before)} -> {_words(now)}")
    lost = sorted({*before.get("extras", ())} - {*now["extras"]})
    if lost:
        say(f"install: without {', '.join(lost)} from now on, which this folder does not hold")
    say(f"to remove it: {'' if os.name == 'nt' else 'sh '}{quoted(place / REMOVERS[1])}")


def _words(mark: dict[str, Any]) -> str:
    parts = [*mark.get("extras", ()), *(["lean"] if mark.get("lean") else [])]
    return f"{mark.get('edge_runtime')}" + (f" ({', '.join(parts)})" if parts else "")


def _numbers(mark: dict[str, Any]) -> list[int]:
    return [int(part) for part in re.findall("[0-9]+", str(mark.get("edge_runtime")))]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
