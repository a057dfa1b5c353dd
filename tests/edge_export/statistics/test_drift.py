"""The population stability index is the published sum, and its interval holds what it says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edge_export.statistics.drift import population_stability

BINS = 20
U_SHAPED = np.array([6, 2, *[1] * 16, 2, 6]) / 32


def shifted(shares: np.ndarray, by: float) -> np.ndarray:
    """Return shares that lean to the upper bins."""
    leaning = shares * np.exp(by * np.linspace(-1, 1, len(shares)))
    return np.asarray(leaning / leaning.sum())


def test_it_is_the_sum_of_the_definition() -> None:
    # Two bins: (0.4 - 0.5) ln(0.4 / 0.5) + (0.6 - 0.5) ln(0.6 / 0.5) = 0.0405, Siddiqi's formula.
    found = population_stability([500_000, 500_000], [400_000, 600_000])
    expected = -0.1 * math.log(0.4 / 0.5) + 0.1 * math.log(0.6 / 0.5)
    assert found.value == pytest.approx(expected, rel=1e-4)
    assert found.low < found.value < found.high and found.n == 1_000_000


def test_equal_histograms_differ_by_nothing() -> None:
    found = population_stability([30, 40, 50], [60, 80, 100])
    assert found.value == pytest.approx(0, abs=1e-4) and found.low == 0


@pytest.mark.parametrize("by", [0.0, 0.3, 0.6, 1.0])
@pytest.mark.parametrize(("reference", "scores"), [(348, 200), (2000, 1000), (348, 5000)])
def test_nineteen_intervals_in_twenty_hold_the_index_of_the_populations(
    by: float, reference: int, scores: int
) -> None:
    rng = np.random.default_rng(1)
    moved = shifted(U_SHAPED, by)
    # In the bins that the samples are joined to, but for chance, those of the populations.
    truth = population_stability(
        list(np.rint(U_SHAPED * 1e9).astype(int)), list(np.rint(moved * 1e9).astype(int))
    ).value
    rounds = 300
    held = 0
    for _ in range(rounds):
        found = population_stability(
            rng.multinomial(reference, U_SHAPED).tolist(), rng.multinomial(scores, moved).tolist()
        )
        held += found.low <= truth <= found.high
    assert 0.90 <= held / rounds <= 1.0


def test_where_nothing_changed_the_low_end_is_0_but_for_one_time_in_forty() -> None:
    rng = np.random.default_rng(2)
    lows = [
        population_stability(
            rng.multinomial(348, U_SHAPED).tolist(), rng.multinomial(300, U_SHAPED).tolist()
        ).low
        for _ in range(400)
    ]
    assert sum(low > 0 for low in lows) <= 0.04 * len(lows)


def test_samples_that_agree_too_well_prove_no_more_than_others() -> None:
    exact = population_stability([50] * 10, [30] * 10)
    assert exact.value == 0 == exact.low
    # Of 300 and 500 scores in ten bins chance makes 9 (1/300 + 1/500) on average.
    assert exact.high > 9 * (1 / 300 + 1 / 500)


def test_what_comes_where_the_reference_has_nothing_is_seen() -> None:
    alone = [0] * 10 + [300] + [0] * 9
    assert population_stability(alone, [15] * BINS).low > 1
    assert population_stability([1000] + [0] * 19, [900, 100] + [0] * 18).low > 0.05


def test_scores_in_one_bin_of_both_are_the_same_as_far_as_few_can_tell() -> None:
    few, many = (population_stability([n, 0], [n, 0]) for n in (70, 7000))
    assert (few.value, few.low, few.n) == (0, 0, 70)
    assert 0 < many.high < few.high


@pytest.mark.parametrize(
    ("reference", "scores"), [([0, 0], [1, 2]), ([1, 2], [0, 0]), ([1, 2], [1, 2, 3])]
)
def test_nothing_is_compared_with_nothing(reference: list[int], scores: list[int]) -> None:
    with pytest.raises(ValueError, match="two histograms"):
        population_stability(reference, scores)
