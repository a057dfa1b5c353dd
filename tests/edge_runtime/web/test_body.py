"""A body ends within its bytes and its time, or its request does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request

from edge_runtime.web import body
from edge_runtime.web.body import read_body, refuse_longer
from edge_runtime.web.places import FilmPlaces
from edge_runtime.web.problems import Problem


def request(chunks: Sequence[bytes | None], **headers: str) -> Request:
    """Return a request whose body comes in these parts; after None nothing comes any more."""
    parts = iter(chunks)

    async def receive() -> dict[str, Any]:
        chunk = next(parts, b"")
        if chunk is None:
            await asyncio.Event().wait()
        more = chunk != b""
        return {"type": "http.request", "body": chunk, "more_body": more}

    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "headers": pairs}, receive)


def test_parts_are_put_together() -> None:
    assert asyncio.run(read_body(request([b"a", b"bc"]), 3)) == b"abc"


def test_a_body_that_says_it_is_too_long_is_not_read() -> None:
    with pytest.raises(Problem) as refused:
        refuse_longer(request([None], content_length="11"), 10)
    assert (refused.value.status, refused.value.reason) == (413, "too_large")


def test_a_body_that_turns_out_too_long_is_refused_before_more_comes() -> None:
    with pytest.raises(Problem) as refused:
        asyncio.run(read_body(request([b"x" * 6, b"x" * 6, None]), 10))
    assert refused.value.status == 413


@pytest.mark.parametrize("length", ["", "-1", "1e9", "0x10", "\uff19", "9" * 30])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    pairs = [(b"content-length", length.encode("utf-8"))]
    made = Request({"type": "http", "method": "POST", "headers": pairs})
    with pytest.raises(Problem) as refused:
        refuse_longer(made, 10)
    assert refused.value.status == 400


def test_a_body_that_stops_coming_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "PAUSE", 0.0)
    monkeypatch.setattr(body, "GRACE", 3600.0)
    with pytest.raises(Problem) as refused:
        asyncio.run(asyncio.wait_for(read_body(request([b"x", None]), 10), 30))
    assert (refused.value.status, refused.value.reason) == (408, "slow")
    assert refused.value.headers == {"Connection": "close"}


def test_a_body_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "GRACE", 0.0)
    monkeypatch.setattr(body, "SLOWEST", 1 << 40)
    with pytest.raises(Problem) as refused:
        asyncio.run(read_body(request([b"x", None]), 10))
    assert refused.value.status == 408


def test_a_client_that_goes_away_is_noticed() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    gone = Request({"type": "http", "method": "POST", "headers": []}, receive)
    with pytest.raises(ClientDisconnect):
        asyncio.run(read_body(gone, 10))


def test_a_body_without_a_length_asks_for_memory_first() -> None:
    async def work() -> bytes:
        places = FilmPlaces(1, 2 << 20, 0, 0)
        async with places.place(0) as held:
            return await read_body(request([b"x" * (1 << 20)] * 3), 4 << 20, held)

    with pytest.raises(Problem) as refused:
        asyncio.run(work())
    assert refused.value.status == 503
