"""Where a probability becomes a positive decision, chosen on films with known labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_curve

from edge_export.statistics.estimates import Bools, Estimate, Floats, proportion
from edge_runtime.bundle.records import Chosen
from edge_runtime.errors import DataError

ONE_HALF = 0.5


@dataclass(frozen=True, slots=True)
class Rule:
    """How to choose a threshold: for a `sensitivity`, or by Youden's index where that is None."""

    sensitivity: float | None

    def __str__(self) -> str:
        if self.sensitivity is None:
            return "the one of the largest Youden index"
        return f"the highest with a sensitivity of at least {self.sensitivity:g}"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A probability from which on a film is positive, and how it was chosen.

    `chosen` is None where it was not; otherwise `sensitivity` and `specificity` are those on the
    films that it was chosen on, and so too good.
    """

    value: float = ONE_HALF
    chosen: Chosen | None = None
    sensitivity: Estimate | None = None
    specificity: Estimate | None = None

    def __str__(self) -> str:
        if self.chosen is None:
            return f"{self.value:g}"
        films = f"{self.chosen.positive} positive and {self.chosen.negative} negative films"
        return (
            f"{self.value:g}, {Rule(self.chosen.sensitivity)} on {films}: "
            f"sensitivity {self.sensitivity}, specificity {self.specificity}"
        )


def choose_threshold(positive: Bools, probability: Floats, rule: Rule | None) -> Threshold:
    """Return the threshold that `rule` chooses on films `(n,)`; without a rule, one half.

    For a sensitivity it is the highest cut that reaches it; by Youden's index (Cancer 3 (1950) 32)
    the cut with the largest sensitivity plus specificity, of several the most sensitive one. It
    lies midway to the next lower probability: no film lies on the edge, where graphs that differ
    by a hair would part.

    Raises:
        DataError: a class is missing, a probability is not finite, or every film would be positive.
    """
    if rule is None:
        return Threshold()
    cases = int(positive.sum())
    if not 0 < cases < len(positive) or not np.isfinite(probability).all():
        problem = f"{cases} of {len(positive)} films to choose a threshold on are positive"
        raise DataError("threshold", problem, "give films of both classes with finite answers")
    false, true, cuts = roc_curve(positive, probability, drop_intermediate=False)
    if rule.sensitivity is not None:
        # Of counts, for a share such as 0.9 is no exact number.
        place = int(np.argmax(np.rint(true * cases) >= rule.sensitivity * cases - 1e-9))
    else:
        index = true - false
        place = int(np.flatnonzero(index >= index.max() - 1e-12)[-1])
    lowest = float(cuts[place])
    below = probability[probability < lowest]
    if not below.size:
        problem = f"{rule} takes every film for positive"
        raise DataError("threshold", problem, "ask for less, or train again")
    value = _between(float(below.max()), lowest)
    decided = probability >= value
    return Threshold(
        value,
        Chosen(
            rule="youden" if rule.sensitivity is None else "sensitivity",
            sensitivity=rule.sensitivity,
            negative=len(positive) - cases,
            positive=cases,
        ),
        proportion(int((decided & positive).sum()), cases),
        proportion(int((~decided & ~positive).sum()), len(positive) - cases),
    )


def _between(below: float, lowest: float) -> float:
    """Return the middle, in six digits if these tell it from both ends."""
    middle = (below + lowest) / 2
    short = float(f"{middle:.6g}")
    return next((value for value in (short, middle) if below < value <= lowest), lowest)
