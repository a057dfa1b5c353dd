"""Estimates with their intervals and their n; nothing is reported without both."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

NORMAL_95 = float(stats.norm.ppf(0.975))  # half the width of a two-sided 95 % interval, in errors

METHODS = "Wilson's, of the AUC DeLong's, without regard to groups"
"""How the intervals of a `Metrics` are made, in words."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value, its two-sided 95 % interval, and the number of trials behind it: films, rounds."""

    value: float
    low: float
    high: float
    n: int

    def __post_init__(self) -> None:
        if not all(math.isfinite(number) for number in (self.value, self.low, self.high)):
            raise ValueError("an estimate must be finite")

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f}, n {self.n})"


@dataclass(frozen=True, slots=True)
class Metrics:
    """How one classifier does on one set of films, at one threshold."""

    accuracy: Estimate
    sensitivity: Estimate
    specificity: Estimate
    auc: Estimate


def proportion(successes: int, trials: int) -> Estimate:
    """Return `successes / trials` with Wilson's score interval.

    Wilson, J. Am. Stat. Assoc. 22 (1927) 209, as scipy computes it.

    Raises:
        ValueError: no trials, or more successes than trials.
    """
    interval = stats.binomtest(successes, trials).proportion_ci(method="wilson")
    return Estimate(successes / trials, float(interval.low), float(interval.high), trials)


def auc(positive: Bools, score: Floats) -> Estimate:
    """Return the area under the ROC curve with DeLong's interval, clipped to 0..1.

    `positive` and `score` have shape `(n,)`; ties count one half. DeLong et al., Biometrics 44
    (1988) 837. That interval has no width where the classes are separated without error, or all
    scores tie; there it is the one of Clopper and Pearson on as many case-control pairs as can be
    made without using a film twice.

    Raises:
        ValueError: as `placements` does.
    """
    above, below = placements(positive, score)
    area, error = float(above.mean()), standard_error(above, below)
    if error == 0:
        return Estimate(area, *_pairs_interval(area, min(len(above), len(below))), len(score))
    margin = NORMAL_95 * error
    return Estimate(area, max(0.0, area - margin), min(1.0, area + margin), len(score))


def placements(positive: Bools, score: Floats) -> tuple[Floats, Floats]:
    """Return DeLong's V10 `(cases,)` and V01 `(controls,)`; the mean of either is the AUC.

    V10 is the share of the controls that a case outscores, V01 the share of the cases that
    outscore a control; ties count one half. By mid-ranks: Sun and Xu, IEEE Signal Process. Lett.
    21 (2014) 1389, eqs. 5 to 10.

    Raises:
        ValueError: fewer than two films of a class, or a score that is not finite.
    """
    if not np.isfinite(score).all():
        raise ValueError("a score is not finite")
    cases, controls = score[positive], score[~positive]
    if min(len(cases), len(controls)) < 2:
        raise ValueError("an AUC with its interval needs two films of each class")
    ranks = stats.rankdata(np.concatenate([cases, controls]))
    above = (ranks[: len(cases)] - stats.rankdata(cases)) / len(controls)
    below = 1 - (ranks[len(cases) :] - stats.rankdata(controls)) / len(cases)
    return above, below


def standard_error(above: Floats, below: Floats) -> float:
    """Return DeLong's standard error of an AUC from its placements, or of a difference from theirs.

    Of two scores on the same films, the differences of their placements contain the covariance.
    """
    return math.sqrt(above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below))


def _pairs_interval(area: float, pairs: int) -> tuple[float, float]:
    """Return the exact interval of an area that DeLong gives no width, from disjoint pairs.

    The pairs are independent trials that are won with a probability of the area: Clopper and
    Pearson, Biometrika 26 (1934) 404. Without variance every choice of pairs wins the same share.
    """
    won = area * pairs
    low = 0.0 if area == 0 else float(stats.beta.ppf(0.025, won, pairs - won + 1))
    high = 1.0 if area == 1 else float(stats.beta.ppf(0.975, won + 1, pairs - won))
    return low, high


def evaluate(positive: Bools, probability: Floats, threshold: float) -> Metrics:
    """Return the metrics of deciding "positive" where `probability >= threshold`.

    `positive` and `probability` have shape `(n,)`. Films in the uncertain band count as decided.

    Raises:
        ValueError: as `auc` does.
    """
    decided = probability >= threshold
    return Metrics(
        accuracy=proportion(int((decided == positive).sum()), len(positive)),
        sensitivity=proportion(int((decided & positive).sum()), int(positive.sum())),
        specificity=proportion(int((~decided & ~positive).sum()), int((~positive).sum())),
        auc=auc(positive, probability),
    )
