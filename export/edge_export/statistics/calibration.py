"""Calibration: how far probabilities are from observed shares, and how they are fitted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize
from scipy.special import expit
from sklearn.metrics import brier_score_loss, log_loss

from edge_export.statistics.estimates import NORMAL_95, Bools, Estimate, Floats, proportion

LARGEST_FACTOR = 20.0
"""The search for a factor on the logits is kept from 1 / `LARGEST_FACTOR` to `LARGEST_FACTOR`."""
_NEARLY = 1e-3  # of the factor's logarithm: a search ends a little before its bound


@dataclass(frozen=True, slots=True)
class CalibrationError:
    """How far `n` probabilities are from the observed classes; 0 is best, in all three.

    `expected` is the mean distance between probability and share of positive films, bin by bin;
    `brier` the mean squared error of a probability; `log_loss` is in nats.
    """

    expected: float
    brier: float
    log_loss: float
    n: int


def calibration_error(positive: Bools, probability: Floats, bins: int = 10) -> CalibrationError:
    """Return how far probabilities `(n,)` are from the shares of positive films.

    The expected calibration error is over bins of equal mass (Naeini et al., AAAI 2015; equal
    mass: Nixon et al., CVPR Workshops 2019). Probabilities of 0 and 1 cost a finite log loss.

    Raises:
        ValueError: as `reliability` does.
    """
    curve = reliability(positive, probability, bins)
    distance = sum(observed.n * abs(observed.value - mean) for mean, observed in curve)
    labels, n = positive.astype(int), len(positive)
    return CalibrationError(
        expected=distance / n,
        brier=float(brier_score_loss(labels, probability, labels=[0, 1])),
        log_loss=float(log_loss(labels, probability, labels=[0, 1])),
        n=n,
    )


def reliability(positive: Bools, probability: Floats, bins: int) -> list[tuple[float, Estimate]]:
    """Return the mean probability and the observed share of positive films, for each bin.

    Bins of equal mass, their edges at the quantiles of the `(n,)` probabilities; equal
    probabilities share a bin, so that there may be fewer than `bins`.

    Raises:
        ValueError: no films, no bins, or a number that is no probability.
    """
    if len(positive) == 0 or bins < 1:
        raise ValueError(f"{bins} bins of {len(positive)} films")
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError("a probability is not between 0 and 1")
    # scikit-learn's calibration_curve has the same bins, but not the counts that an interval needs.
    edges = np.quantile(probability, np.linspace(0, 1, bins + 1)[1:-1])
    bin_of = np.searchsorted(edges, probability)
    masks = [bin_of == bin_number for bin_number in np.unique(bin_of)]
    return [
        (float(probability[mask].mean()), proportion(int(positive[mask].sum()), int(mask.sum())))
        for mask in masks
    ]


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
    if separated(positive, logit):
        return 1.0
    signed = np.where(positive, logit, -logit)

    def log_loss(log_factor: float) -> float:
        return float(np.logaddexp(0.0, -math.exp(log_factor) * signed).mean())

    bound = math.log(LARGEST_FACTOR)
    best = optimize.minimize_scalar(log_loss, bounds=(-bound, bound), method="bounded").x
    # Six digits are far below the uncertainty and keep the manifest readable.
    return float(f"{math.exp(best):.6g}")


def at_bound(factor: float) -> bool:
    """Tell whether a fitted `factor` lies at an end of its search, and so is no minimum."""
    return abs(math.log(factor)) > math.log(LARGEST_FACTOR) - _NEARLY


def separated(positive: Bools, logit: Floats) -> bool:
    """Tell whether every positive film has a logit above 0 and every negative one below it."""
    return bool(logit[positive].min() > 0 > logit[~positive].max())


def logit_loss(positive: Bools, logit: Floats) -> float:
    """Return the mean log loss, in nats, of the probabilities that the logits `(n,)` stand for."""
    return float(np.logaddexp(0.0, np.where(positive, -logit, logit)).mean())


def fit_platt(positive: Bools, logit: Floats) -> tuple[float, float]:
    """Return the factor and the offset on the logits that make probabilities of them.

    Platt, in Advances in Large Margin Classifiers (2000): a logistic regression on targets of
    `(n1 + 1) / (n1 + 2)` and `1 / (n0 + 2)` instead of 1 and 0, which is finite even where the
    classes are separated without error. The factor is kept between 1/20 and 20, so that the
    ranking stays.

    Raises:
        ValueError: a logit is not finite, or a class is missing.
    """
    cases = int(positive.sum())
    controls = len(positive) - cases
    if not np.isfinite(logit).all():
        raise ValueError("a logit is not finite")
    if not min(cases, controls):
        raise ValueError("a calibration needs films of both classes")
    target = np.where(positive, (cases + 1) / (cases + 2), 1 / (controls + 2))

    def loss(line: Floats) -> tuple[float, Floats]:
        slope, offset = line
        raw = slope * logit + offset
        residual = expit(raw) - target
        cost = np.logaddexp(0.0, raw) - target * raw
        return float(cost.mean()), np.array([(residual * logit).mean(), residual.mean()])

    best = optimize.minimize(
        loss, (1.0, 0.0), jac=True, method="L-BFGS-B",
        bounds=[(1 / LARGEST_FACTOR, LARGEST_FACTOR), (-1000, 1000)],
        options={"ftol": 1e-15, "gtol": 1e-10},
    )  # fmt: skip
    scale, offset = (float(f"{number:.6g}") for number in best.x)
    return scale, offset


@dataclass(frozen=True, slots=True)
class CalibrationLine:
    """How outcomes follow the logits of the probabilities: 1 and 0 where these are right.

    A `slope` under 1 is overconfidence; the `intercept` is with the slope held at 1 (calibration in
    the large): below 0, too many films were thought positive.
    """

    slope: Estimate
    intercept: Estimate


def calibration_line(positive: Bools, logit: Floats) -> CalibrationLine | None:
    """Return calibration slope and intercept with Wald's intervals, of calibrated logits `(n,)`.

    Cox, Biometrika 45 (1958) 562; Van Calster et al., BMC Med. 17 (2019) 230. None where the
    logits separate the classes without error, or are all alike: no slope is finite there.

    Raises:
        ValueError: a logit is not finite, or a class is missing.
    """
    if not np.isfinite(logit).all():
        raise ValueError("a logit is not finite")
    cases, controls = logit[positive], logit[~positive]
    if not min(len(cases), len(controls)):
        raise ValueError("a calibration needs films of both classes")
    if cases.min() >= controls.max() or cases.max() <= controls.min():
        return None
    n, ones = len(logit), np.ones((len(logit), 1))
    slope, slope_error = _logistic(np.column_stack([logit, ones]), positive, np.zeros(n))
    level, level_error = _logistic(ones, positive, logit)
    return CalibrationLine(
        slope=_wald(slope, slope_error, n), intercept=_wald(level, level_error, n)
    )


def _logistic(columns: Floats, positive: Bools, fixed: Floats) -> tuple[float, float]:
    """Return the first coefficient of a logistic regression, and its standard error.

    On `columns` `(n, k)` with `fixed` `(n,)` added; the likelihood's curvature gives the error.
    """
    scale = np.abs(columns).max(axis=0)
    columns = columns / scale  # or the search ends early where one is a hundred times the other

    def loss(line: Floats) -> tuple[float, Floats]:
        raw = columns @ line + fixed
        cost = np.logaddexp(0.0, raw) - positive * raw
        return float(cost.sum()), columns.T @ (expit(raw) - positive)

    def curvature(line: Floats) -> Floats:
        share = expit(columns @ line + fixed)
        hessian: Floats = (columns * (share * (1 - share))[:, None]).T @ columns
        return hessian

    best = optimize.minimize(
        loss, np.zeros(columns.shape[1]), jac=True, hess=curvature, method="trust-exact",
        options={"gtol": 1e-8},
    ).x  # fmt: skip
    variance = np.linalg.inv(curvature(best))[0, 0]
    return float(best[0] / scale[0]), math.sqrt(variance) / float(scale[0])


def _wald(value: float, error: float, n: int) -> Estimate:
    return Estimate(value, value - NORMAL_95 * error, value + NORMAL_95 * error, n)
