"""HTTP by uvicorn, with deadlines for what it waits for without end: requests, readers, endings."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS = 10.0
"""Seconds within which a whole head of a request has to be there, on a connection that begins one.
"""
REST = 60.0
"""Seconds within which a body has to end that nobody reads, for its request was answered before.

Most clients look for an answer only once they have sent all, and lose it where they are cut off.
"""
READER = 30.0
"""Seconds within which a client has to take something of an answer."""
MOST = 900
"""Connections at once; a new one takes the place of the one that has asked for nothing the longest.
"""
ENDING = 5.0
"""Seconds that a client has to take the rest of its last answer."""


class Deadline:
    """Cuts a connection off once it is overdue, unless its client is taking what was sent."""

    def __init__(self, protocol: PatientProtocol) -> None:
        self._protocol = protocol
        self._timer: asyncio.TimerHandle | None = None

    def start(self, seconds: float) -> None:
        """Begin to wait, anew."""
        self.cancel()
        left = self._protocol.transport.get_write_buffer_size()
        self._timer = self._protocol.loop.call_later(seconds, self._due, seconds, left)

    def cancel(self) -> None:
        """Wait no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _due(self, seconds: float, left: int) -> None:
        if 0 < self._protocol.transport.get_write_buffer_size() < left:
            self.start(seconds)
        else:
            self._protocol.cut()


class PatientProtocol(H11Protocol):
    """One connection. What is overdue is cut off."""

    _waiting: dict[PatientProtocol, None] = {}  # noqa: RUF012 - of all connections, oldest first

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head, self._reader, self._end = (Deadline(self) for _ in range(3))

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        if len(self.connections) > MOST:
            if not self._waiting:
                transport.abort()
                return
            next(iter(self._waiting)).cut()
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        for deadline in (self._head, self._reader, self._end):
            deadline.cancel()
        self._waiting.pop(self, None)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Read on; once a head is whole, what follows has deadlines of its own."""
        super().handle_events()
        if self.cycle is not None and not self.cycle.response_complete:
            self._head.cancel()
            self._waiting.pop(self, None)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._end.start(ENDING)
        elif self.cycle is None or self.cycle.response_complete:
            self._wait_for_head()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that asks for nothing more."""
        super().timeout_keep_alive_handler()
        self._head.cancel()
        self._end.start(ENDING)

    def pause_writing(self) -> None:
        """Wait for a client that takes its answer slowly, as long as it does."""
        super().pause_writing()
        self._reader.start(READER)

    def resume_writing(self) -> None:
        """Go on: the client has taken nearly all."""
        super().resume_writing()
        self._reader.cancel()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; what is sent already is not spoilt by that."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cut()
            return
        super().send_400_response(msg)
        self._end.start(ENDING)

    def cut(self) -> None:
        """End the connection at once."""
        self.transport.abort()

    def _wait_for_head(self) -> None:
        unread = self.conn.their_state is h11.SEND_BODY
        self._head.start(REST if unread else HEADERS)
        self._waiting.pop(self, None)
        self._waiting[self] = None
