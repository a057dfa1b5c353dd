"""Early stopping keeps the best of those that came so far, and what it decided stands."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from edge_kit.sweeping.plan import Halving, SweepTraining
from edge_kit.sweeping.rungs import decide, goes_on, read_rungs, stopped
from edge_runtime.errors import DataError


def training(number: int, fold: int = 1) -> SweepTraining:
    return SweepTraining(f"m{number}-fold{fold}-seed0", f"net{number}", fold, 0)


def test_rungs_are_powers_of_the_factor_and_the_last_epoch_is_none() -> None:
    assert Halving(3, 1).rungs(10) == (1, 3, 9)
    assert Halving(2, 3).rungs(12) == (3, 6)
    assert Halving(2, 5).rungs(5) == ()


@pytest.mark.parametrize("seed", range(10))
def test_who_goes_on_is_among_the_best_of_those_that_came(seed: int, tmp_path: Path) -> None:
    random, rule, known = np.random.default_rng(seed), Halving(3, 1), list[float]()
    for number in range(12):
        auc = round(float(random.random()), 2)
        rung = decide(tmp_path, training(number), 1, auc, rule)
        known.append(auc)
        best = sorted(known, reverse=True)[: math.ceil(len(known) / 3)]
        assert rung.stopped == (auc < best[-1])
    assert len(read_rungs(tmp_path)) == 12


def test_the_first_goes_on_and_folds_are_not_compared(tmp_path: Path) -> None:
    rule = Halving(2, 1)
    assert not decide(tmp_path, training(1), 1, 0.9, rule).stopped
    assert not decide(tmp_path, training(2, fold=2), 1, 0.1, rule).stopped
    assert decide(tmp_path, training(2), 1, 0.1, rule).stopped
    found = stopped(read_rungs(tmp_path), "net2")
    assert found is not None
    assert "number 2 of the 2 that had come so far" in str(found)
    assert stopped(read_rungs(tmp_path), "net1") is None


def test_what_was_decided_stands_and_a_torn_line_is_none(tmp_path: Path) -> None:
    rule = Halving(2, 1)
    first = decide(tmp_path, training(1), 1, 0.5, rule)
    with (tmp_path / "rungs.jsonl").open("ab") as stream:
        stream.write(b'{"training": "m2')
    assert decide(tmp_path, training(1), 1, 0.1, rule) == first
    decide(tmp_path, training(2), 1, 0.4, rule)
    assert [rung.auc for rung in read_rungs(tmp_path)] == [0.5, 0.4]
    (tmp_path / "rungs.jsonl").write_text("{}\n")
    with pytest.raises(DataError, match="is not what a sweep writes"):
        read_rungs(tmp_path)


def test_one_in_so_many_goes_on() -> None:
    kept = [sum(goes_on(place, of, 3) for place in range(1, of + 1)) for of in range(1, 10)]
    assert kept == [1, 1, 1, 2, 2, 2, 3, 3, 3]
