"""What a leak adds to the accuracy is the difference of two splits, with its interval."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge_export.statistics.estimates import Metrics, proportion
from edge_kit.data.dataset import Dataset
from edge_kit.training.leak_effect import LeakEffect, leak_effect
from edge_kit.training.plan import TrainingPlan


def test_the_price_is_the_naive_split_s_accuracy_less_the_grouped_one_s(
    dataset: Dataset, data: Path, plan: TrainingPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Dataset, TrainingPlan]] = []
    said: list[str] = []

    def measured(part: Dataset, _: Path, plan: TrainingPlan, *__: Any, **___: Any) -> Any:
        asked.append((part, plan))
        right = proportion((9, 12)[len(asked) - 1], 12)
        return {"test": Metrics(right, right, right, replace(right, value=0.5))}

    monkeypatch.setattr("edge_kit.training.leak_effect.train_and_measure", measured)
    found = leak_effect(dataset, data, plan, said.append)
    (grouped, first), (naive, second) = asked
    assert first == second == plan
    assert len({film.group for film in naive.films}) == len(naive.films)
    assert {film.sha256 for film in grouped.films} == {film.sha256 for film in naive.films}
    assert (found.grouped.accuracy.value, found.naive.accuracy.value) == (0.75, 1.0)
    assert str(found).startswith(
        "the leak adds +25.0 points of test accuracy (95 % -4.1 to +53.2, Newcombe's interval), "
        "which these films do not tell from nothing: split film by film 1.000 "
    )
    assert said == [
        "to measure the effect of the leak: the same films, split by groups",
        "to measure the effect of the leak: the same films, split film by film",
    ]


def test_the_interval_of_the_price_is_the_published_one() -> None:
    # Newcombe (1998), table II (a): 56 of 70 against 48 of 80.
    one, other = proportion(56, 70), proportion(48, 80)
    found = LeakEffect(Metrics(*[other] * 4), Metrics(*[one] * 4))
    assert found.gain == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert "tell from nothing" not in str(found)
