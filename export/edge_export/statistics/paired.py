"""Two graphs on the same films: by how much one is worse, and whether that is chance.

For decisions, only films on which exactly one of the two is right carry information; the others
count in n. For scores, all films count, and their covariance makes the interval narrow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import optimize, stats

from edge_export.statistics.estimates import (
    NORMAL_95,
    Bools,
    Floats,
    auc,
    placements,
    standard_error,
)

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


@dataclass(frozen=True, slots=True)
class PairedArea:
    """The AUC of a candidate less that of its reference, on the same `n` films.

    `low` and `high` are the two-sided 95 % interval, `p` is two-sided.
    """

    value: float
    low: float
    high: float
    p: float
    n: int


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


def auc_difference(positive: Bools, reference_score: Floats, candidate_score: Floats) -> PairedArea:
    """Return the difference in AUC of two scores `(n,)` of the same films, by DeLong's covariance.

    DeLong et al., Biometrics 44 (1988) 837. Scores are logits: probabilities round to 1 above
    logits of about 37, and tie there. Equal curves differ by 0, for certain; curves that differ
    without variance have the interval of Newcombe, Stat. Med. 17 (1998) 873, method 10.

    Raises:
        ValueError: fewer than two films of a class, or a score that is not finite.
    """
    reference = placements(positive, reference_score)
    candidate = placements(positive, candidate_score)
    above, below = candidate[0] - reference[0], candidate[1] - reference[1]
    value, error, n = float(above.mean()), standard_error(above, below), len(positive)
    if error > 0:
        p = 2 * float(stats.norm.sf(abs(value) / error))
        margin = NORMAL_95 * error
        return PairedArea(value, max(-1.0, value - margin), min(1.0, value + margin), p, n)
    if value == 0:
        return PairedArea(0.0, 0.0, 0.0, 1.0, n)
    # Each score separates the classes without error, reverses them, or is constant, so there is no
    # variance. The interval combines those of the two areas, squared and added; the test is on
    # disjoint pairs of a case and a control, which all differ in the same direction.
    own, base = auc(positive, candidate_score), auc(positive, reference_score)
    down = math.hypot(own.value - own.low, base.high - base.value)
    up = math.hypot(own.high - own.value, base.value - base.low)
    p = mcnemar(min(len(above), len(below)), 0)
    return PairedArea(value, value - down, value + up, p, n)


def tango_interval(lost: float, gained: float, n: int, level: float) -> tuple[float, float]:
    """Return Tango's score interval, two-sided at `level`, for `(lost - gained) / n`.

    Tango, Stat. Med. 17 (1998) 891. The limits are the differences at which the score statistic
    equals the normal quantile; the statistic falls as the difference grows. For a plan, counts
    need not be whole.

    Raises:
        ValueError: no pairs, or more discordant pairs than pairs.
    """
    _check_pairs(lost, gained, n)
    quantile = float(stats.norm.ppf(0.5 + level / 2))
    estimate = (lost - gained) / n

    def limit(statistic: float, low: float, high: float) -> float:
        return float(
            optimize.brentq(lambda delta: _score(delta, lost, gained, n) - statistic, low, high)
        )

    low = -1.0 if gained == n else limit(quantile, -1 + _EDGE, estimate)
    high = 1.0 if lost == n else limit(-quantile, estimate, 1 - _EDGE)
    return low, high


def tango_films(lost: float, gained: float, n: int, margin: float, level: float) -> int | None:
    """Return on how many films the same shares would put the upper limit at or below `margin`.

    The smallest such number, for `tango_interval` at `level`; none where the loss itself is not
    below the margin. With fixed shares the score statistic grows with the square root of `n`.

    Raises:
        ValueError: as `tango_interval` does, or the margin is not between 0 and 1.
    """
    _check_pairs(lost, gained, n)
    if not 0 < margin < 1:
        raise ValueError(f"a margin of {margin}")
    if (lost - gained) / n >= margin:
        return None
    quantile = float(stats.norm.ppf(0.5 + level / 2))
    return math.ceil(n * (quantile / _score(margin, lost, gained, n)) ** 2)


def _check_pairs(lost: float, gained: float, n: int) -> None:
    if n < 1 or min(lost, gained) < 0 or lost + gained > n:
        raise ValueError(f"{lost} lost and {gained} gained of {n} pairs")


def _score(delta: float, lost: float, gained: float, n: int) -> float:
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
