"""What decisions are worth where they are used: predictive values, and the decision curve."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edge_export.statistics.estimates import NORMAL_95, Bools, Estimate, Floats


@dataclass(frozen=True, slots=True)
class PredictiveValues:
    """How often a positive and a negative answer are right where `prevalence` are positive.

    It is `None` for an answer that was never given.
    """

    prevalence: float
    positive: Estimate | None
    negative: Estimate | None


def predictive_values(
    detected: tuple[int, int], cleared: tuple[int, int], prevalence: float
) -> PredictiveValues:
    """Return PPV and NPV at a known `prevalence`, for films that were not drawn by it.

    `detected` are the true positives and all positive films, `cleared` the true negatives and all
    negative ones. Logit intervals of Mercaldo, Lau and Zhou, Stat. Med. 26 (2007) 2170, eqs. 8 to
    11; with a count of 0 their adjusted ones, from half a squared quantile more in every cell.

    Raises:
        ValueError: a prevalence not between 0 and 1, or a class without films.
    """
    if not 0 < prevalence < 1:
        raise ValueError(f"a prevalence of {prevalence}")
    if min(detected[1], cleared[1]) < 1:
        raise ValueError("predictive values need films of both classes")
    sensitivity, specificity = detected[0] / detected[1], cleared[0] / cleared[1]
    n = detected[1] + cleared[1]
    ends = detected[0], detected[1] - detected[0], cleared[0], cleared[1] - cleared[0]
    more = NORMAL_95**2 / 2 if 0 in ends else 0.0
    cases, controls = detected[1] + 2 * more, cleared[1] + 2 * more
    sure, clear = (detected[0] + more) / cases, (cleared[0] + more) / controls
    odds = prevalence / (1 - prevalence)
    right = _share(sensitivity * odds, 1 - specificity)
    wrong = _share(specificity / odds, 1 - sensitivity)
    return PredictiveValues(
        prevalence,
        _interval(
            right, sure / (1 - clear) * odds, (1 - sure) / (sure * cases), clear, controls, n
        ),
        _interval(
            wrong, clear / (1 - sure) / odds, (1 - clear) / (clear * controls), sure, cases, n
        ),
    )


def _share(yes: float, no: float) -> float | None:
    """Return the share of `yes`, or None where both are 0: an answer that is never given."""
    return yes / (yes + no) if yes + no else None


def _interval(  # noqa: PLR0917, the terms of the formula in its order
    value: float | None, odds: float, first: float, second: float, trials: float, n: int
) -> Estimate | None:
    if value is None:
        return None
    margin = NORMAL_95 * math.sqrt(first + second / ((1 - second) * trials))
    low, high = (1 / (1 + math.exp(-math.log(odds) - sign * margin)) for sign in (-1, 1))
    return Estimate(value, min(value, low), max(value, high), n)


@dataclass(frozen=True, slots=True)
class NetBenefit:
    """What treating by the answer gains at one `threshold`, in true positives a film.

    `treat_all` is what treating everybody gains; treating nobody gains 0.
    """

    threshold: float
    model: Estimate
    treat_all: float


def net_benefit(positive: Bools, probability: Floats, threshold: float) -> NetBenefit:
    """Return the net benefit of treating where `probability >= threshold`, `(n,)` both.

    True positives less false ones times the odds of the threshold, as a share of all films:
    Vickers and Elkin, Med. Decis. Making 26 (2006) 565. It is a mean over films, hence its
    interval.

    Raises:
        ValueError: a threshold not between 0 and 1, or fewer than two films.
    """
    if not 0 < threshold < 1:
        raise ValueError(f"a threshold of {threshold}")
    if (n := len(positive)) < 2:
        raise ValueError("a net benefit with its interval needs two films")
    odds = threshold / (1 - threshold)
    treated = probability >= threshold
    gain = np.where(positive, 1.0, -odds)
    mine = np.where(treated, gain, 0.0)
    margin = NORMAL_95 * float(mine.std(ddof=1)) / math.sqrt(n)
    value = float(mine.mean())
    return NetBenefit(
        threshold, Estimate(value, value - margin, value + margin, n), float(gain.mean())
    )
