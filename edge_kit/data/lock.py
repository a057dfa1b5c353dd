"""One process at a time: advisory locks on files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

try:
    import fcntl
except ImportError:  # Windows: two trainings at once are not kept apart there
    fcntl = None  # type: ignore[assignment]


@contextmanager
def locked(stream: IO[bytes]) -> Iterator[None]:
    """Hold the lock of an open file inside the block, after waiting for it.

    A disk that has no locks, as some network disks, is taken as it is.
    """
    if fcntl is not None:
        with suppress(OSError):
            fcntl.flock(stream, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if fcntl is not None:
            with suppress(OSError):
                fcntl.flock(stream, fcntl.LOCK_UN)


def try_lock(stream: IO[bytes]) -> bool:
    """Take the lock of an open file until it is closed; tell whether no other process has it."""
    if fcntl is not None:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # no locks on this disk
            return True
    return True
