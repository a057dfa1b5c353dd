"""The folder of a Ray cluster that a driver starts, which goes when it ends, or at the next start.

A driver that is killed has no time to remove its folder. Ray's own processes end by themselves
within half a minute, and write to it until then. So a driver holds a lock in its folder for as long
as it lives, and whoever starts or ends next removes those folders of its user whose lock nobody
holds, and which no process names any more.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

from edge_kit.files import try_lock

_PLACE, _PREFIX, _LOCK = Path("/tmp"), "edge-ray-", "driver.lock"  # noqa: S108, paths of sockets are short


class RayFolder:
    """A new folder, by its `path`, held until it is removed."""

    def __init__(self) -> None:
        """Make it, and remove what killed drivers have left."""
        remove_abandoned()
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_PLACE))
        draft = self.path / f"{_LOCK}.part"
        self._lock: IO[bytes] = draft.open("wb")
        try_lock(self._lock)
        draft.rename(self.path / _LOCK)  # never there without being held

    def remove(self) -> None:
        """Remove the folder with all that Ray wrote to it, and what killed drivers have left."""
        _remove(self.path)
        self._lock.close()
        remove_abandoned()


def remove_abandoned() -> None:
    """Remove the folders of this user whose drivers have ended."""
    for folder in _PLACE.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # gone meanwhile, or another user's
            status = folder.lstat()
            if status.st_uid != os.geteuid() or folder.is_symlink():
                continue
            with (folder / _LOCK).open("r+b") as lock:
                # Ray's processes make it again while they live.
                if try_lock(lock) and not processes_of(folder):
                    _remove(folder)


def processes_of(folder: Path) -> list[int]:
    """Return the other processes whose command line or environment names a folder, on Linux."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # ended meanwhile, or another user's
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            if os.fsencode(folder) in told and int(process.name) != os.getpid():
                found.append(int(process.name))
    return found


def _remove(folder: Path) -> None:
    """Remove a folder whose lock this process holds, and the lock last.

    Processes of Ray that have not ended yet may go on writing to it: it then keeps its lock, by
    which the next one knows it.
    """
    with suppress(OSError):  # gone meanwhile
        for path in folder.iterdir():
            if path.name != _LOCK:
                shutil.rmtree(path, ignore_errors=True)
        if [path.name for path in folder.iterdir()] == [_LOCK]:
            shutil.rmtree(folder, ignore_errors=True)
