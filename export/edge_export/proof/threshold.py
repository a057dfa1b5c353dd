"""The threshold from which a probability is a positive decision, chosen on labelled films."""

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
    """The probability from which a film is decided positive, and how it was chosen.

    `chosen` is None where no rule chose it. Otherwise `sensitivity` and `specificity` are those on
    the films of the choice, and therefore too good.
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
    the cut with the largest sensitivity plus specificity, of several the most sensitive one. The
    threshold lies midway to the next lower probability, so that no film lies on it, where graphs
    with a tiny difference would decide differently.

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
        # Counts are compared, because a share such as 0.9 is not exact in binary.
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
    """Return the middle, in six digits if those still lie between the two."""
    middle = (below + lowest) / 2
    short = float(f"{middle:.6g}")
    return next((value for value in (short, middle) if below < value <= lowest), lowest)
