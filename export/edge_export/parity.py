"""Does the small graph decide like the big one? Every artefact against Keras, film by film.

Judged on the worst case and on flips, through the engines that a clinic runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from edge_export.film import Split
from edge_export.pixels import Pixels, progress
from edge_export.statistics import Metrics, evaluate
from edge_runtime.decide import calibrated
from edge_runtime.engines import first_engine
from edge_runtime.errors import DataError
from edge_runtime.manifest import Calibration

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

REFERENCE = "keras"
ROWS = ("val", "test", "both")


@dataclass(frozen=True, slots=True)
class Artefact:
    """One graph to be proved: its file name in the bundle, its format and its bytes."""

    file: str
    format: str
    recipe: str
    graph: bytes


@dataclass(frozen=True, slots=True)
class Measured:
    """The logits `(n,)` that an artefact gave, and the median milliseconds of one film."""

    logits: Floats
    milliseconds: float
    engine: str


@dataclass(frozen=True, slots=True)
class Budget:
    """How much may be lost: share of flipped decisions, and difference in AUC."""

    flips: float = 0.01
    auc: float = 0.005


@dataclass(frozen=True, slots=True)
class Comparison:
    """One artefact against Keras on one set of rows; differences are of probabilities."""

    n: int
    metrics: Metrics
    flips: int
    largest_difference: float
    mean_difference: float
    auc_difference: float


def measure(artefact: Artefact, pixels: Pixels) -> Measured:
    """Run `artefact` on `(n, h, w, c)` pixels, one thread, one film at a time.

    Raises:
        DataError: an answer is not finite.
        NoEngine: nothing on this machine runs the graph.
    """
    # A copy, because engines want memory they may write to.
    graphs = {artefact.format: memoryview(bytearray(artefact.graph))}
    engine = first_engine(graphs.get, (1, *pixels.shape[1:]), artefact.file)
    logits, seconds = np.empty(len(pixels)), np.empty(len(pixels))
    for index, film in enumerate(progress(pixels, len(pixels), artefact.file, "film")):
        encoded = film.tobytes()
        started = perf_counter()
        logits[index] = engine.logits(encoded)[0]
        seconds[index] = perf_counter() - started
    if not np.isfinite(logits).all():
        raise DataError(artefact.file, "answers with numbers that are not finite", "train again")
    return Measured(logits, 1000 * float(np.median(seconds)), engine.name)


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


def compare_by_rows(
    reference: Floats,
    candidate: Floats,
    positive: Bools,
    splits: Sequence[Split],
    threshold: float,
) -> dict[str, Comparison]:
    """Return `compare` for the validation rows, the test rows and both together."""
    split = np.array(splits)
    masks = {"val": split == "val", "test": split == "test", "both": split != "train"}
    return {
        rows: compare(reference[mask], candidate[mask], positive[mask], threshold)
        for rows, mask in masks.items()
    }


def failures(file: str, logits: Floats, both: Comparison, budget: Budget) -> list[str]:
    """Return a line for each way in which an artefact is over `budget` on all its rows."""
    lines = []
    if np.ptp(logits) == 0:
        lines.append(f"{file} answers {logits[0]:g} whatever the film")
    if both.flips > budget.flips * both.n:
        share = f"{both.flips / both.n:.1%}, at most {budget.flips:.1%}"
        lines.append(f"{file} flips {both.flips} of {both.n} decisions ({share})")
    if abs(both.auc_difference) > budget.auc:
        lines.append(f"{file} moves the AUC by {both.auc_difference:+.4f} (at most {budget.auc:g})")
    return lines


def widest_difference(candidates: Mapping[str, Floats]) -> float:
    """Return the largest difference of probability between any two candidates on any film."""
    stacked = np.stack(list(candidates.values()))
    return float((stacked.max(axis=0) - stacked.min(axis=0)).max())
