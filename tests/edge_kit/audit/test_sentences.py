"""The audit says its conclusion first, each figure with its interval, and what is not known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_export.statistics.estimates import Estimate
from edge_kit.audit.audit import Audit, ModelAreas, SourceGuess
from edge_kit.audit.sentences import NAMES, areas, sentences

CHANCE, HALF = Estimate(0.5, 0.4, 0.6, 100), Estimate(0.5, 0.3, 0.7, 100)
STRONG, BEST = Estimate(0.9, 0.85, 0.95, 100), Estimate(0.92, 0.88, 0.96, 100)
BARE = Audit(("a", "b"), {"train": 9, "test": 9}, CHANCE, CHANCE, None, "not told", {})
FULL = replace(
    BARE,
    grey_levels=STRONG,
    model=ModelAreas(BEST, CHANCE, HALF),
    source=SourceGuess(STRONG, HALF),
    sources={"x": {"a": 9}, "y": {"b": 9}},
)


@pytest.mark.parametrize(
    ("audit", "beginning"),
    [
        (FULL, "Accuracy on these films is no evidence that a model recognises disease"),
        (BARE, "No shortcut of those tried reaches an AUC of 0.75; "),
        (
            replace(BARE, size=Estimate(0.5, 0.2, 0.8, 9)),
            "Accuracy on these films is weak evidence: they are too few to tell whether a shor",
        ),
        (
            replace(BARE, model=ModelAreas(HALF, CHANCE, CHANCE)),
            "Accuracy on these films is weak evidence",
        ),
    ],
)
def test_the_conclusion_comes_first(audit: Audit, beginning: str) -> None:
    assert sentences(audit)[0].startswith(beginning)


def test_every_figure_is_told_with_its_interval() -> None:
    text = " ".join(sentences(FULL))
    for one in (CHANCE, HALF, STRONG, BEST):
        assert str(one) in text
    assert "Class and source coincide" in text
    assert "x (a), y (b)" in text


def test_what_is_not_known_is_said() -> None:
    text = " ".join(sentences(BARE))
    assert "not told" in text
    assert "coincide" not in text
    assert "blacked out" not in text


def test_areas_are_named_in_words() -> None:
    assert list(areas(FULL)) == [
        NAMES[key] for key in ("size", "grey_levels", "without_centre", "only_centre", "whole")
    ]
    assert list(areas(BARE)) == [NAMES["size"], NAMES["grey_levels"]]
