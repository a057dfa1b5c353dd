from __future__ import annotations

import numpy as np
import pytest

from edge_export.proof.paired import mcnemar, paired_loss, tango_interval


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
