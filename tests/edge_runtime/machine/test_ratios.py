"""A ratio is taken within a round, so that what slows a round slows both sides of it."""

from __future__ import annotations

import pytest

from edge_runtime.machine.ratios import Ratio


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ([1.0], [2.0], (0.5, 0.5, 0.5, 1)),
        ([1.0, 2.0, 3.0, 4.0, 5.0], [1.0] * 5, (3.0, 2.0, 4.0, 5)),
        ([2.0, 30.0], [1.0, 10.0], (2.5, 2.25, 2.75, 2)),  # a slow round slows both
    ],
)
def test_ratios_are_taken_within_a_round(
    ours: list[float], theirs: list[float], expected: tuple[float, ...]
) -> None:
    ratio = Ratio.of(ours, theirs)
    assert (ratio.median, ratio.low, ratio.high, ratio.n) == expected
