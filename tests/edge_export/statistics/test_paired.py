"""Differences of two models on the same films have the intervals of the published examples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from edge_export.statistics.estimates import NORMAL_95, auc
from edge_export.statistics.paired import (
    auc_difference,
    mcnemar,
    paired_loss,
    tango_films,
    tango_interval,
)

# Ovarian cancer with intestinal obstruction, DeLong et al. 1988, as in the example "Comparing
# Receiver Operating Characteristic Curves" of SAS/STAT, The LOGISTIC Procedure: albumin, total
# protein, Krebs-Goplerud score (turned: 10 less the score) and survival, of 43 patients.
OVARIAN = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0
1.6 5.6 5 1  3.8 5.7 5 1  3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1
4.3 7.0 4 1  3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0  4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1
3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1  4.3 6.5 4 1
3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1
3.5 6.2 5 1  2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1
3.6 6.6 5 1
"""
ALBUMIN, PROTEIN, _SCORE, _SURVIVED = np.array(OVARIAN.split(), np.float64).reshape(-1, 4).T
SCORE, SURVIVED = 10 - _SCORE, _SURVIVED == 1


@pytest.mark.parametrize(
    ("lost", "gained", "n", "level", "low", "high"),
    [
        # Airway hyper-responsiveness of Bentur et al. 2009, the worked example of Fagerland,
        # Lydersen and Laake, Stat. Med. 33 (2014) 2850: 1, 1, 7, 12.
        (1, 7, 21, 0.95, -0.517, -0.026),
        # The example of PropCIs 0.3-0 as others have published it, with its sign turned.
        (28, 25, 618, 0.90, -0.0148, 0.0247),
    ],
)
def test_tangos_interval_agrees_with_published_examples(
    lost: int, gained: int, n: int, level: float, low: float, high: float
) -> None:
    digits = len(str(abs(low)).partition(".")[2])
    found = tango_interval(lost, gained, n, level)
    assert tuple(round(limit, digits) for limit in found) == (low, high)


@pytest.mark.parametrize(("lost", "gained", "n"), [(3, 1, 50), (0, 4, 174), (7, 7, 20), (5, 0, 5)])
def test_lost_for_gained_mirrors_the_interval(lost: int, gained: int, n: int) -> None:
    low, high = tango_interval(lost, gained, n, 0.95)
    assert tango_interval(gained, lost, n, 0.95) == pytest.approx((-high, -low))


@pytest.mark.parametrize("n", [1, 10, 83, 400])
def test_without_a_flip_the_interval_still_has_a_width_that_shrinks_with_n(n: int) -> None:
    quantile = 1.6448536269514722
    low, high = tango_interval(0, 0, n, 0.90)
    # Then the score is delta * sqrt(n / (|delta| (1 - |delta|))): solved by hand.
    assert high == pytest.approx(quantile**2 / (n + quantile**2), rel=1e-6)
    assert low == pytest.approx(-high)


@pytest.mark.parametrize(("lost", "gained", "n"), [(0, 0, 0), (-1, 0, 5), (3, 3, 5)])
def test_what_is_no_table_is_refused(lost: int, gained: int, n: int) -> None:
    with pytest.raises(ValueError, match="pairs"):
        tango_interval(lost, gained, n, 0.95)


@pytest.mark.parametrize(
    ("lost", "gained", "p"), [(0, 0, 1.0), (1, 1, 1.0), (1, 7, 0.0703125), (0, 5, 0.0625)]
)
def test_mcnemar_is_the_binomial_test_of_a_fair_coin(lost: int, gained: int, p: float) -> None:
    assert mcnemar(lost, gained) == pytest.approx(p)


def test_a_loss_counts_the_films_that_only_one_gets_right() -> None:
    reference = np.array([True, True, True, False, False, True])
    candidate = np.array([True, False, False, True, False, True])
    loss = paired_loss(reference, candidate)
    assert (loss.n, loss.lost, loss.gained) == (6, 2, 1)
    assert loss.value == pytest.approx(1 / 6)
    assert loss.low < loss.value < loss.high


@pytest.mark.parametrize(
    ("test", "area", "error", "low", "high"),
    [
        (ALBUMIN, 0.7366, 0.0927, 0.5549, 0.9182),
        (SCORE, 0.7258, 0.1028, 0.5243, 0.9273),
        (PROTEIN, 0.6478, 0.1000, 0.4518, 0.8439),
    ],
)
def test_delongs_areas_agree_with_the_ovarian_cancer_example_of_sas(
    test: np.ndarray, area: float, error: float, low: float, high: float
) -> None:
    found = auc(SURVIVED, test)
    half = (found.high - found.low) / 2
    assert [round(one, 4) for one in (found.value, half / NORMAL_95)] == [area, error]
    assert [round(one, 4) for one in (found.low, found.high)] == [low, high]


