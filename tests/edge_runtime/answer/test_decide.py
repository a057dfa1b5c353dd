"""A higher logit is never a more negative answer, and a wider band only takes answers away."""

from __future__ import annotations

import math

import pytest

from edge_runtime.answer.decide import UNCERTAIN, calibrated, is_film, label, sigmoid, widened
from edge_runtime.bundle.records import Calibration, Classes, Decision, FilmGate, Uncertain
from edge_runtime.errors import UsageError

CLASSES = Classes(negative="noncovid", positive="covid")
PLAIN = Calibration(method="none", scale=1.0, offset=0.0)


def decision(low: float, threshold: float, high: float) -> Decision:
    band = Uncertain(low=low, high=high)
    return Decision(calibration=PLAIN, threshold=threshold, uncertain=band, chosen=None)


@pytest.mark.parametrize(
    ("logit", "probability"),
    [
        (0.0, 0.5),
        (math.log(3), 0.75),
        (-math.log(3), 0.25),
        (1e6, 1.0),
        (-1e6, 0.0),
        (1.7e308, 1.0),
        (-1.7e308, 0.0),
    ],
)
def test_the_sigmoid_is_right_for_any_finite_logit(logit: float, probability: float) -> None:
    assert sigmoid(logit) == pytest.approx(probability, abs=1e-15)


def test_the_sigmoid_never_falls_and_is_symmetric() -> None:
    logits = [step / 16 for step in range(-800, 801)]
    probabilities = [sigmoid(logit) for logit in logits]
    assert probabilities == sorted(probabilities)
    for logit, probability in zip(logits, probabilities, strict=True):
        assert probability + sigmoid(-logit) == pytest.approx(1, abs=1e-15)


def test_calibration_scales_and_shifts_the_logit() -> None:
    calibration = Calibration(method="temperature", scale=0.5, offset=1.0)
    assert calibrated(4.0, calibration) == sigmoid(3.0)
    assert calibrated(4.0, PLAIN) == sigmoid(4.0)


@pytest.mark.parametrize(
    ("probability", "said"),
    [
        (0.0, "noncovid"),
        (math.nextafter(0.4, 0), "noncovid"),
        (0.4, UNCERTAIN),
        (0.5, UNCERTAIN),
        (0.6, UNCERTAIN),
        (math.nextafter(0.6, 1), "covid"),
        (1.0, "covid"),
    ],
)
def test_the_band_is_closed(probability: float, said: str) -> None:
    assert label(probability, decision(0.4, 0.5, 0.6), CLASSES) == said


@pytest.mark.parametrize(
    ("probability", "said"), [(0.5, "covid"), (math.nextafter(0.5, 0), "noncovid")]
)
def test_without_a_band_the_threshold_itself_is_positive(probability: float, said: str) -> None:
    assert label(probability, decision(0.5, 0.5, 0.5), CLASSES) == said


def test_a_higher_probability_is_never_a_more_negative_answer() -> None:
    rank = {"noncovid": 0, UNCERTAIN: 1, "covid": 2}
    asymmetric = decision(0.2, 0.7, 0.75)
    said = [rank[label(step / 1000, asymmetric, CLASSES)] for step in range(1001)]
    assert said == sorted(said)
    assert set(said) == {0, 1, 2}


@pytest.mark.parametrize(
    ("logit", "film"), [(-1.5, True), (math.nextafter(-1.5, -2), False), (9.0, True)]
)
def test_a_film_is_what_reaches_the_threshold_of_the_gate(logit: float, film: bool) -> None:
    assert is_film(logit, FilmGate(threshold=-1.5)) == film


WIDENED = {
    "a width inside the band changes nothing": ((0.4, 0.5, 0.6), 0.05, (0.4, 0.6)),
    "each side is widened by itself": ((0.4, 0.5, 0.51), 0.05, (0.4, 0.55)),
    "both sides": ((0.49, 0.5, 0.51), 0.25, (0.25, 0.75)),
    "not below 0": ((0.09, 0.1, 0.11), 0.25, (0.0, 0.35)),
    "not above 1": ((0.85, 0.9, 0.95), 0.25, (0.65, 1.0)),
    "everything": ((0.5, 0.5, 0.5), 0.5, (0.0, 1.0)),
    "no band stays none": ((0.5, 0.5, 0.5), 0.0, (0.5, 0.5)),
}


@pytest.mark.parametrize(("given", "width", "band"), WIDENED.values(), ids=WIDENED)
def test_a_widened_band_reaches_the_width_and_never_shrinks(
    given: tuple[float, float, float], width: float, band: tuple[float, float]
) -> None:
    found = widened(decision(*given), width)
    assert (found.uncertain.low, found.uncertain.high) == pytest.approx(band)
    assert (found.threshold, found.calibration) == (given[1], PLAIN)


@pytest.mark.parametrize("width", [-0.1, 0.51, math.nan, math.inf])
def test_a_width_that_is_none_is_a_usage_error(width: float) -> None:
    with pytest.raises(UsageError, match="--band"):
        widened(decision(0.4, 0.5, 0.6), width)


def test_a_wider_band_takes_answers_away_and_changes_none() -> None:
    plain, wide = decision(0.49, 0.5, 0.51), widened(decision(0.49, 0.5, 0.51), 0.2)
    for step in range(1001):
        before, after = (label(step / 1000, one, CLASSES) for one in (plain, wide))
        assert after in (before, UNCERTAIN)
