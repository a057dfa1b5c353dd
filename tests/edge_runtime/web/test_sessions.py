"""A session ends by logout, by time, and where its user is another by now."""

from __future__ import annotations

import pytest

from edge_runtime.web import sessions
from edge_runtime.web.sessions import IDLE, LONGEST, Sessions


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def same(user: str) -> str | None:
    del user
    return "proof"


def test_a_secret_is_known_until_it_is_ended() -> None:
    found = Sessions(Clock())
    secret = found.begin("anna", "proof")
    assert found.user_of(secret, same) == "anna"
    found.end(secret)
    assert found.user_of(secret, same) is None


def test_no_secret_is_kept() -> None:
    found = Sessions(Clock())
    secret = found.begin("anna", "proof")
    assert secret not in repr(found._sessions)


def test_a_session_ends_when_nobody_uses_it() -> None:
    clock = Clock()
    found = Sessions(clock)
    secret = found.begin("anna", "proof")
    clock.now = IDLE - 1
    assert found.user_of(secret, same)
    clock.now = 2 * IDLE
    assert found.user_of(secret, same) is None


def test_a_session_ends_however_much_it_is_used() -> None:
    clock = Clock()
    found = Sessions(clock)
    secret = found.begin("anna", "proof")
    while clock.now < LONGEST:
        assert found.user_of(secret, same)
        clock.now += IDLE / 2
    clock.now = LONGEST + 1
    assert found.user_of(secret, same) is None


@pytest.mark.parametrize("proof", [None, "another password"])
def test_a_session_ends_with_its_user(proof: str | None) -> None:
    found = Sessions(Clock())
    secret = found.begin("anna", "proof")
    assert found.user_of(secret, lambda _: proof) is None
    assert found.user_of(secret, same) is None


def test_the_session_that_was_used_the_longest_ago_gives_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sessions, "_MOST", 2)
    clock = Clock()
    found = Sessions(clock)
    first, second = found.begin("anna", "proof"), found.begin("bert", "proof")
    clock.now = 1
    assert found.user_of(first, same)
    found.begin("carl", "proof")
    assert found.user_of(second, same) is None
    assert found.user_of(first, same)
