"""One budget of memory for all films that are decoded at once, in threads or in processes."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from threading import Condition

from edge_runtime.memory.machine import available
from edge_runtime.memory.reserve import asking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_SHARE = 0.5
"""Of the memory that is free when the budget is made; the rest is for engines and for others."""
_UNKNOWN = 512 << 20  # bytes, where the machine does not say what is free


class MemoryBudget:
    """Bytes that films may take between them; who finds too few left waits, in the order of asking.

    A film that takes more than there are in all is read while nothing else is: whether it fits is
    for the machine to say.
    """

    def __init__(self, total: int | None = None) -> None:
        """Begin with `total` bytes, by default half of those that are free on this machine."""
        if total is None:
            free = available()
            total = int(_SHARE * free) if free is not None else _UNKNOWN
        self._total = total
        self._taken = 0
        self._changed = Condition()  # guards what is taken and who waits
        self._waiting: deque[object] = deque()

    @contextmanager
    def film(self) -> Iterator[None]:
        """Let the film that is read inside the block wait for its memory, and give it back.

        Asked for several times, the most of them counts.
        """
        held = 0

        def ask(size: int) -> None:
            nonlocal held
            if size > held:  # given back first: two that wait for each other would wait for ever
                self._give_back(held)
                held = 0
                self._take(size)
                held = size

        try:
            with asking(ask):
                yield
        finally:
            self._give_back(held)

    def _take(self, size: int) -> None:
        turn = object()
        with self._changed:
            self._waiting.append(turn)
            try:
                while self._waiting[0] is not turn or not self._fits(size):
                    self._changed.wait()
                self._taken += size
            finally:
                self._waiting.remove(turn)
                self._changed.notify_all()

    def _fits(self, size: int) -> bool:
        return self._taken == 0 or self._taken + size <= self._total

    def _give_back(self, size: int) -> None:
        with self._changed:
            self._taken -= size
            self._changed.notify_all()
