"""The front is what nothing beats: it is never empty, and it beats all that is not on it."""

from __future__ import annotations

import numpy as np
import pytest

from edge_kit.sweeping.pareto import dominated_by, dominates


@pytest.mark.parametrize("seed", range(40))
def test_the_law_of_the_front_on_drawn_merits(seed: int) -> None:
    random = np.random.default_rng(seed)
    count, figures = int(random.integers(1, 30)), int(random.integers(1, 6))
    # Few steps, so that many figures are equal.
    drawn = random.integers(0, 4, (count, figures)).astype(float).tolist()
    merits = {number: tuple(row) for number, row in enumerate(drawn)}
    beaten = dominated_by(merits)
    front = [name for name, by in beaten.items() if by is None]
    assert front
    for name in front:
        assert not any(dominates(other, merits[name]) for other in merits.values())
    for name, by in beaten.items():
        if by is not None:
            assert dominates(merits[by], merits[name])
            assert any(dominates(merits[one], merits[name]) for one in front)
    # What is best in the first figure, and of those in the others, is on the front.
    best = max(merits, key=lambda name: merits[name])
    assert best in front
    # The order in which they come does not matter.
    turned = dominated_by(dict(reversed(merits.items())))
    assert {name for name, by in turned.items() if by is None} == set(front)


@pytest.mark.parametrize("seed", range(10))
def test_nothing_beats_itself_and_no_two_beat_each_other(seed: int) -> None:
    random = np.random.default_rng(seed)
    first, second = (tuple(map(float, row)) for row in random.integers(0, 3, (2, 4)))
    assert not dominates(first, first)
    assert not (dominates(first, second) and dominates(second, first))
