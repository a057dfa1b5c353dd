"""What a leaking split adds to the accuracy: the same network on a grouped and a naive split."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from edge_export.statistics.estimates import Metrics
from edge_kit.data.dataset import Dataset
from edge_kit.data.film_folders import Folders
from edge_kit.data.leaks import grouped_and_naive
from edge_kit.data.reader import FilmReader
from edge_kit.training.plan import TrainingPlan
from edge_kit.training.train import train_and_measure


@dataclass(frozen=True, slots=True)
class LeakEffect:
    """The figures on the test films of the two splits of the same films."""

    grouped: Metrics
    naive: Metrics

    def __str__(self) -> str:
        gain, low, high = (f"{100 * value:+.1f}" for value in self.gain)
        unclear = "" if self.gain[1] > 0 else ", which these films do not tell from nothing"
        return (
            f"the leak adds {gain} points of test accuracy (95 % {low} to {high}, Newcombe's "
            f"interval){unclear}: "
            f"split film by film {self.naive.accuracy} with AUC {self.naive.auc}, split by groups "
            f"{self.grouped.accuracy} with AUC {self.grouped.auc}"
        )

    @property
    def gain(self) -> tuple[float, float, float]:
        """The difference of accuracy, and its 95 % interval from those of both.

        Newcombe, Stat. Med. 17 (1998) 873, method 10, on Wilson's intervals. The method takes the
        test films of the two splits for independent, although they overlap.
        """
        naive, grouped = self.naive.accuracy, self.grouped.accuracy
        difference = naive.value - grouped.value
        below = math.hypot(naive.value - naive.low, grouped.high - grouped.value)
        above = math.hypot(naive.high - naive.value, grouped.value - grouped.low)
        return difference, difference - below, difference + above


def leak_effect(
    dataset: Dataset,
    data: Folders,
    plan: TrainingPlan,
    say: Callable[[str], None],
    *,
    reader: FilmReader | None = None,
) -> LeakEffect:
    """Train by `plan` on both splits of `dataset` and return the figures on their test films.

    Raises:
        EdgeError: as `train_and_measure` does.
    """
    figures = []
    parts = grouped_and_naive(dataset, seed=dataset.split_seed)
    for name, part in zip(("by groups", "film by film"), parts, strict=True):
        say(f"to measure the effect of the leak: the same films, split {name}")
        figures.append(train_and_measure(part, data, plan, say, reader=reader)["test"])
    return LeakEffect(*figures)
