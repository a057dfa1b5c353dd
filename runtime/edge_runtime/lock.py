"""Locking a file that is open, so that one process alone writes it."""

from __future__ import annotations

import os
import sys

from edge_runtime.errors import UsageError


def lock(descriptor: int, subject: object, cure: str) -> None:
    """Keep other processes out until this one closes the file, where the disk can do that.

    Raises:
        UsageError: another process has it.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            # Others cannot read what is locked: the last byte that can be.
            os.lseek(descriptor, 0x7FFFFFFE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        raise UsageError(subject, "is being written by another edge-run", cure) from None
    except (ImportError, OSError):  # not every system and network disk has locks
        pass
