"""An engine that is opened while the first film is read.

Both take tens of milliseconds, nearly all of them in compiled code without Python's lock.
"""

from __future__ import annotations

from _thread import allocate_lock, start_new_thread  # `threading` costs more than both are worth

from edge_runtime.memory.address_space import address_space

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from edge_runtime.engines import Engine


_ROOM = 256 << 20
"""Bytes of address space from which on a second thread is not too dear: on Linux each reserves 64
MiB, and takes them from the film or not, as it happens to come first or second."""


class OpeningEngine:
    """An engine that `start` opens in a thread of its own; every use waits for that."""

    def __init__(self, start: Callable[[], Engine]) -> None:
        """Let a thread call `start`, or do it at once where there is no room for a thread."""
        self._start = start
        self._outcome: Engine | BaseException = RuntimeError("it is still being opened")
        self._opening = allocate_lock()
        self._opening.acquire()
        if address_space() < _ROOM:
            self._open()
            return
        try:
            start_new_thread(self._open, ())
        except (RuntimeError, MemoryError):
            self._open()

    def _open(self) -> None:
        try:
            self._outcome = self._start()
        except BaseException as failure:  # whoever waits raises it
            self._outcome = failure
        finally:
            self._opening.release()

    def opened(self) -> Engine:
        """Return the engine itself.

        Raises:
            BaseException: whatever `start` raised.
        """
        with self._opening:
            if isinstance(self._outcome, BaseException):
                raise self._outcome
            return self._outcome

    @property
    def name(self) -> str:
        """The engine's key in `ENGINES`."""
        return self.opened().name

    def logits(self, pixels: bytes) -> tuple[float, ...]:
        """Return the graph's outputs for one film's pixels, as the engine itself does."""
        return self.opened().logits(pixels)

    def close(self) -> None:
        """Free what the graph takes in memory."""
        self.opened().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Wait for the thread, whose silence on stderr would swallow what is said next."""
        with self._opening:
            pass
