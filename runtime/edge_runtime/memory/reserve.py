"""Where a decoder asks for memory, once it knows from the header what a film will take.

On the cold path of `edge-run`, where one film is read and nobody has to be asked.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Ask = Callable[[int], None]
    """Takes a number of bytes, and returns once they may be taken."""

_asked: ContextVar[Ask | None] = ContextVar("asked for memory", default=None)


def reserve(size: int) -> None:
    """Wait until `size` bytes may be taken; at once where nobody shares the memory."""
    ask = _asked.get()
    if ask is not None:
        ask(size)


@contextmanager
def asking(ask: Ask) -> Iterator[None]:
    """Let `reserve` call `ask` inside the block, in this thread."""
    before = _asked.set(ask)
    try:
        yield
    finally:
        _asked.reset(before)
