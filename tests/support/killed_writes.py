"""Writes in the ways of this project, and is killed right before every single step of it.

    python tests/support/killed_writes.py FOLDER

prints as JSON, for each way and step, what then stood under its names, and whether the next try in
the same place was right. A process of its own, since it forks.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge_kit.files import new_folder
from edge_runtime.output import write_together, write_whole

LARGE = bytes(range(256)) * 200
OLD, NEW = "old", "new"


def _run(place: Path) -> None:
    with new_folder(place / "run") as folder:
        (folder / "a").write_bytes(LARGE)
        (folder / "below").mkdir()
        (folder / "below" / "b").write_bytes(LARGE)


def _report(place: Path) -> None:
    write_together({place / name: LARGE for name in ("a", "b", "c")})


def _file(place: Path) -> None:
    write_whole(place / "a", LARGE)


WAYS: dict[str, Callable[[Path], None]] = {"run": _run, "report": _report, "file": _file}


def standing(place: Path) -> dict[str, str]:
    """Return what stands under the names that are not hidden: `old`, `new`, or neither."""
    found = {}
    for path in sorted(place.rglob("*")):
        name = path.relative_to(place).as_posix()
        if path.is_file() and not name.startswith("."):
            content = path.read_bytes()
            found[name] = OLD if content == b"old" else NEW if content == LARGE else "torn"
    return found


def killed(way: Callable[[Path], None], place: Path, step: int) -> bool:
    """Carry a way out in a child that is killed before a step; tell whether there was such one."""
    process = os.fork()
    if process:
        _, state = os.waitpid(process, 0)
        return os.waitstatus_to_exitcode(state) == -signal.SIGKILL
    count = [0]

    def look(event: str, given: tuple[Any, ...]) -> None:
        writes = event == "open" and isinstance(given[2], int) and given[2] & 3
        if writes or event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod"):
            count[0] += 1
            if count[0] == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(look)
    try:
        way(place)
    finally:
        os._exit(0)


def main() -> None:
    """Disturb every way at every step."""
    root, found = Path(sys.argv[1]), []
    for name, way in WAYS.items():
        place = root / name
        place.mkdir()
        step, more = 1, True
        while more:
            if name != "run":
                (place / "a").write_bytes(b"old")
            more = killed(way, place, step)
            after = standing(place)
            if not more or "run/a" in after:
                again = after
            else:
                way(place)
                again = standing(place)
            found.append([name, step, after, again])
            shutil.rmtree(place / "run", ignore_errors=True)
            for file in place.iterdir():  # what is hidden is in the way of the next try
                if not file.name.startswith("."):
                    file.unlink()
            step += 1
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
