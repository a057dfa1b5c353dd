"""Who may have a film in memory: so many at once, of so many bytes; the others wait their turn.

Whoever waits has sent nothing that is kept here: the body stays with the client until there is
room. Everything runs on the event loop, so that nothing needs a lock.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from edge_runtime.web.problems import busy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Held:
    """The bytes that one request holds, which may become more."""

    def __init__(self, places: FilmPlaces, size: int) -> None:
        self._places = places
        self.size = size

    def grow(self, size: int) -> None:
        """Hold `size` bytes in all.

        Raises:
            Problem: there is no room for them.
        """
        more = size - self.size
        if more > 0:
            self._places.take_at_once(more)
            self.size = size


class FilmPlaces:
    """`most` requests at once hold at most `memory` bytes; `waiting` others wait for a place."""

    def __init__(self, most: int, memory: int, waiting: int, patience: float) -> None:
        self._free = most
        self._memory = memory
        self._most_waiting = waiting
        self._patience = patience
        self._queue: deque[tuple[asyncio.Future[None], int]] = deque()

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return len(self._queue)

    @asynccontextmanager
    async def place(self, size: int) -> AsyncIterator[Held]:
        """Hold a place with `size` bytes during the block, once there is one.

        Raises:
            Problem: too many wait already, or it took too long.
        """
        await self._enter(size)
        held = Held(self, size)
        try:
            yield held
        finally:
            self._leave(held.size)

    def take_at_once(self, size: int) -> None:
        """Take more bytes, of those that are left.

        Raises:
            Problem: there are too few.
        """
        if size > self._memory:
            raise busy("there is no memory for this film now")
        self._memory -= size

    async def _enter(self, size: int) -> None:
        if not self._queue and self._fits(size):
            self._take(size)
            return
        if len(self._queue) >= self._most_waiting:
            raise busy("too many films wait already")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((turn, size))
        try:
            async with asyncio.timeout(self._patience):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # it got its place too late
                self._leave(size)
            elif (turn, size) in self._queue:
                self._queue.remove((turn, size))
                self._let_in()
            if isinstance(error, TimeoutError):
                raise busy("other films take too long") from None
            raise

    def _fits(self, size: int) -> bool:
        return self._free > 0 and size <= self._memory

    def _take(self, size: int) -> None:
        self._free -= 1
        self._memory -= size

    def _leave(self, size: int) -> None:
        self._free += 1
        self._memory += size
        self._let_in()

    def _let_in(self) -> None:
        while self._queue and self._fits(self._queue[0][1]):
            turn, size = self._queue.popleft()
            if not turn.cancelled():  # else it has not noticed yet that it waits no more
                self._take(size)
                turn.set_result(None)
