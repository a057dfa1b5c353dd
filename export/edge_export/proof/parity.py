"""Does the small graph decide like the reference model? Every artefact against Keras.

Compared film by film, by flips and the largest difference, in the engines that a clinic runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge_export.films.film import Split
from edge_export.statistics.estimates import Bools, Floats, Metrics, evaluate
from edge_runtime.answer.decide import calibrated
from edge_runtime.bundle.records import Calibration

REFERENCE = "keras"
FILM_SETS = ("val", "test", "both")
"""The sets of held-out films that metrics are given for; `both` is the other two together."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much may be lost: share of flipped decisions, difference in AUC, and a margin.

    The `margin` is the loss of sensitivity or of specificity that would matter, as a share of a
    class; the two others hold for the films seen, whatever chance had to do with it.
    """

    flips: float = 0.01
    auc: float = 0.005
    margin: float = 0.02


@dataclass(frozen=True, slots=True)
class Comparison:
    """One artefact against Keras on one set of films; differences are of probabilities."""

    n: int
    metrics: Metrics
    flips: int
    largest_difference: float
    mean_difference: float
    auc_difference: float


def probabilities(logits: Floats, calibration: Calibration) -> Floats:
    """Return the calibrated probabilities of `(n,)` logits, computed as the clinic does."""
    return np.array([calibrated(float(logit), calibration) for logit in logits])


def compare(reference: Floats, candidate: Floats, positive: Bools, threshold: float) -> Comparison:
    """Return how `candidate` probabilities `(n,)` differ from those of the `reference`."""
    difference = np.abs(candidate - reference)
    metrics = evaluate(positive, candidate, threshold)
    return Comparison(
        n=len(positive),
        metrics=metrics,
        flips=int(((candidate >= threshold) != (reference >= threshold)).sum()),
        largest_difference=float(difference.max()),
        mean_difference=float(difference.mean()),
        auc_difference=metrics.auc.value - evaluate(positive, reference, threshold).auc.value,
    )


def compare_by_set(
    reference: Floats,
    candidate: Floats,
    positive: Bools,
    splits: Sequence[Split],
    threshold: float,
) -> dict[str, Comparison]:
    """Return `compare` for the validation films, the test films and both together."""
    split = np.array(splits)
    masks = {"val": split == "val", "test": split == "test", "both": split != "train"}
    return {
        name: compare(reference[mask], candidate[mask], positive[mask], threshold)
        for name, mask in masks.items()
    }


def widest_difference(candidates: Mapping[str, Floats]) -> float:
    """Return the largest difference of probability between any two candidates on any film."""
    stacked = np.stack(list(candidates.values()))
    return float((stacked.max(axis=0) - stacked.min(axis=0)).max())
