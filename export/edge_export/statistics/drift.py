"""How far a distribution of scores has moved from another: the population stability index."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from edge_export.statistics.estimates import Estimate, Floats

LEAST_SHARE = 0.05
"""Of the scores in a bin, on average of both; bins with fewer are joined with those beside them."""
MARK = 0.1
"""From this index on a change is customarily looked at, from 0.25 on it is called large."""
_TAIL = 0.025  # on each side of an interval of 95 %
_HALF = 0.5
_ROUNDING = 1e-9


def population_stability(reference: Sequence[int], scores: Sequence[int]) -> Estimate:
    """Return the population stability index of two histograms with the same bins, its interval, n.

    Sum over the bins of (q - p) ln(q / p), p and q the shares in the reference and in the scores
    (Siddiqi, Credit Risk Scorecards (2006), chapter 10; it is Jeffreys's divergence). Bins are
    joined until each has a twentieth of the scores, and half a score is added to each, so that no
    share is 0. Where nothing has changed, index / (1/m + 1/n) is distributed as chi squared with a
    degree of freedom for each bin but one (Yurdakul and Naranjo, J. Risk Model Valid. 14 (2020)
    89), and where little has, as noncentral chi squared, by whose noncentrality the interval is
    found. Its low end is 0 where chance alone may have made the change; its high end is never below
    that of an index as large as chance makes it on average, or samples that happen to agree too
    well would seem to prove that nothing has changed.

    `n` is the number of scores, not of the reference.

    Raises:
        ValueError: a histogram is empty, or they have different bins.
    """
    first, second = _joined(np.asarray(reference, float), np.asarray(scores, float))
    p, q = _shares(first), _shares(second)
    index = float(np.sum((q - p) * np.log(q / p)))
    n, unit = int(second.sum()), 1 / first.sum() + 1 / second.sum()
    freedom = max(len(first) - 1, 1)  # all in one bin: of two, one of which is empty by chance
    low = _noncentrality(index / unit, freedom, 1 - _TAIL)
    high = _noncentrality(max(index / unit, freedom), freedom, _TAIL)
    return Estimate(index, min(low * unit, index), max(high * unit, index), n)


def _joined(reference: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """Return both histograms with neighbouring bins joined by their mean shares.

    Shares of the reference alone would join a bin that it leaves empty, and hide what came there.
    """
    if reference.shape != scores.shape or not reference.sum() > 0 or not scores.sum() > 0:
        raise ValueError("two histograms with the same bins are needed, neither empty")
    shares = (reference / reference.sum() + scores / scores.sum()) / 2
    below = np.cumsum(shares)[:-1]
    starts, last = [0], 0.0
    for place, share in enumerate(below, 1):
        if min(share - last, 1 - share) >= LEAST_SHARE:
            starts.append(place)
            last = share
    rarer = np.minimum(below, 1 - below)
    if len(starts) == 1 and len(rarer) and rarer.max() > _ROUNDING:  # few are all there is to see
        starts.append(int(rarer.argmax()) + 1)
    return np.add.reduceat(reference, starts), np.add.reduceat(scores, starts)


def _shares(counts: Floats) -> Floats:
    shares: Floats = (counts + _HALF) / (counts.sum() + _HALF * len(counts))
    return shares


def _noncentrality(value: float, freedom: int, tail: float) -> float:
    """Return of which noncentral distribution `value` is the quantile `tail`; 0 where of none."""
    if special.chdtr(freedom, value) <= tail:
        return 0.0
    return float(special.chndtrinc(value, freedom, tail))
