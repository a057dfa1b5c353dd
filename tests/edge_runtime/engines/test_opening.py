"""An engine opens beside the first film, unless its thread would take the film's memory."""

from __future__ import annotations

from threading import get_ident
from typing import Any

import pytest

from edge_runtime.engines import opening
from edge_runtime.engines.opening import OpeningEngine


class Engine:
    name = "an engine"

    def close(self) -> None:
        """Free nothing."""


@pytest.mark.parametrize("room", [float("inf"), 256 << 20, 128 << 20])
def test_a_thread_opens_it_where_there_is_room_for_one(
    room: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "address_space", lambda: room)
    threads: list[int] = []

    def start() -> Any:
        threads.append(get_ident())
        return Engine()

    with OpeningEngine(start) as engine:
        assert engine.name == "an engine"
    assert (threads == [get_ident()]) == (room < 256 << 20)


@pytest.mark.parametrize("room", [float("inf"), 128 << 20])
def test_whoever_uses_it_gets_what_opening_raised(
    room: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "address_space", lambda: room)

    def start() -> Any:
        raise ValueError("no such graph")

    with OpeningEngine(start) as engine, pytest.raises(ValueError, match="no such graph"):
        engine.logits(b"")
