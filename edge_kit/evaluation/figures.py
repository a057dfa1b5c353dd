"""The figures of one model on one set of films, each with its interval and its n."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.metrics import roc_curve

from edge_export.proof.parity import probabilities
from edge_export.statistics.calibration import (
    CalibrationError,
    CalibrationLine,
    calibration_error,
    calibration_line,
    reliability,
)
from edge_export.statistics.clustered import grouped_auc, grouped_proportion
from edge_export.statistics.estimates import (
    Bools,
    Estimate,
    Floats,
    Metrics,
    auc,
    evaluate,
    proportion,
)
from edge_export.statistics.utility import (
    NetBenefit,
    PredictiveValues,
    net_benefit,
    predictive_values,
)
from edge_kit.evaluation.evaluated import FilmOutcome
from edge_runtime.bundle.records import Decision
from edge_runtime.errors import DataError

PREVALENCES = (0.01, 0.05, 0.1, 0.2, 0.5)
"""Prevalences at which predictive values are given, unless others are asked for."""
BINS = 10
_THRESHOLDS = np.arange(1, 100) / 100


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts of the judged films by true class and decision."""

    true_positive: int
    false_negative: int
    false_positive: int
    true_negative: int


@dataclass(frozen=True, slots=True)
class Judged:
    """Films that got an answer: whether positive, calibrated logits and probabilities, all `(n,)`.

    `groups` are those of patients and near-duplicates, `uncertain` says which are in the band.
    """

    positive: Bools
    logits: Floats
    probability: Floats
    uncertain: Bools
    groups: tuple[str, ...]

    def only(self, mask: Bools) -> Judged:
        """Return the films of a mask `(n,)`."""
        groups = tuple(group for group, kept in zip(self.groups, mask, strict=True) if kept)
        return Judged(
            self.positive[mask], self.logits[mask], self.probability[mask], self.uncertain[mask],
            groups,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figures:
    """All that is measured on one set of films, at one threshold.

    `metrics` take films for independent of one another (DeLong, Wilson), `by_group` does not:
    their values are the same. Uncertain films count as decided at the threshold; refused ones are
    counted, and in no other figure. `line` is None where no slope is finite; `roc` has the shares
    of false and of true positives.
    """

    films: int
    groups: int
    positive: int
    negative: int
    threshold: float
    metrics: Metrics
    by_group: Metrics
    confusion: Confusion
    refused: Estimate
    refusals: Mapping[str, int]
    uncertain: Estimate
    predictive: tuple[PredictiveValues, ...]
    calibration: CalibrationError
    line: CalibrationLine | None
    reliability: tuple[tuple[float, Estimate], ...]
    roc: tuple[tuple[float, ...], tuple[float, ...]]
    net_benefit: tuple[NetBenefit, ...]


def judged(
    positive: Bools, groups: Sequence[str], outcomes: Sequence[FilmOutcome], decision: Decision
) -> Judged:
    """Return the films that have a logit, as `decision` answers for them."""
    kept = np.array([outcome.logit is not None for outcome in outcomes], np.bool_)
    raw = np.array([outcome.logit for outcome in outcomes if outcome.logit is not None], np.float64)
    band, probability = decision.uncertain, probabilities(raw, decision.calibration)
    within = (probability >= band.low) & (probability <= band.high)
    return Judged(
        positive=positive[kept],
        logits=decision.calibration.scale * raw + decision.calibration.offset,
        probability=probability,
        uncertain=within & np.bool_(band.low < band.high),
        groups=tuple(group for group, is_kept in zip(groups, kept, strict=True) if is_kept),
    )


def measure(
    films: Judged,
    outcomes: Sequence[FilmOutcome],
    decision: Decision,
    prevalences: Sequence[float] = PREVALENCES,
) -> Figures:
    """Return the figures of `films`, those of `outcomes` that were judged.

    Raises:
        DataError: fewer than two films of a class were judged; intervals need them.
    """
    cases, controls = int(films.positive.sum()), int((~films.positive).sum())
    if min(cases, controls) < 2:
        problem = f"{cases} positive and {controls} negative films were judged, 2 of each needed"
        raise DataError("data", problem, "add films")
    refusals = Counter(outcome.refusal for outcome in outcomes if outcome.logit is None)
    counts = confusion(films, decision.threshold)
    curve = roc_curve(films.positive, films.logits, drop_intermediate=True)
    return Figures(
        films=len(outcomes),
        groups=len(set(films.groups)),
        positive=cases,
        negative=controls,
        threshold=decision.threshold,
        metrics=metrics(films, decision.threshold),
        by_group=_by_group(films, decision.threshold),
        confusion=counts,
        refused=proportion(refusals.total(), len(outcomes)),
        refusals=dict(sorted(refusals.items())),
        uncertain=proportion(int(films.uncertain.sum()), len(films.positive)),
        predictive=tuple(
            predictive_values(
                (counts.true_positive, cases), (counts.true_negative, controls), prevalence
            )
            for prevalence in prevalences
        ),
        calibration=calibration_error(films.positive, films.probability, BINS),
        line=calibration_line(films.positive, films.logits),
        reliability=tuple(reliability(films.positive, films.probability, BINS)),
        roc=(tuple(curve[0].tolist()), tuple(curve[1].tolist())),
        net_benefit=tuple(
            net_benefit(films.positive, films.probability, float(threshold))
            for threshold in _THRESHOLDS
        ),
    )


def metrics(films: Judged, threshold: float) -> Metrics:
    """Return the metrics of `films`; the area is that of logits, which do not round to 1."""
    figures = evaluate(films.positive, films.probability, threshold)
    return replace(figures, auc=auc(films.positive, films.logits))


def _by_group(films: Judged, threshold: float) -> Metrics:
    decided, positive = films.probability >= threshold, films.positive
    groups = np.array(films.groups)
    return Metrics(
        accuracy=grouped_proportion(decided == positive, films.groups),
        sensitivity=grouped_proportion(decided[positive], groups[positive].tolist()),
        specificity=grouped_proportion(~decided[~positive], groups[~positive].tolist()),
        auc=grouped_auc(positive, films.logits, films.groups),
    )


def confusion(films: Judged, threshold: float) -> Confusion:
    """Return how many `films` of each class are on each side of the threshold."""
    decided, positive = films.probability >= threshold, films.positive
    return Confusion(
        true_positive=int((decided & positive).sum()),
        false_negative=int((~decided & positive).sum()),
        false_positive=int((decided & ~positive).sum()),
        true_negative=int((~decided & ~positive).sum()),
    )
