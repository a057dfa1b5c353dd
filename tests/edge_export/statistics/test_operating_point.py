"""A sensitivity at a specificity is read off the controls, and its interval holds what is true."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from edge_export.statistics.operating_point import sensitivity_at


def test_the_threshold_is_the_lowest_with_the_specificity() -> None:
    controls, cases = np.arange(1.0, 11.0), np.array([8.5, 9.0, 9.5, 10.5])
    positive = np.repeat([False, True], [10, 4])
    found = sensitivity_at(positive, np.concatenate([controls, cases]), 0.9)
    # Nine of ten controls are at most 9, and two of four cases above it.
    assert (found.value, found.n) == (0.5, 4)
    assert found.low <= found.value <= found.high


@pytest.mark.parametrize("seed", range(20))
def test_at_least_the_specificity_is_reached_and_no_lower_threshold_reaches_it(seed: int) -> None:
    random = np.random.default_rng(seed)
    positive = random.random(60) < 0.5
    score = np.round(random.normal(size=60) + positive, 1)
    share = float(random.uniform(0.5, 0.99))
    found = sensitivity_at(positive, score, share)
    reached = [
        float((score[positive] > threshold).mean())
        for threshold in score[~positive]
        if (score[~positive] <= threshold).mean() >= share - 1e-9
    ]
    assert found.value == max(reached)


def test_the_interval_holds_the_true_sensitivity_in_95_of_100_samples() -> None:
    random, held, samples = np.random.default_rng(1), 0, 400
    positive = np.repeat([False, True], [80, 60])
    truth = float(stats.norm.sf(stats.norm.ppf(0.9) - 1.5))
    for _ in range(samples):
        found = sensitivity_at(positive, random.normal(size=140) + 1.5 * positive, 0.9)
        held += found.low <= truth <= found.high
    assert held / samples >= 0.95


def test_few_controls_leave_the_lower_limit_open() -> None:
    positive = np.repeat([False, True], [5, 20])
    found = sensitivity_at(positive, np.arange(25.0), 0.9)
    assert (found.value, found.low) == (1.0, 0.0)


def test_scores_of_no_number_and_films_of_one_class_are_refused() -> None:
    positive = np.array([False, True])
    with pytest.raises(ValueError, match="not finite"):
        sensitivity_at(positive, np.array([0.0, np.nan]), 0.9)
    with pytest.raises(ValueError, match="both classes"):
        sensitivity_at(np.array([True, True]), np.array([0.0, 1.0]), 0.9)
    with pytest.raises(ValueError, match="between 0 and 1"):
        sensitivity_at(positive, np.array([0.0, 1.0]), 1.0)
