"""Estimates agree with published examples or a count by hand, and none is NaN."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy import stats

from edge_export.statistics.estimates import Estimate, auc, evaluate, placements, proportion


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
