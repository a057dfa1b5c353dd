"""Figures are those counted by hand, by film and by group."""

from __future__ import annotations

import numpy as np
import pytest

from edge_export.statistics.estimates import auc, proportion
from edge_kit.evaluation.evaluated import FilmOutcome
from edge_kit.evaluation.figures import Confusion, judged, measure
from edge_runtime.bundle.records import Calibration, Decision, Uncertain
from edge_runtime.errors import DataError

DECISION = Decision(
    calibration=Calibration(method="platt", scale=0.5, offset=-1.0),
    threshold=0.4,
    uncertain=Uncertain(low=0.38, high=0.42),
    chosen=None,
)
LOGITS = [4.0, 3.0, 1.2, -2.0, 5.0, 0.0, -3.0, -4.0]  # a calibrated 1.2 is -0.4, a share of 0.401
POSITIVE = np.array([True] * 4 + [False] * 4 + [True])
REPLIES = [*(FilmOutcome(one) for one in LOGITS), FilmOutcome(None, "blank")]
GROUPS = [f"g{one // 2}" for one in range(9)]


def test_figures_are_those_counted_by_hand() -> None:
    films = judged(POSITIVE, GROUPS, REPLIES, DECISION)
    found = measure(films, REPLIES, DECISION, (0.1,))
    assert (found.films, found.positive, found.negative, found.groups) == (9, 4, 4, 4)
    assert found.confusion == Confusion(3, 1, 1, 3)
    assert found.metrics.sensitivity == found.metrics.specificity == proportion(3, 4)
    assert found.metrics.accuracy == proportion(6, 8)
    assert found.metrics.auc == auc(POSITIVE[:8], np.array(LOGITS))
    assert found.refused == proportion(1, 9)
    assert found.refusals == {"blank": 1}
    assert found.uncertain == proportion(1, 8)
    assert [one.prevalence for one in found.predictive] == [0.1]
    assert found.predictive[0].positive
    assert found.predictive[0].positive.value == pytest.approx(0.75 * 0.1 / 0.3)
    assert found.calibration.n == 8
    assert sum(seen.n for _, seen in found.reliability) == 8
    assert found.line is not None
    assert [one.threshold for one in found.net_benefit] == pytest.approx(np.arange(1, 100) / 100)


def test_figures_by_group_have_the_same_values_and_other_intervals() -> None:
    rng = np.random.default_rng(0)
    positive = np.repeat(np.arange(20) < 10, 4)
    habit = np.repeat(rng.normal(size=20), 4) + 2 * positive
    replies = [FilmOutcome(float(one)) for one in habit + rng.normal(scale=0.1, size=80)]
    groups = [f"g{one // 4}" for one in range(80)]
    found = measure(judged(positive, groups, replies, DECISION), replies, DECISION)
    for name in ("auc", "accuracy", "sensitivity", "specificity"):
        plain, grouped = getattr(found.metrics, name), getattr(found.by_group, name)
        assert grouped.value == plain.value
        assert grouped.high - grouped.low > plain.high - plain.low


def test_a_probability_that_rounds_to_one_still_ranks() -> None:
    replies = [FilmOutcome(one) for one in (400.0, 390.0, 380.0, 395.0)]
    positive = np.array([True, True, False, False])
    found = measure(judged(positive, list("abcd"), replies, DECISION), replies, DECISION)
    assert found.metrics.auc.value == 0.75


def test_without_a_band_nothing_is_uncertain() -> None:
    band = Uncertain(low=0.4, high=0.4)
    decision = Decision(
        calibration=DECISION.calibration, threshold=0.4, uncertain=band, chosen=None
    )
    raw = (np.log(0.4 / 0.6) + 1.0) / 0.5
    replies = [FilmOutcome(float(raw)), *REPLIES[:8]]
    films = judged(np.append([True], POSITIVE[:8]), GROUPS, replies, decision)
    assert not films.uncertain.any()


def test_separated_classes_have_figures_and_no_slope() -> None:
    replies = [FilmOutcome(one) for one in (4.0, 3.0, -3.0, -4.0)]
    positive = np.array([True, True, False, False])
    found = measure(judged(positive, list("abcd"), replies, DECISION), replies, DECISION)
    assert found.line is None
    assert found.metrics.auc.low < 1.0


@pytest.mark.parametrize("kept", [0, 1])
def test_fewer_than_two_films_of_a_class_are_refused(kept: int) -> None:
    replies = (
        [FilmOutcome(1.0)] * kept
        + [FilmOutcome(None, "blank")] * (4 - kept)
        + [FilmOutcome(0.0)] * 4
    )
    positive = np.arange(8) < 4
    films = judged(positive, list("abcdefgh"), replies, DECISION)
    with pytest.raises(DataError, match=f"{kept} positive and 4 negative films were judged"):
        measure(films, replies, DECISION)
