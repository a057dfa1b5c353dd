"""Remove what install.py put on this machine.

    python uninstall.py [FOLDER]

FOLDER is where edge-run was installed: the folder this lies in, else edge-run in the home folder.
Its environment goes, and with the last one the bundles that edge-run copied to its data folder.
What somebody else put there stays, and is named. A second run finds nothing, and says so.
"""
# Python of any version has to understand this, so nothing newer than 3.7 stands here.

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

MARK = "edge-run.json"  # as in edge_runtime/cures.py
RECORD = "bundles.json"  # as in edge_runtime/bundle/defaults.py
ENGINES = "engines.json"  # as in edge_runtime/machine/engine_choice.py
USERS = "environments.txt"
"""In the data folder: the environments that use the bundles there, one a line."""
NEW, OLD, TRASH = ".new", ".old", ".trash"
"""In the environment's folder: what is being built, what it takes the place of, what is to go."""
_PART = re.compile(r"\.[0-9a-f]{16}\.part")  # as in edge_runtime/bundle/pack.py
_OF_A_VENV = {"bin", "include", "lib", "lib64", "share", "pyvenv.cfg", "Scripts", "Include", "Lib"}


class Stop(Exception):
    """What is wrong and how to cure it, and the status to leave with."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status


def main(arguments: list[str]) -> int:
    """Uninstall from the folder named, and return the exit status."""
    try:
        if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
            raise Stop(2, (__doc__ or "").split("\n\n")[1].strip())
        here = Path(__file__).resolve().parent
        if arguments:
            uninstall(real(Path(arguments[0])))
        else:
            uninstall(here if (here / MARK).exists() else usual_place())
        return 0
    except (Stop, OSError) as error:
        say(f"uninstall: {error}")
        return error.status if isinstance(error, Stop) else 10


def say(line: str) -> None:
    """Write one line to stderr."""
    text = line if line.isprintable() else line.encode("unicode_escape").decode("ascii")
    sys.stderr.write(f"{text}\n")


def names(folder: Path) -> list[str]:
    """Return the names of what lies in a folder, sorted."""
    return sorted(path.name for path in folder.iterdir())


def usual_place() -> Path:
    """Return the folder of the environment where none is named.

    Raises:
        Stop: this user has no home folder.
    """
    try:
        return real(Path.home() / "edge-run")
    except (RuntimeError, KeyError) as error:
        raise Stop(2, "this user has no home folder; name a folder") from error


def quoted(path: Path) -> str:
    """Return a path as one word of a command line."""
    return f'"{path}"' if os.name == "nt" else shlex.quote(str(path))


def real(path: Path) -> Path:
    """Return `path` without links."""
    return Path(os.path.realpath(str(path)))


def uninstall(place: Path) -> None:
    """Remove the environment at `place`, and the bundles where no other environment uses them.

    Raises:
        Stop: it was not made by install.py.
        OSError: the disk does not let us; what is left a second run removes.
    """
    if not os.path.lexists(str(place)) or (place.is_dir() and not names(place)):
        say(f"uninstall: nothing is installed in {place}")
        return
    if not is_ours(place):
        raise Stop(10, f"{place}: was not made by install.py; nothing was removed")
    recover(place)
    mark = read_mark(place)
    if mark.get("data"):
        forget(Path(mark["data"]), place)
    for name in [*mark["made"], MARK]:
        remove(place / name)
    left = names(place)
    if not left:
        place.rmdir()
    for folder in mark["folders"]:
        remove_empty(Path(folder))
    say(f"removed: {place}" + (f", but not {', '.join(left)}: not ours" if left else ""))


def is_ours(place: Path) -> bool:
    """Tell whether install.py made the environment at `place`, or was about to."""
    marks = (place / MARK, place / OLD / MARK, place / NEW / MARK)
    return any(mark.exists() for mark in marks) or bool(_earlier(place))


def read_mark(place: Path) -> dict[str, Any]:
    """Return what install.py wrote down about the environment at `place`, if there is one.

    `made` are the names of what it put into the folder, `folders` those it made around it.
    """
    try:
        mark = json.loads((place / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        mark = _earlier(place)
    if not isinstance(mark, dict):
        mark = {}
    mark["made"] = [str(name) for name in mark.get("made", ()) if _is_name(str(name))]
    mark["folders"] = [str(folder) for folder in mark.get("folders", ())]
    return mark


def _is_name(name: str) -> bool:
    """Tell whether `name` cannot lead out of the folder that it is joined to."""
    return name == Path(name).name and name not in ("", ".", "..")


def _earlier(place: Path) -> dict[str, Any]:
    """Return the same for an environment of the time before there was such a file.

    It is a virtual environment with edge-runtime, without pip, and nothing else lies beside it.
    """
    if not (place / "pyvenv.cfg").exists():
        return {}
    there = set(names(place)) - {NEW, OLD, TRASH}
    libraries = [path for pattern in ("lib/python*", "Lib") for path in place.glob(pattern)]
    packages = {path.name for lib in libraries for path in lib.glob("site-packages/*")}
    ours = [name for name in packages if re.match(r"edge_runtime-.*\.dist-info", name)]
    if not ours or "pip" in packages or not there <= _OF_A_VENV:
        return {}
    version = ours[0][len("edge_runtime-") : -len(".dist-info")]
    return {"edge_runtime": version, "made": sorted(there)}


def recover(place: Path) -> None:
    """Undo what an installation left half done when it was ended: what was before is there again.

    While the old one gives way, its mark is the last to go; of the new one it is the first to come.
    """
    old = place / OLD
    if old.exists():
        if (old / MARK).exists():
            for name in read_mark(place)["made"]:  # of the new one
                remove(place / name)
        for name in names(old):
            remove(place / name)
            (old / name).rename(place / name)
        old.rmdir()
    for name in (NEW, TRASH):
        remove(place / name)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all in it; what is not there needs none of it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(str(path))
    elif os.path.lexists(str(path)):
        path.unlink()


def remove_empty(folder: Path) -> None:
    """Remove a folder that holds nothing."""
    with suppress(OSError):
        folder.rmdir()


def users(data: Path) -> list[str]:
    """Return the environments that use the bundles in the data folder, those that still exist."""
    try:
        lines = (data / USERS).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    return [line for line in lines if line and is_ours(Path(line))]


def write_users(data: Path, environments: list[str]) -> None:
    """Write down which environments use the bundles in the data folder."""
    part = data / f".{USERS}.part"
    lines = "".join(f"{environment}\n" for environment in environments)
    part.write_text(lines, encoding="utf-8", errors="surrogateescape")
    part.replace(data / USERS)


def missing(folder: Path) -> list[str]:
    """Return which of `folder` and the folders around it do not exist, the innermost first."""
    return [str(path) for path in [folder, *folder.parents] if not path.exists()]


def around_data(data: Path) -> list[str]:
    """Return which folders around the data folder are ours, made now or by those that share it."""
    folders = missing(data)[1:]
    for user in users(data):
        folders += [name for name in read_mark(Path(user))["folders"] if Path(name) in data.parents]
    return folders


def forget(data: Path, place: Path) -> None:
    """Remove what we put into the data folder, unless another environment uses it."""
    if not data.is_dir():
        if data.is_symlink():
            say(f"kept: the bundles behind {data}, a link that leads to no folder now")
        return
    others = [user for user in users(data) if user != str(place)]
    if others:
        write_users(data, others)
        say(f"kept: the bundles in {data}, which {others[0]} uses")
        return
    if removed := _remove_added(data):
        say(f"removed: {', '.join(removed)} in {data}")
    for name in names(data):
        if name in (RECORD, ENGINES, USERS, f".{USERS}.part") or _PART.fullmatch(name):
            (data / name).unlink()
    _leave(data)


def _leave(data: Path) -> None:
    """Remove the data folder where it is empty, and say what is kept of it."""
    if left := names(data):
        say(f"kept: {', '.join(left)} in {data}: edge-run did not put it there, or not like that")
    elif data.is_symlink():
        say(f"kept: {data}, a link that edge-run did not make, and the folder it leads to")
    else:
        data.rmdir()


def _remove_added(data: Path) -> list[str]:
    """Remove the files that edge-run put into the data folder and nobody changed since."""
    removed = []
    for name, digest in sorted(_added(data).items()):
        path = data / name
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest:
            path.unlink()
            removed.append(name)
    return removed


def _added(data: Path) -> dict[str, str]:
    """Return the files that edge-run put into the data folder, each with its SHA-256."""
    try:
        added = json.loads((data / RECORD).read_text(encoding="utf-8"))["added"]
        return {name: digest for name, digest in added.items() if _is_name(name)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