@pytest.mark.parametrize(
    ("test", "value", "error", "low", "high", "p"),
    [
        (ALBUMIN, 0.0108, 0.0953, -0.1761, 0.1976, 0.9102),
        (PROTEIN, -0.0780, 0.1046, -0.2830, 0.1271, 0.4561),
    ],
)
def test_delongs_differences_agree_with_the_ovarian_cancer_example_of_sas(
    test: np.ndarray, value: float, error: float, low: float, high: float, p: float
) -> None:
    found = auc_difference(SURVIVED, SCORE, test)
    assert round((found.high - found.low) / 2 / NORMAL_95, 4) == error
    shown = [round(one, 4) for one in (found.value, found.low, found.high, found.p)]
    assert (shown, found.n) == ([value, low, high, p], 43)


def test_against_a_constant_the_error_of_the_difference_is_that_of_the_area() -> None:
    found, alone = auc_difference(SURVIVED, np.zeros(43), ALBUMIN), auc(SURVIVED, ALBUMIN)
    assert found.value == pytest.approx(alone.value - 0.5)
    assert (found.low, found.high) == pytest.approx((alone.low - 0.5, alone.high - 0.5))


def test_swapping_the_two_mirrors_the_difference() -> None:
    there, back = (
        auc_difference(SURVIVED, one, other) for one, other in ((SCORE, PROTEIN), (PROTEIN, SCORE))
    )
    assert (there.value, there.low, there.high) == pytest.approx(
        (-back.value, -back.high, -back.low)
    )
    assert there.p == pytest.approx(back.p)


@pytest.mark.parametrize("reference", [ALBUMIN, np.zeros(43), SURVIVED.astype(float)])
def test_equal_curves_differ_by_nothing_for_certain(reference: np.ndarray) -> None:
    found = auc_difference(SURVIVED, reference, 3 * reference + 1)
    assert (found.value, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)


def test_a_perfect_score_that_becomes_one_answer_is_a_loss_with_an_interval() -> None:
    found = auc_difference(SURVIVED, SURVIVED.astype(float), np.zeros(43))
    assert found.value == -0.5
    # The two intervals, squared and added: that of 12 wins in 12 pairs, and that of 6 in 12.
    perfect, coin = (stats.binomtest(won, 12).proportion_ci(method="exact") for won in (12, 6))
    assert found.low == pytest.approx(-0.5 - (0.5 - coin.low))
    assert found.high == pytest.approx(-0.5 + math.hypot(coin.high - 0.5, 1 - perfect.low))
    assert found.high < 0
    assert found.p == pytest.approx(2 * 0.5**12)  # twelve disjoint pairs, all for the reference


def test_logits_tell_apart_what_their_probabilities_do_not() -> None:
    positive = np.array([True, True, False, False])
    reference, candidate = np.array([45.0, 44, 43, 42]), np.array([42.0, 44, 43, 45])
    assert auc_difference(positive, reference, candidate).value < 0
    assert auc_difference(positive, expit(reference), expit(candidate)).value == 0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_difference_needs_finite_scores(bad: float) -> None:
    broken = np.where(np.arange(43) == 5, bad, ALBUMIN)
    for reference, candidate in ((broken, ALBUMIN), (ALBUMIN, broken)):
        with pytest.raises(ValueError, match="finite"):
            auc_difference(SURVIVED, reference, candidate)


@pytest.mark.parametrize(
    ("lost", "gained", "n"), [(0, 0, 83), (1, 0, 91), (4, 1, 400), (0, 3, 50), (9, 4, 500)]
)
def test_the_films_needed_are_the_smallest_number_on_which_tangos_limit_holds_the_margin(
    lost: int, gained: int, n: int
) -> None:
    needed = tango_films(lost, gained, n, margin=0.02, level=0.90)
    assert needed is not None
    enough, too_few = (
        tango_interval(lost * films / n, gained * films / n, films, level=0.90)
        for films in (needed, needed - 1)
    )
    assert enough[1] <= 0.02 < too_few[1]


@pytest.mark.parametrize(("lost", "gained", "n"), [(2, 0, 100), (3, 0, 100), (5, 3, 90)])
def test_a_loss_at_the_margin_or_above_needs_no_number_of_films(
    lost: int, gained: int, n: int
) -> None:
    assert tango_films(lost, gained, n, margin=0.02, level=0.90) is None


@pytest.mark.parametrize(
    ("lost", "n", "margin"), [(0, 0, 0.02), (-1, 5, 0.02), (6, 5, 0.02), (0, 5, 0.0), (0, 5, 1.0)]
)
def test_films_for_no_table_or_no_margin_are_refused(lost: int, n: int, margin: float) -> None:
    with pytest.raises(ValueError, match=r"pairs|margin"):
        tango_films(lost, 0, n, margin, level=0.90)
