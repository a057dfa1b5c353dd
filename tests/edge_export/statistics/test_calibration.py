"""Calibration errors and lines are those of their sources, and never without both classes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from edge_export.statistics.calibration import (
    calibration_error,
    calibration_line,
    fit_platt,
    fit_temperature,
    reliability,
)
from edge_export.statistics.estimates import Bools, Floats, proportion


@pytest.mark.parametrize("factor", [0.2, 0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_labels_is_recovered(factor: float) -> None:
    rng = np.random.default_rng(0)
    true_logit = rng.normal(scale=2.0, size=40_000)
    positive = rng.random(40_000) < 1 / (1 + np.exp(-true_logit))
    assert fit_temperature(positive, true_logit / factor) == pytest.approx(factor, rel=0.05)


def test_separated_classes_leave_the_logits_alone() -> None:
    assert fit_temperature(np.array([True, False]), np.array([0.1, -0.1])) == 1.0


def test_a_model_worse_than_chance_is_pressed_to_the_bound() -> None:
    found = fit_temperature(np.array([True, True, False, False]), np.array([-3.0, 1.0, 3.0, 2.0]))
    assert found == pytest.approx(1 / 20, rel=1e-3)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_temperature_needs_finite_logits(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        fit_temperature(np.array([True, False]), np.array([bad, 1.0]))


def test_bins_and_points_of_the_reliability_curve_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    probability = np.round(rng.beta(0.5, 0.8, 500), 2)  # with ties
    positive = rng.random(500) < probability
    observed, mean = calibration_curve(positive, probability, n_bins=10, strategy="quantile")
    curve = reliability(positive, probability, bins=10)
    assert [one for one, _ in curve] == pytest.approx(mean.tolist())
    assert [one.value for _, one in curve] == pytest.approx(observed.tolist())
    assert sum(one.n for _, one in curve) == 500
    assert all(one == proportion(round(one.value * one.n), one.n) for _, one in curve)


def test_calibration_errors_are_those_computed_by_hand() -> None:
    positive = np.array([False, True, True, True])
    probability = np.array([0.2, 0.2, 0.8, 0.6])
    found = calibration_error(positive, probability, bins=2)
    # The median 0.4 parts them: 0.2 against a share of 1/2, 0.7 against a share of 1.
    assert found.expected == pytest.approx((2 * 0.3 + 2 * 0.3) / 4)
    assert found.brier == pytest.approx((0.04 + 0.64 + 0.04 + 0.16) / 4)
    assert found.log_loss == pytest.approx(-math.log(0.8 * 0.2 * 0.8 * 0.6) / 4)
    assert found.n == 4


def test_the_order_of_the_films_does_not_move_the_calibration_error() -> None:
    rng = np.random.default_rng(5)
    probability = rng.integers(0, 5, 60) / 4
    positive = rng.random(60) < 0.5
    turned = calibration_error(positive[::-1], probability[::-1])
    found = calibration_error(positive, probability)
    assert turned.expected == pytest.approx(found.expected)


def test_overconfidence_shows_in_every_calibration_error() -> None:
    rng = np.random.default_rng(0)
    logit = rng.normal(size=4000)
    positive = rng.random(4000) < 1 / (1 + np.exp(-logit))
    right, bold = (calibration_error(positive, 1 / (1 + np.exp(-k * logit))) for k in (1, 4))
    assert right.expected < 0.03 < bold.expected
    assert right.brier < bold.brier
    assert right.log_loss < bold.log_loss


def test_a_certain_answer_that_is_wrong_costs_a_finite_log_loss() -> None:
    found = calibration_error(np.array([True]), np.array([0.0]))
    assert (found.expected, found.brier) == (1.0, 1.0)
    assert 30 < found.log_loss < math.inf


@pytest.mark.parametrize(
    ("positive", "probability", "bins"),
    [
        ([], [], 10),
        ([True], [0.5], 0),
        ([True], [math.nan], 10),
        ([True], [1.01], 10),
        ([True], [-0.01], 10),
    ],
)
def test_a_curve_of_no_probabilities_is_an_error(
    positive: list[bool], probability: list[float], bins: int
) -> None:
    with pytest.raises(ValueError):
        reliability(np.array(positive, np.bool_), np.array(probability), bins)


def test_platts_line_is_the_one_that_libsvm_fits() -> None:
    # The example of scikit-learn's tests, fitted by the code of Lin, Lin and Weng, Mach. Learn. 68
    # (2007) 267: probabilities are 1 / (1 + exp(a x + b)) with these a and b.
    scale, offset = fit_platt(np.array([True, False, False]), np.array([5.0, -4.0, 1.0]))
    assert (scale, offset) == pytest.approx((0.20261354391187855, -0.65236314980010512), abs=1e-5)


def test_platts_line_is_recovered_with_its_offset() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(scale=2.0, size=40_000)
    positive = rng.random(40_000) < 1 / (1 + np.exp(-truth))
    scale, offset = fit_platt(positive, (truth - 1.5) / 0.4)
    assert (scale, offset) == pytest.approx((0.4, 1.5), rel=0.05)


def test_smoothed_targets_keep_platts_line_finite_where_classes_are_separated() -> None:
    scale, offset = fit_platt(np.array([True, True, False, False]), np.array([2.0, 3.0, -2.0, -3]))
    # Two films a class: targets of 3/4 and 1/4, by symmetry no offset.
    assert 0.3 < scale < 0.6
    assert offset == pytest.approx(0.0, abs=1e-6)


def test_platts_line_never_turns_the_ranking_round() -> None:
    scale, _ = fit_platt(np.array([True, True, False, False]), np.array([-3.0, 1.0, 3.0, 2.0]))
    assert scale == pytest.approx(1 / 20)


@pytest.mark.parametrize("fit", [fit_platt, calibration_line])
@pytest.mark.parametrize(
    ("positive", "logit"),
    [([True, False], [math.nan, 1.0]), ([True, True], [0.0, 1.0]), ([False], [0.0])],
)
def test_a_calibration_needs_finite_logits_of_both_classes(
    fit: Callable[[Bools, Floats], object], positive: list[bool], logit: list[float]
) -> None:
    with pytest.raises(ValueError, match=r"finite|both classes"):
        fit(np.array(positive), np.array(logit))


def test_a_calibration_slope_is_the_logistic_regression_of_the_shuttle_flights() -> None:
    # Damage of O-rings by temperature in Fahrenheit, 23 flights: Dalal, Fowlkes and Hoadley,
    # J. Am. Stat. Assoc. 84 (1989) 945. Coefficient -0.2322, standard error 0.1082.
    flights = {
        53: [1], 57: [1], 58: [1], 63: [1], 66: [0], 67: [0, 0, 0], 68: [0], 69: [0],
        70: [1, 0, 1, 0], 72: [0], 73: [0], 75: [0, 1], 76: [0, 0], 78: [0], 79: [0],
        81: [0],
    }  # fmt: skip
    rows = [(degrees, one) for degrees, damaged in flights.items() for one in damaged]
    degrees, damaged = np.array(rows, float).T
    found = calibration_line(damaged == 1, degrees)
    assert found is not None
    assert found.slope.n == 23
    assert found.slope.value == pytest.approx(-0.2322, abs=5e-5)
    assert (found.slope.high - found.slope.value) / 1.959964 == pytest.approx(0.1082, abs=5e-5)


def test_probabilities_that_made_the_labels_have_slope_one_and_no_intercept() -> None:
    rng = np.random.default_rng(2)
    logit = rng.normal(scale=2.0, size=4000)
    positive = rng.random(4000) < 1 / (1 + np.exp(-logit))
    right, bold = calibration_line(positive, logit), calibration_line(positive, 3 * logit - 1)
    assert right is not None
    assert bold is not None
    assert right.slope.low < 1 < right.slope.high
    assert right.intercept.low < 0 < right.intercept.high
    assert bold.slope.value == pytest.approx(right.slope.value / 3, rel=1e-5)
    assert bold.intercept.low > 0  # too few were thought positive


@pytest.mark.parametrize("logit", [[2.0, 1.0, -1.0, -2.0], [-2.0, -1, 1, 2], [1.0] * 4])
def test_no_slope_is_told_where_none_is_finite(logit: list[float]) -> None:
    assert calibration_line(np.array([True, True, False, False]), np.array(logit)) is None
