"""Intervals where films come in groups: those of one patient are not independent of one another."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from edge_export.statistics.estimates import (
    NORMAL_95,
    Bools,
    Estimate,
    Floats,
    auc,
    placements,
    proportion,
)
from edge_export.statistics.paired import auc_difference


def grouped_auc(positive: Bools, score: Floats, groups: Sequence[str]) -> Estimate:
    """Return the area under the ROC curve with an interval for films `(n,)` that come in `groups`.

    Obuchowski, Biometrics 53 (1997) 567: DeLong's placements, summed by group. With one film a
    group it is DeLong's own interval, and it is that, too, where no variance is left.

    Raises:
        ValueError: as `auc` does.
    """
    plain = auc(positive, score)
    variance = _variance(positive, placements(positive, score), plain.value, groups)
    if variance is None:
        return Estimate(plain.value, 0.0, 1.0, plain.n)  # one group gives no variance
    if variance <= 0:
        return plain
    margin = NORMAL_95 * math.sqrt(variance)
    low, high = max(0.0, plain.value - margin), min(1.0, plain.value + margin)
    return Estimate(plain.value, low, high, plain.n)


def grouped_auc_difference(
    positive: Bools, reference_score: Floats, candidate_score: Floats, groups: Sequence[str]
) -> Estimate:
    """Return the AUC of a candidate less that of its reference, on films `(n,)` in `groups`.

    Obuchowski's variance, as of `grouped_auc`, of the differences of placements, which contain the
    covariance of both. Where it leaves no variance, the interval is that of `auc_difference`.

    Raises:
        ValueError: as `auc_difference` does.
    """
    plain = auc_difference(positive, reference_score, candidate_score)
    reference = placements(positive, reference_score)
    candidate = placements(positive, candidate_score)
    differences = candidate[0] - reference[0], candidate[1] - reference[1]
    variance = _variance(positive, differences, plain.value, groups)
    if variance is None:
        return Estimate(plain.value, -1.0, 1.0, plain.n)
    if variance <= 0:
        return Estimate(plain.value, plain.low, plain.high, plain.n)
    margin = NORMAL_95 * math.sqrt(variance)
    low, high = max(-1.0, plain.value - margin), min(1.0, plain.value + margin)
    return Estimate(plain.value, low, high, plain.n)


def _variance(
    positive: Bools, placed: tuple[Floats, Floats], mean: float, groups: Sequence[str]
) -> float | None:
    """Return Obuchowski's variance of the `mean` of placements; None where a class is one group."""
    above, below = placed
    number = np.unique(np.asarray(groups), return_inverse=True)[1]
    cases, controls = number[positive], number[~positive]
    both = int(number.max()) + 1
    case_sums = np.bincount(cases, above - mean, both) / len(above)
    control_sums = np.bincount(controls, below - mean, both) / len(below)
    with_cases, with_controls = len(np.unique(cases)), len(np.unique(controls))
    if min(with_cases, with_controls) < 2:
        return None
    return (
        with_cases / (with_cases - 1) * float(case_sums @ case_sums)
        + with_controls / (with_controls - 1) * float(control_sums @ control_sums)
        + 2 * both / (both - 1) * float(case_sums @ control_sums)
    )


def grouped_proportion(success: Bools, groups: Sequence[str]) -> Estimate:
    """Return the share of `success` `(n,)` with an interval for films that come in `groups`.

    Wilson's interval for the effective number of independent films: n over the design effect, which
    is the variance between groups over that of independent films (Rao and Scott, Biometrics 48
    (1992) 577). It is at most n, and the number of groups where all films agree.

    Raises:
        ValueError: there are no films.
    """
    hits, n = int(success.sum()), len(success)
    plain = proportion(hits, n)
    number = np.unique(np.asarray(groups), return_inverse=True)[1]
    count = int(number.max()) + 1
    if count in (1, n) or hits in (0, n):
        return plain if count == n else _wilson(plain.value, count, n)
    sums = np.bincount(number, success - plain.value, count)
    between = count / (count - 1) * float(sums @ sums) / n**2
    effect = between / (plain.value * (1 - plain.value) / n)
    return _wilson(plain.value, n / max(1.0, effect), n)


def _wilson(share: float, trials: float, n: int) -> Estimate:
    """Return Wilson's interval of a share of `trials`, which need not be a whole number."""
    square = float(stats.norm.ppf(0.975)) ** 2
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    spread = share * (1 - share) / trials + square / (4 * trials**2)
    half = math.sqrt(square * spread) / (1 + square / trials)
    return Estimate(
        share, max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half)), n
    )
