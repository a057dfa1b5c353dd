"""A risk-coverage curve ends with all films, and its shares are counts of those answered."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edge_export.statistics.estimates import proportion
from edge_export.statistics.selective import MOST_POINTS, risk_coverage, selective_point


def test_each_point_is_of_the_films_that_are_as_certain() -> None:
    certainty = np.array([3.0, 1.0, 2.0, 2.0])
    right = np.array([True, False, True, False])
    curve = risk_coverage(certainty, right)
    assert [point.answered for point in curve] == [proportion(count, 4) for count in (1, 3, 4)]
    assert [point.wrong for point in curve] == [
        proportion(0, 1), proportion(1, 3), proportion(2, 4),
    ]  # fmt: skip


def test_where_nothing_is_answered_nothing_is_wrong() -> None:
    nothing, films = np.zeros(3, np.bool_), np.ones(3, np.bool_)
    assert selective_point(nothing, films).wrong is None
    assert selective_point(nothing, films).answered == proportion(0, 3)


def test_a_long_curve_is_thinned_out_and_keeps_its_ends() -> None:
    rng = np.random.default_rng(0)
    curve = risk_coverage(rng.random(5 * MOST_POINTS), rng.random(5 * MOST_POINTS) < 0.8)
    assert len(curve) == MOST_POINTS
    assert (curve[0].answered.value, curve[-1].answered.value) == (1 / (5 * MOST_POINTS), 1.0)


def test_what_has_no_curve_is_refused() -> None:
    for certainty in (np.array([]), np.array([math.nan])):
        with pytest.raises(ValueError, match="no number"):
            risk_coverage(certainty, np.ones(len(certainty), np.bool_))
