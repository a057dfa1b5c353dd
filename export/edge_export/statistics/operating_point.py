"""Sensitivity at a given specificity: one point of the ROC curve, with its interval."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from edge_export.statistics.estimates import Bools, Estimate, Floats

_EACH = 0.975
"""The coverage of each of two statements that hold together in 95 of 100 cases (Bonferroni)."""


def sensitivity_at(positive: Bools, score: Floats, specificity: float) -> Estimate:
    """Return the share of the cases above the lowest threshold that has this `specificity`.

    `positive` and `score` have shape `(n,)`; the n of the estimate counts cases. The threshold is
    that of the controls among the same films: a film is called positive above it, and at least
    `specificity` of the controls are not.

    The interval takes account of both samples. The quantile of the controls has its
    distribution-free interval by order statistics (Conover, Practical Nonparametric Statistics, 3rd
    ed. (1999), section 3.2), each share of the cases above either end has Wilson's (J. Am. Stat.
    Assoc. 22 (1927) 209), each of 97.5 %: both hold together in at least 95 %, by Bonferroni's
    inequality. With few controls there is no upper end, and the lower limit is 0.

    Raises:
        ValueError: no film of a class, a score is not finite, or no such specificity.
    """
    if not np.isfinite(score).all():
        raise ValueError("a score is not finite")
    if not 0 < specificity < 1:
        raise ValueError("a specificity lies between 0 and 1")
    cases, controls = score[positive], np.sort(score[~positive])
    if not (len(cases) and len(controls)):
        raise ValueError("films of both classes are needed")
    threshold = controls[math.ceil(specificity * len(controls) - 1e-9) - 1]
    lower, upper = _quantile_interval(controls, specificity)
    low = _wilson(cases, upper).low if math.isfinite(upper) else 0.0
    high = _wilson(cases, lower).high if math.isfinite(lower) else 1.0
    return Estimate(float((cases > threshold).mean()), low, high, len(cases))


def _quantile_interval(ordered: Floats, share: float) -> tuple[float, float]:
    """Return the interval of a quantile of `(n,)` ordered numbers, with infinite ends where none.

    The number of the values below the quantile is binomial, so that the r-th and the s-th value
    enclose it unless that number is below r or not below s.
    """
    count, tail = len(ordered), (1 - _EACH) / 2
    below = stats.binom(count, share)
    first = int(below.ppf(tail))  # P(number < first) < tail
    last = int(below.ppf(1 - tail)) + 1  # P(number >= last) <= tail
    low = float(ordered[first - 1]) if first >= 1 else -math.inf
    high = float(ordered[last - 1]) if last <= count else math.inf
    return low, high


def _wilson(cases: Floats, threshold: float) -> Estimate:
    above = int((cases > threshold).sum())
    interval = stats.binomtest(above, len(cases)).proportion_ci(_EACH, method="wilson")
    return Estimate(above / len(cases), float(interval.low), float(interval.high), len(cases))
