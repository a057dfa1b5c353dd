"""Estimates with their intervals and their n; nothing is reported without both."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value between 0 and 1, its two-sided 95 % interval, and the number of films behind it."""

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
    (1988) 837, by mid-ranks: Sun and Xu, IEEE Signal Process. Lett. 21 (2014) 1389, eqs. 5 to 10.

    Raises:
        ValueError: fewer than two films of a class, or a score that is not finite.
    """
    if not np.isfinite(score).all():
        raise ValueError("a score is not finite")
    cases, controls = score[positive], score[~positive]
    if min(len(cases), len(controls)) < 2:
        raise ValueError("an AUC with its interval needs two films of each class")
    ranks = stats.rankdata(np.concatenate([cases, controls]))
    # The share of the other class that each film outscores: DeLong's placements V10 and V01.
    above = (ranks[: len(cases)] - stats.rankdata(cases)) / len(controls)
    below = 1 - (ranks[len(cases) :] - stats.rankdata(controls)) / len(cases)
    area = float(above.mean())
    error = math.sqrt(above.var(ddof=1) / len(cases) + below.var(ddof=1) / len(controls))
    margin = float(stats.norm.ppf(0.975)) * error
    return Estimate(area, max(0.0, area - margin), min(1.0, area + margin), len(score))


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


def fit_temperature(positive: Bools, logit: Floats) -> float:
    """Return the factor on the logits that minimises the log loss on these films.

    Temperature scaling (Guo et al., ICML 2017, section 4.2), with 1 / temperature as the factor.
    It changes no ranking and no decision at a probability of one half. Where the classes are
    separated without error the best factor is infinite; 1 is returned then, and the search is
    kept between 1/20 and 20.

    Raises:
        ValueError: a logit is not finite.
    """
    if not np.isfinite(logit).all():
        raise ValueError("a logit is not finite")
    if logit[positive].min() > 0 > logit[~positive].max():
        return 1.0
    signed = np.where(positive, logit, -logit)

    def log_loss(log_factor: float) -> float:
        return float(np.logaddexp(0.0, -math.exp(log_factor) * signed).mean())

    bound = math.log(20)
    best = optimize.minimize_scalar(log_loss, bounds=(-bound, bound), method="bounded").x
    # Six digits are far below the uncertainty and keep the manifest readable.
    return float(f"{math.exp(best):.6g}")
