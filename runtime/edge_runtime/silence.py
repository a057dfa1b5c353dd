"""Suppressing what compiled code writes to stderr: no setting turns TFLite's notices off."""

from __future__ import annotations

import os
import sys
from _thread import allocate_lock  # `threading` costs more than the lock is worth
from contextlib import contextmanager, suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

_STDERR = 2


class _Stderr:
    """File descriptor 2 of this process, and how many blocks, in all threads, want it silent."""

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._blocks = 0
        self._kept: int | None = None

    def enter(self) -> None:
        with self._lock:
            self._blocks += 1
            if self._blocks > 1:
                return
            with suppress(OSError, ValueError):
                if sys.stderr:
                    sys.stderr.flush()
            with suppress(OSError):  # there is no stderr to keep clean
                self._kept = os.dup(_STDERR)
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, _STDERR)
                os.close(nowhere)

    def leave(self) -> None:
        with self._lock:
            self._blocks -= 1
            if self._blocks or self._kept is None:
                return
            os.dup2(self._kept, _STDERR)
            os.close(self._kept)
            self._kept = None

    @contextmanager
    def held(self) -> Iterator[int | None]:
        with self._lock:
            yield self._kept


_stderr = _Stderr()


@contextmanager
def silence() -> Iterator[None]:
    """Send file descriptor 2 to nowhere inside the block; failures still arrive as statuses.

    Blocks may nest and may run in several threads: the last one to end puts stderr back.
    """
    _stderr.enter()
    try:
        yield
    finally:
        _stderr.leave()


def real_stderr() -> AbstractContextManager[int | None]:
    """Keep stderr as it is, in every thread, until the block ends.

    The block is given a descriptor of the real stderr while descriptor 2 leads to nowhere, and
    None while descriptor 2 is the real one. It must not call `silence`.
    """
    return _stderr.held()
