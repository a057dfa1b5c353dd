"""Films take a bounded part of the memory, and only this machine reaches what nobody guards."""

from __future__ import annotations

import pytest

from edge_runtime.web import settings
from edge_runtime.web.settings import Settings, is_loopback, memory_for_films

MIB = 1 << 20


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.1.2.3"])
def test_what_is_this_machine_alone(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "films.clinic", ""])  # noqa: S104
def test_what_others_may_reach(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("free", "mib"), [(None, 160), (100, 160), (700, 175), (2000, 500), (64_000, 1024)]
)
def test_films_take_a_quarter_of_what_is_free(
    free: int | None, mib: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "available", lambda: free and free * MIB)
    assert memory_for_films() == mib * MIB


def test_a_film_fits_into_what_all_may_take() -> None:
    for mib in (160, 1024):
        found = Settings(memory=mib * MIB)
        assert found.largest <= found.for_bodies < found.for_pixels < found.memory
