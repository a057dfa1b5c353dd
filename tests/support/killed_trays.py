"""Watches a tray, and is killed right before each single step, or may write so many bytes alone.

    python tests/support/killed_trays.py FOLDER BUNDLE

prints as JSON, for each step and size, how it ended and what was wrong after the next run. A
process of its own, since it forks.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge_runtime.bundle import open_bundle
from edge_runtime.errors import CannotWrite
from trays import film, problems, watch_once

CONTENTS = [film(1), film(2, b"blank"), film(3), film(1)]
FULL = 10
SIZES = (0, 1, 40, 300, 700, 1000, 1500, 2500, 3000, 4000, 5000)


def filled(place: Path) -> Path:
    """Make a tray with films, two of them of the same bytes."""
    tray = place / "tray"
    tray.mkdir(parents=True)
    for number, content in enumerate(CONTENTS):
        (tray / f"{number}.png").write_bytes(content)
    return tray


def child(place: Path, bundle: Path, begin: Callable[[], None]) -> int:
    """Watch the tray in a child of this process, after `begin`; return how it ended."""
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    status = 1
    try:
        with open_bundle(bundle) as opened:
            begin()
            watch_once(place / "tray", opened, audit=place / "trail.jsonl")
        status = 0
    except CannotWrite:
        status = FULL
    finally:
        os._exit(status)


def killing(step: int) -> Callable[[], None]:
    """Return what lets this process be killed before a step of writing."""
    count = [0]

    def next_step() -> None:
        count[0] += 1
        if count[0] == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def look(event: str, given: tuple[Any, ...]) -> None:
        writes = event == "open" and isinstance(given[2], int) and given[2] & 3
        if writes or event in ("os.rename", "os.remove", "os.mkdir", "os.truncate"):
            next_step()

    def synced(_: int) -> None:
        next_step()  # before, and so after, whatever was written

    def begin() -> None:
        os.fsync = synced  # type: ignore[assignment]
        sys.addaudithook(look)

    return begin


def limited(size: int) -> Callable[[], None]:
    """Return what lets no file of this process grow beyond `size` bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def main() -> None:
    """Disturb a tray in every way, and complete it each time."""
    sys.dont_write_bytecode = True  # a limit would leave half of it, for everybody
    root, bundle = Path(sys.argv[1]), Path(sys.argv[2])
    found, step, status = [], 1, -signal.SIGKILL
    while status == -signal.SIGKILL:
        place = root / f"step-{step}"
        filled(place)
        status = child(place, bundle, killing(step))
        after = child(place, bundle, lambda: None)
        wrong = problems(place / "tray", CONTENTS, place / "trail.jsonl")
        found.append(["step", step, status, after, wrong])
        step += 1
    for size in SIZES:
        place = root / f"size-{size}"
        filled(place)
        status = child(place, bundle, limited(size))
        after = child(place, bundle, lambda: None)
        wrong = problems(place / "tray", CONTENTS, place / "trail.jsonl")
        found.append(["size", size, status, after, wrong])
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
