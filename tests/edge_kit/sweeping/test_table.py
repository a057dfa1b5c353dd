"""A configuration is on the front only if all its figures are known; means are over trials."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_export.statistics.estimates import Estimate, auc
from edge_kit.sweeping.plan import SweepPlan
from edge_kit.sweeping.records import TrialFigures, TrialRecord
from edge_kit.sweeping.table import mean_of, rows
from edge_kit.training.folds import mean_auc

PLAN = SweepPlan(data=("films",), models=("model3", "clinic"), folds=2, seeds=(0, 1))
TIMES = {1: Estimate(1.0, 0.9, 1.1, 50), 2: Estimate(2.0, 1.9, 2.1, 50)}
SOUND = TrialFigures(
    auc=Estimate(0.9, 0.8, 1.0, 40),
    auc_float=Estimate(0.9, 0.8, 1.0, 40),
    sensitivity=Estimate(0.7, 0.4, 0.9, 20),
    verdict="pass",
    reasons=(),
    file="model.int8.tflite",
    recipe="static_wi8_ai8",
    bytes=1000,
    graph_sha256="",
    shape=(64, 64, 1),
    changed="",
    epochs=2,
)


def records(**changes: TrialRecord) -> dict[str, TrialRecord]:
    """Return a sound record for each trial, but for `changes` by the beginning of their names."""
    found = {}
    for trial in PLAN.trials:
        plain = TrialRecord(trial.name, "done", found=SOUND)
        chosen = [record for key, record in changes.items() if trial.name.startswith(key)]
        found[trial.name] = replace(chosen[0], trial=trial.name) if chosen else plain
    return found


def test_of_equals_the_faster_is_on_the_front_and_wins() -> None:
    table = rows(PLAN, records(), TIMES)
    assert [(one.on_front, one.winner) for one in table] == [(True, True), (False, False)]
    assert table[1].why_not == "beaten by 1"
    assert table[0].auc is not None
    assert (table[0].auc.mean.n, table[0].auc.trials) == (80, 4)


def test_a_verdict_of_fail_in_one_trial_keeps_a_configuration_off_the_front() -> None:
    bad = TrialRecord("", "done", found=replace(SOUND, verdict="fail", bytes=1))
    found = rows(PLAN, records(**{"m1-fold1-seed0": bad}), TIMES)[0]
    assert (found.on_front, found.verdict, found.why_not) == (False, "fail", "its verdict is fail")


@pytest.mark.parametrize(("outcome", "words"), [("failed", "failed"), ("stopped", "were stopped")])
def test_an_unfinished_configuration_has_no_mean_and_is_not_on_the_front(
    outcome: str, words: str
) -> None:
    bad = TrialRecord("", outcome, 2, "why")  # type: ignore[arg-type]  # one of both
    found = rows(PLAN, records(**{"m1-fold2-seed1": bad}), TIMES)[0]
    assert not found.on_front
    assert found.why_not.startswith(f"1 of 4 trials {words}")
    assert found.auc is None


def test_a_latency_that_is_not_known_is_said_unless_the_plan_asks_for_none() -> None:
    table = rows(PLAN, records(), {1: TIMES[1]})
    assert table[1].why_not == "its latency is not known"
    untimed = rows(replace(PLAN, latency=False), records(), {})
    assert all(one.on_front for one in untimed)


def test_pass_is_better_than_undecided() -> None:
    unsure = TrialRecord("", "done", found=replace(SOUND, verdict="undecided"))
    table = rows(PLAN, records(**{"m1-fold1-seed1": unsure}), {1: TIMES[1], 2: TIMES[1]})
    assert [one.verdict for one in table] == ["undecided", "pass"]
    assert [one.on_front for one in table] == [False, True]


def test_the_mean_over_folds_is_that_of_cross_validation() -> None:
    random = np.random.default_rng(4)
    folds = []
    for _ in range(3):
        positive = np.arange(40) < 20
        folds.append((positive, random.normal(size=40) + 1.5 * positive))
    expected = mean_auc(folds)
    found = mean_of([[auc(*fold) for fold in folds]])
    assert found.mean.value == pytest.approx(expected.value)
    assert found.mean.low == pytest.approx(expected.low, abs=1e-6)
    assert found.mean.n == expected.n
    assert found.least <= found.mean.value <= found.most


def test_more_seeds_make_no_interval_narrower() -> None:
    fold = [Estimate(0.8, 0.7, 0.9, 40), Estimate(0.7, 0.6, 0.8, 40)]
    one, three = mean_of([fold]), mean_of([fold] * 3)
    assert (one.mean.low, one.mean.high, one.mean.n) == pytest.approx(
        (three.mean.low, three.mean.high, three.mean.n)
    )
