"""A password is kept as a hash that takes long, and nothing else is it."""

from __future__ import annotations

import pytest

from edge_runtime.web.passwords import fingerprint, hashed, matches, new_token


def test_a_password_matches_its_hash_alone() -> None:
    kept = hashed("a long enough one")
    assert matches("a long enough one", kept)
    assert not matches("another one", kept)
    assert "long" not in kept


def test_two_hashes_of_one_password_differ() -> None:
    assert hashed("same") != hashed("same")


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "scrypt$1$2",
        "scrypt$x$8$1$AAAA$AAAA",
        "scrypt$1048576$8$1$AAAA$AAAA",
        "md5$16$8$1$AA==$",
    ],
)
def test_what_is_no_hash_of_ours_matches_nothing(kept: str) -> None:
    assert not matches("a long enough one", kept)


def test_a_password_may_hold_any_text() -> None:
    kept = hashed("\ud800\x00é")
    assert matches("\ud800\x00é", kept)


def test_tokens_differ_and_are_kept_as_hashes() -> None:
    first, second = new_token(), new_token()
    assert first != second
    assert len(first) >= 43
    assert fingerprint(first) != first
