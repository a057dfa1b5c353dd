"""Each class is covered as often as was asked on average, and as Beta's law says in each draw."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from edge_export.statistics.calibration import fit_platt
from edge_export.statistics.conformal import (
    Ends,
    class_coverage,
    conformal_ends,
    least_films,
)

DRAWS = 400


def probabilities(
    seed: int, cases: int, controls: int, shift: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return classes, and probabilities that are logistic about plus and minus `shift`."""
    rng = np.random.default_rng(seed)
    positive = np.repeat([True, False], [cases, controls])
    raw = rng.logistic(np.where(positive, shift, -shift))
    return positive, expit(raw)


def true_coverage(ends: Ends, shift: float) -> tuple[float, float]:
    """Return the shares of all negative and of all positive films whose set has their class."""
    cuts = [math.log(end / (1 - end)) for end in (ends.negative_to, ends.positive_from)]
    below = stats.logistic.cdf(cuts, [-shift, shift])
    return float(below[0]), float(1 - below[1])


@pytest.mark.parametrize(
    ("coverage", "least"), [(0.95, 19), (0.9, 9), (0.99, 99), (0.8, 4), (0.5, 1), (0.999, 999)]
)
def test_the_least_films_are_those_with_a_score_of_the_rank(coverage: float, least: int) -> None:
    assert least_films(coverage) == least
    assert class_coverage(least, coverage).rank == least
    with pytest.raises(ValueError, match="too few"):
        class_coverage(least - 1, coverage)


def test_no_share_that_can_be_written_is_lost_to_binary_fractions() -> None:
    for hundredths in range(1, 100):
        coverage = hundredths / 100
        least = least_films(coverage)
        assert least == -(-100 // (100 - hundredths)) - 1
        for n in range(least, least + 12):
            rank = class_coverage(n, coverage).rank
            assert rank == -(-(n + 1) * hundredths // 100)
            assert rank <= n


def test_of_fifty_films_one_calibration_in_twenty_covers_less_than_83_of_90() -> None:
    fitted = class_coverage(50, 0.9)
    assert (fitted.rank, round(fitted.low, 2), round(fitted.high, 2)) == (46, 0.83, 0.96)
    assert fitted.mean == 46 / 51


@pytest.mark.parametrize("shift", [0.0, 0.7, 3.0])  # noise, overlapping, and ends that cross
@pytest.mark.parametrize(("coverage", "cases", "controls"), [(0.9, 50, 35), (0.8, 24, 200)])
def test_coverage_by_class_has_its_mean_and_its_law(
    shift: float, coverage: float, cases: int, controls: int
) -> None:
    covered = np.array(
        [
            true_coverage(
                conformal_ends(*probabilities(seed, cases, controls, shift), coverage), shift
            )
            for seed in range(DRAWS)
        ]
    )
    for drawn, n in zip(covered.T, (controls, cases), strict=True):
        law = class_coverage(n, coverage)
        error = float(drawn.std()) / math.sqrt(DRAWS)
        assert law.mean >= coverage
        assert abs(drawn.mean() - law.mean) < 3 * error
        beta = stats.beta(law.rank, n + 1 - law.rank)
        assert stats.kstest(drawn, beta.cdf).pvalue > 0.001
        for outside in (drawn < law.low, drawn > law.high):
            assert stats.binomtest(int(outside.sum()), DRAWS, 0.05).pvalue > 0.001


def test_new_films_are_answered_wrong_no_more_often_than_was_allowed() -> None:
    wrong = []
    for seed in range(DRAWS):
        ends = conformal_ends(*probabilities(seed, 30, 30, 1.0), 0.9)
        positive, probability = probabilities(10_000 + seed, 200, 200, 1.0)
        negative_in, positive_in = ends.sets(probability)
        mistaken = ends.answered(probability) & np.where(positive, negative_in, positive_in)
        wrong.append([mistaken[positive].mean(), mistaken[~positive].mean()])
    assert (np.mean(wrong, axis=0) < 0.1).all()


@pytest.mark.parametrize("levels", [2, 5, 20])
def test_ties_add_to_the_coverage(levels: int) -> None:
    covered = []
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        positive = np.repeat([True, False], [40, 40])
        ends = conformal_ends(positive, rng.integers(1, levels + 1, 80) / (levels + 1), 0.9)
        everything = np.arange(1, levels + 1) / (levels + 1)
        covered.append([part.mean() for part in ends.sets(everything)])
    assert (np.mean(covered, axis=0) >= class_coverage(40, 0.9).mean).all()


def test_ends_that_cross_leave_neither_class_between_them_and_never_both() -> None:
    grid = np.linspace(0, 1, 1001)
    crossed = Ends(positive_from=0.7, negative_to=0.2)
    negative, positive = crossed.sets(grid)
    assert crossed.crossed
    assert not (negative & positive).any()
    assert (~(negative | positive) == ((grid > 0.2) & (grid < 0.7))).all()
    low, high = crossed.unsure()
    assert 0.2 < low < 0.2 + 1e-15
    assert 0.7 - 1e-15 < high < 0.7
    both = Ends(positive_from=0.2, negative_to=0.7)
    negative, positive = both.sets(grid)
    assert not both.crossed
    assert (negative | positive).all()
    assert ((negative & positive) == ((grid >= 0.2) & (grid <= 0.7))).all()
    assert both.unsure() == (0.2, 0.7)


def test_neighbours_that_cross_have_no_number_between_them() -> None:
    low, high = Ends(positive_from=math.nextafter(0.5, 1), negative_to=0.5).unsure()
    assert low > high


def test_a_calibration_fitted_on_the_same_films_leaves_the_sets_as_they_are() -> None:
    for seed in range(20):
        positive, probability = probabilities(seed, 40, 30, 0.8)
        raw = np.log(probability / (1 - probability))
        scale, offset = fit_platt(positive, raw)
        plain = conformal_ends(positive, probability, 0.9).sets(probability)
        fitted = expit(scale * raw + offset)
        assert np.array_equal(plain, conformal_ends(positive, fitted, 0.9).sets(fitted))


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        conformal_ends(np.array([True, False]), np.array([0.5, math.nan]), 0.5)
