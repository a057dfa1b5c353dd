"""What a leaking split seems to buy: the same network on a grouped and on a naive split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge_export.proof.statistics import Metrics
from edge_kit.data.dataset import Dataset
from edge_kit.data.leaks import grouped_and_naive
from edge_kit.training.train import TrainingPlan, train_and_measure


@dataclass(frozen=True, slots=True)
class LeakPrice:
    """The figures on the test films of either split, of the same films."""

    grouped: Metrics
    naive: Metrics

    def __str__(self) -> str:
        bought = self.naive.accuracy.value - self.grouped.accuracy.value
        return (
            f"the leak buys {100 * bought:+.1f} points of test accuracy: split film by film "
            f"{self.naive.accuracy} with AUC {self.naive.auc}, split by groups "
            f"{self.grouped.accuracy} with AUC {self.grouped.auc}"
        )


def leak_price(
    dataset: Dataset,
    data: Path,
    plan: TrainingPlan,
    say: Callable[[str], None],
    *,
    cache: Path | None = None,
) -> LeakPrice:
    """Train by `plan` on both splits of `dataset` and return how either does on its test films.

    Raises:
        EdgeError: as `train_and_measure` does.
    """
    found = []
    for part in grouped_and_naive(dataset, seed=plan.seed):
        found.append(train_and_measure(part, data, plan, say, cache=cache)["test"])
    return LeakPrice(*found)
