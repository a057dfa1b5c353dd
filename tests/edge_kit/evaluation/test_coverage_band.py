"""A band and a threshold say of every probability what its prediction set says."""

from __future__ import annotations

import json
import math
from itertools import product

import numpy as np
import pytest

from edge_export.proof.decision import is_uncertain
from edge_export.statistics.conformal import Ends, conformal_ends
from edge_export.statistics.estimates import Bools, Floats
from edge_kit.evaluation.coverage_band import covering_band, decision_within
from edge_runtime.answer.decide import label
from edge_runtime.bundle.records import Calibration, Chosen, Classes, Decision, Uncertain

CLASSES = Classes(negative="no", positive="yes")
PLAIN = Calibration(method="none", scale=1.0, offset=0.0)


def before(threshold: float = 0.5, reach: float = 0.0) -> Decision:
    band = Uncertain(low=threshold - reach, high=threshold + reach)
    return Decision(calibration=PLAIN, threshold=threshold, uncertain=band, chosen=None)


def drawn(seed: int, shift: float, ties: bool) -> tuple[Bools, Floats]:
    rng = np.random.default_rng(seed)
    positive = np.repeat([True, False], [25, 40])
    raw = rng.logistic(np.where(positive, shift, -shift))
    probability = 1 / (1 + np.exp(-raw))
    return positive, np.round(probability, 1) if ties else probability


def told(probability: float, ends: Ends) -> str:
    """Return what a prediction set says: its class, or that it has both or neither."""
    negative, positive = (bool(part[0]) for part in ends.sets(np.array([probability])))
    return "uncertain" if negative == positive else "yes" if positive else "no"


@pytest.mark.parametrize(
    ("shift", "ties", "coverage"),
    [*product((-1.0, 0.0, 0.5, 3.0, 40.0), (False, True), (0.8, 0.9, 0.95))],
)
def test_the_runtime_answers_a_film_by_its_prediction_set(
    shift: float, ties: bool, coverage: float
) -> None:
    for seed in range(10):
        positive, probability = drawn(seed, shift, ties)
        ends = conformal_ends(positive, probability, coverage)
        decision = decision_within(covering_band(ends, probability), PLAIN, before())
        for film in probability.tolist():
            assert label(film, decision, CLASSES) == told(film, ends)
        for level in np.linspace(0, 1, 201).tolist():
            assert label(level, decision, CLASSES) in (told(level, ends), "uncertain")
        assert decision == _read_back(decision)


def _read_back(decision: Decision) -> Decision:
    """Return what a manifest keeps of a decision."""
    kept = json.loads(json.dumps(decision.to_json()))
    return Decision(
        calibration=Calibration(**kept["calibration"]),
        threshold=kept["threshold"],
        uncertain=Uncertain(**kept["uncertain"]),
        chosen=None,
    )


def test_ends_are_rounded_outwards_unless_a_film_that_is_answered_lies_there() -> None:
    ends = Ends(positive_from=0.23456789, negative_to=0.76543211)
    assert covering_band(ends, np.array([0.1, 0.9])) == Uncertain(low=0.234567, high=0.765433)
    near = np.array([0.23456777, 0.7654325])
    assert covering_band(ends, near) == Uncertain(low=0.23456789, high=0.76543211)
    tiny = Ends(positive_from=1.23456789e-9, negative_to=0.5)
    assert covering_band(tiny, np.array([1e-10])).low == 1.23456e-9


def test_ends_that_cross_make_a_band_of_what_lies_between_them() -> None:
    ends = Ends(positive_from=0.7, negative_to=0.2)
    band = covering_band(ends, np.array([0.1, 0.2, 0.5, 0.7, 0.8]))
    assert 0.2 < band.low < 0.2 + 1e-15
    assert 0.7 - 1e-15 < band.high < 0.7


@pytest.mark.parametrize("level", [0.5, 0.123456789, 1e-12, 0.0, 1.0])
def test_a_film_on_both_ends_is_uncertain(level: float) -> None:
    ends = Ends(positive_from=level, negative_to=level)
    decision = decision_within(covering_band(ends, np.array([level])), PLAIN, before())
    assert label(level, decision, CLASSES) == "uncertain"


def test_ends_with_no_number_between_them_leave_nothing_uncertain() -> None:
    low, high = 0.5, math.nextafter(0.5, 1)
    ends = Ends(positive_from=high, negative_to=low)
    decision = decision_within(covering_band(ends, np.array([low, high])), PLAIN, before(0.3))
    assert [label(film, decision, CLASSES) for film in (low, high)] == ["no", "yes"]
    # A threshold of 1 cannot be written; there, both are uncertain.
    ends = Ends(positive_from=1.0, negative_to=math.nextafter(1.0, 0))
    decision = decision_within(covering_band(ends, np.array([1.0])), PLAIN, before())
    assert label(1.0, decision, CLASSES) == "uncertain"


@pytest.mark.parametrize(("threshold", "now"), [(0.5, 0.5), (0.1, 0.55), (0.95, 0.55)])
def test_the_threshold_stays_where_the_band_has_it_and_is_its_middle_elsewhere(
    threshold: float, now: float
) -> None:
    band = Uncertain(low=0.3, high=0.8)
    chosen = Chosen(rule="youden", sensitivity=None, negative=5, positive=5)
    old = before(threshold)
    was = Decision(calibration=PLAIN, threshold=threshold, uncertain=old.uncertain, chosen=chosen)
    decision = decision_within(band, PLAIN, was)
    assert (decision.threshold, decision.uncertain) == (now, band)
    assert decision.chosen == (chosen if threshold == now else None)
    other = Calibration(method="temperature", scale=2.0, offset=0.0)
    assert decision_within(band, other, was).chosen is None


def test_the_band_is_never_narrower_than_what_engines_differ_by() -> None:
    narrow = Uncertain(low=0.499, high=0.6)
    decision = decision_within(narrow, PLAIN, before(reach=0.02))
    assert decision.uncertain == Uncertain(low=0.48, high=0.6)
    films = np.array([0.479, 0.481, 0.599, 0.601])
    assert is_uncertain(decision, films).tolist() == [False, True, True, False]
