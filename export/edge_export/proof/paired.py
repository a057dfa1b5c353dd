"""Two graphs on the same films: by how much one is right less often, and whether that is chance.

Only films on which exactly one of the two is right say anything; the others set the scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import optimize, stats

from edge_export.proof.parity import Bools

_EDGE = 1e-12  # the score is not defined at a difference of exactly one


@dataclass(frozen=True, slots=True)
class PairedLoss:
    """How much less often a candidate is right than its reference, on the same `n` films.

    `lost` films only the reference gets right, `gained` only the candidate; `value` is their
    difference as a share of `n`. `low` and `high` are each a one-sided 95 % bound (Tango), `p` is
    that of the exact McNemar test, two-sided.
    """

    n: int
    lost: int
    gained: int
    value: float
    low: float
    high: float
    p: float


def paired_loss(reference_right: Bools, candidate_right: Bools) -> PairedLoss:
    """Return the loss from a reference to a candidate; both say `(n,)` where they are right.

    Raises:
        ValueError: there are no films.
    """
    lost = int((reference_right & ~candidate_right).sum())
    gained = int((~reference_right & candidate_right).sum())
    n = len(reference_right)
    low, high = tango_interval(lost, gained, n, level=0.90)
    return PairedLoss(n, lost, gained, (lost - gained) / n, low, high, mcnemar(lost, gained))


def mcnemar(lost: int, gained: int) -> float:
    """Return the two-sided p of the exact McNemar test: are flips as likely either way?

    McNemar, Psychometrika 12 (1947) 153; exact by the binomial distribution with one half.
    """
    return float(stats.binomtest(lost, lost + gained).pvalue) if lost + gained else 1.0


def tango_interval(lost: int, gained: int, n: int, level: float) -> tuple[float, float]:
    """Return Tango's score interval, two-sided at `level`, for `(lost - gained) / n`.

    Tango, Stat. Med. 17 (1998) 891. The limits are the differences at which the score statistic
    equals the normal quantile; the statistic falls as the difference grows.

    Raises:
        ValueError: no pairs, or more discordant pairs than pairs.
    """
    if n < 1 or min(lost, gained) < 0 or lost + gained > n:
        raise ValueError(f"{lost} lost and {gained} gained of {n} pairs")
    quantile = float(stats.norm.ppf(0.5 + level / 2))
    estimate = (lost - gained) / n

    def limit(wanted: float, low: float, high: float) -> float:
        return float(
            optimize.brentq(lambda delta: _score(delta, lost, gained, n) - wanted, low, high)
        )

    low = -1.0 if gained == n else limit(quantile, -1 + _EDGE, estimate)
    high = 1.0 if lost == n else limit(-quantile, estimate, 1 - _EDGE)
    return low, high


def _score(delta: float, lost: int, gained: int, n: int) -> float:
    """Return Tango's score statistic at a difference `delta`.

    Under `delta`, the most likely probability of a gain is the larger root of a quadratic.
    """
    a = 2 * n
    b = -lost - gained + (2 * n - lost + gained) * delta
    c = -gained * delta * (1 - delta)
    gain = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
    variance = n * (2 * gain + delta * (1 - delta))
    distance = lost - gained - n * delta
    # Without a discordant pair there is no variance at zero: the estimate itself, no distance.
    return distance / math.sqrt(variance) if variance > 0 else 0.0
