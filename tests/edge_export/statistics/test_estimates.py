from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from scipy import stats
from sklearn.calibration import calibration_curve

from edge_export.statistics.estimates import (
    Bools,
    Estimate,
    Floats,
    auc,
    calibration_error,
    calibration_line,
    evaluate,
    fit_platt,
    fit_temperature,
    placements,
    proportion,
    reliability,
)


def delong(positive: list[bool], score: list[float]) -> tuple[float, float]:
    """Area and standard error by the definition: every case against every control."""
    cases = [one for one, yes in zip(score, positive, strict=True) if yes]
    controls = [one for one, yes in zip(score, positive, strict=True) if not yes]
    wins = {
        (i, j): 1.0 if x > y else 0.5 if x == y else 0.0
        for (i, x), (j, y) in product(enumerate(cases), enumerate(controls))
    }
    area = sum(wins.values()) / len(wins)
    v10 = [sum(wins[i, j] for j in range(len(controls))) / len(controls) for i in range(len(cases))]
    v01 = [sum(wins[i, j] for i in range(len(cases))) / len(cases) for j in range(len(controls))]
    s10 = sum((one - area) ** 2 for one in v10) / (len(cases) - 1)
    s01 = sum((one - area) ** 2 for one in v01) / (len(controls) - 1)
    return area, math.sqrt(s10 / len(cases) + s01 / len(controls))


# Newcombe, Stat. Med. 17 (1998) 857, table I, method 3.
@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_a_proportion_has_wilsons_interval_as_published(
    successes: int, trials: int, low: float, high: float
) -> None:
    found = proportion(successes, trials)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    assert (found.value, found.n) == (successes / trials, trials)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (3, 2), (-1, 2)])
def test_a_proportion_of_nothing_is_an_error(successes: int, trials: int) -> None:
    with pytest.raises(ValueError):
        proportion(successes, trials)


def test_an_estimate_is_never_nan() -> None:
    with pytest.raises(ValueError, match="finite"):
        Estimate(math.nan, 0.0, 1.0, 3)


def test_an_estimate_is_shown_with_its_interval_and_n() -> None:
    assert str(Estimate(0.5, 0.25, 0.75, 8)) == "0.500 (0.250 to 0.750, n 8)"


def test_auc_and_interval_are_those_computed_by_hand() -> None:
    # Cases .9 and .4 beat 2 and 1 of the controls .1 and .5: V10 = 1, 1/2; V01 = 1, 1/2.
    found = auc(np.array([True, True, False, False]), np.array([0.9, 0.4, 0.1, 0.5]))
    error = math.sqrt(0.125 / 2 + 0.125 / 2)
    assert found.value == 0.75
    assert found.low == pytest.approx(0.75 - 1.959964 * error, abs=1e-6)
    assert found.high == 1.0  # clipped


def test_a_tie_counts_one_half() -> None:
    above, below = placements(np.array([True, True, False, False]), np.array([0.5, 0.7, 0.5, 0.3]))
    assert (above.tolist(), below.tolist()) == ([0.75, 1.0], [0.75, 1.0])


@pytest.mark.parametrize(("cases", "controls"), [(2, 2), (3, 40), (83, 91)])
def test_classes_separated_without_error_have_the_exact_bound_of_their_disjoint_pairs(
    cases: int, controls: int
) -> None:
    positive = np.arange(cases + controls) < cases
    perfect = auc(positive, np.where(positive, 1.0, -1.0))
    pairs = min(cases, controls)
    # An area of `low` wins all its pairs with a probability of 2.5 %.
    assert (perfect.value, perfect.high) == (1.0, 1.0)
    assert perfect.low**pairs == pytest.approx(0.025)
    worst = auc(positive, np.where(positive, -1.0, 1.0))
    assert (worst.value, worst.low) == (0.0, 0.0)
    assert worst.high == pytest.approx(1 - perfect.low)


@pytest.mark.parametrize("pairs", [10, 50])
def test_one_answer_for_all_films_has_the_exact_interval_of_a_fair_coin(pairs: int) -> None:
    found = auc(np.arange(2 * pairs) < pairs, np.full(2 * pairs, 0.7))
    coin = stats.binomtest(pairs // 2, pairs).proportion_ci(method="exact")
    assert found.value == 0.5
    assert (found.low, found.high) == pytest.approx((coin.low, coin.high))


@pytest.mark.parametrize("seed", range(4))
def test_no_auc_has_an_interval_without_width(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(100):
        positive = np.arange(9) < rng.integers(2, 8)
        found = auc(positive, rng.integers(0, 3, 9).astype(float))
        assert found.low < found.high
        assert found.low <= found.value <= found.high


@pytest.mark.parametrize("seed", range(6))
def test_auc_by_mid_ranks_is_auc_by_all_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    positive = rng.random(60) < 0.4
    # Rounded so that there are many ties.
    score = np.round(rng.normal(size=60) + positive, 1)
    area, error = delong(positive.tolist(), score.tolist())
    found = auc(positive, score)
    assert found.value == pytest.approx(area, abs=1e-12)
    assert found.low == pytest.approx(max(0.0, area - 1.959963985 * error), abs=1e-9)
    assert found.high == pytest.approx(min(1.0, area + 1.959963985 * error), abs=1e-9)


@pytest.mark.parametrize(
    ("positive", "score"),
    [
        ([True, True, True, False], [0.1, 0.2, 0.3, 0.4]),
        ([False, False, False, True], [0.1, 0.2, 0.3, 0.4]),
        ([True, True, False, False], [0.1, math.nan, 0.3, 0.4]),
        ([True, True, False, False], [0.1, math.inf, 0.3, 0.4]),
    ],
)
def test_an_auc_that_cannot_be_told_is_an_error(positive: list[bool], score: list[float]) -> None:
    with pytest.raises(ValueError):
        auc(np.array(positive), np.array(score))


def test_a_film_on_the_threshold_is_positive() -> None:
    metrics = evaluate(
        np.array([True, True, False, False]), np.array([0.5, 0.4, 0.5, 0.4]), threshold=0.5
    )
    assert metrics.sensitivity.value == metrics.specificity.value == metrics.accuracy.value == 0.5


def test_accuracy_sensitivity_and_specificity_are_counted_by_hand() -> None:
    positive = np.array([True] * 4 + [False] * 6)
    probability = np.array([0.9, 0.8, 0.7, 0.1, 0.6, 0.2, 0.2, 0.2, 0.2, 0.2])
    metrics = evaluate(positive, probability, threshold=0.5)
    assert (metrics.accuracy.value, metrics.accuracy.n) == (0.8, 10)
    assert (metrics.sensitivity.value, metrics.sensitivity.n) == (0.75, 4)
    assert (metrics.specificity.value, metrics.specificity.n) == (5 / 6, 6)
    assert metrics.auc.n == 10


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
