"""The body of a request, held to its limits while it comes: of bytes, of time, of memory."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from edge_runtime.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from edge_runtime.web.places import Held

PAUSE = 10.0
"""Seconds within which something has to come."""
GRACE = 10.0
"""Seconds that any body may take."""
SLOWEST = 256 << 10
"""Bytes a second that a body has to have beyond that."""
_STEP = 1 << 20  # bytes by which a body of unknown length asks for memory


def declared_length(request: Request) -> int | None:
    """Return the length in bytes that a request names, or None where it names none.

    Raises:
        Problem: it is no length.
    """
    text = request.headers.get("content-length")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise Problem(400, "bad_request", "the length of the body is none")
    return int(text)


def refuse_longer(request: Request, most: int) -> None:
    """Refuse a body that says itself that it is longer than `most` bytes.

    Raises:
        Problem: it is.
    """
    length = declared_length(request)
    if length is not None and length > most:
        raise _too_large(request, most)


async def read_body(request: Request, most: int, held: Held | None = None) -> bytes:
    """Return the body of a request, of at most `most` bytes, for which `held` asks for memory.

    Raises:
        Problem: it is longer, or too slow, or there is no memory for it.
        ClientDisconnect: the client went away.
    """
    length = declared_length(request)
    chunks, size = list[bytes](), 0
    seconds = GRACE + (most if length is None else length) / SLOWEST
    async for chunk in _timed(request, seconds):
        size += len(chunk)
        if size > most:
            raise _too_large(request, most)
        if held and size > held.size:
            held.grow(min(most, -(-size // _STEP) * _STEP))
        chunks.append(chunk)
    return b"".join(chunks)


async def _timed(request: Request, seconds: float) -> AsyncIterator[bytes]:
    """Yield the parts of a body, as long as they come in time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    more = True
    while more:
        try:
            async with asyncio.timeout_at(min(end, loop.time() + PAUSE)):
                message = await request.receive()
        except TimeoutError:
            detail = "the film comes too slowly"
            raise Problem(408, "slow", detail, headers={"Connection": "close"}) from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        yield message.get("body", b"")
        more = message.get("more_body", False)


def _too_large(request: Request, most: int) -> Problem:
    """Return the problem of a body that is too long; what comes of it yet is read and forgotten."""
    waits = "expect" in request.headers  # for a word from us, and sends no body without one
    headers = {"Connection": "close"} if waits else {}
    detail = f"the body has more than {most} bytes"
    return Problem(413, "too_large", detail, "export it at a lower resolution", headers=headers)
