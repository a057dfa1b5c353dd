"""No cell of ours is a formula to a spreadsheet, and each is known again by what reads it."""

from __future__ import annotations

import os

import pytest

from edge_runtime.answer.cell import guarded, guarded_path, unguarded

STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
TEXTS = [
    *STARTS,
    *(f"{start}1+1" for start in STARTS),
    *(f"{start}cmd|' /C calc'!A0" for start in STARTS),
]
PLAIN = ["", "a", "a=b", "film.png", "/=a", "1-1", "'a", "it's", "\udcff", " =", "./=a"]


@pytest.mark.parametrize("text", TEXTS)
def test_what_would_be_a_formula_gets_something_before_it(text: str) -> None:
    assert guarded(text) == f"'{text}"
    assert guarded_path(text) == f"./{text}"
    assert os.path.normpath(guarded_path(text)) == os.path.normpath(text)


@pytest.mark.parametrize("text", PLAIN)
def test_any_other_text_is_left_alone(text: str) -> None:
    assert guarded(text) == guarded_path(text) == unguarded(text) == text


@pytest.mark.parametrize("apostrophes", ["", "'", "''", "'''"])
@pytest.mark.parametrize("text", [*TEXTS, *PLAIN])
def test_a_text_is_given_back(text: str, apostrophes: str) -> None:
    whole = apostrophes + text
    assert unguarded(guarded(whole)) == whole
    assert guarded(whole)[:1] not in STARTS
