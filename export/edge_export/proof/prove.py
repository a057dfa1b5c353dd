"""Put every artefact through the held-out films and hold it against Keras."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from edge_export.artefact import Artefact, Measured, measure
from edge_export.film import Split
from edge_export.graph.network import Network
from edge_export.pixels import Pixels, progress
from edge_export.proof.paired import PairedLoss, paired_loss
from edge_export.proof.parity import (
    REFERENCE,
    Bools,
    Budget,
    Comparison,
    Floats,
    compare_by_rows,
    failures,
    probabilities,
    widest_difference,
)
from edge_export.proof.statistics import fit_temperature
from edge_runtime.errors import DataError
from edge_runtime.manifest import Calibration, Decision, Uncertain

THRESHOLD = 0.5
_BATCH = 32
_NARROWEST_BAND = 0.01
_BAND_STEP = 1000  # the band's half width is rounded up to a thousandth


@dataclass(frozen=True, slots=True)
class Rows:
    """Held-out films: pixels `(n, h, w, c)` uint8, positive `(n,)` bool, split by film."""

    pixels: Pixels
    positive: Bools
    splits: Sequence[Split]


@dataclass(frozen=True, slots=True)
class Proof:
    """What was measured, what it decides, and every way in which it is over the budget.

    `comparisons` is keyed by artefact (Keras first), then by rows: `val`, `test`, `both`; `losses`
    by artefact, then `sensitivity` and `specificity`, on both rows together.
    """

    decision: Decision
    comparisons: Mapping[str, Mapping[str, Comparison]]
    sizes: Mapping[str, int]
    measured: Mapping[str, Measured]
    failures: Sequence[str]
    losses: Mapping[str, Mapping[str, PairedLoss]]


def prove(network: Network, artefacts: Sequence[Artefact], rows: Rows, budget: Budget) -> Proof:
    """Measure `artefacts` against the Keras `network` on `rows`.

    Raises:
        DataError: an answer is not finite, or the logits are not those of the model.
    """
    reference = reference_logits(network, rows.pixels)
    calibration = _calibration(reference, rows)
    expected = {REFERENCE: probabilities(reference, calibration)}
    measured = {artefact.file: measure(artefact, rows.pixels) for artefact in artefacts}
    found = {file: probabilities(one.logits, calibration) for file, one in measured.items()}
    comparisons = {
        file: compare_by_rows(expected[REFERENCE], one, rows.positive, rows.splits, THRESHOLD)
        for file, one in (expected | found).items()
    }
    return Proof(
        decision=_decision(calibration, widest_difference(expected | found)),
        comparisons=comparisons,
        sizes={artefact.file: len(artefact.graph) for artefact in artefacts},
        measured=measured,
        failures=[
            line
            for file, one in measured.items()
            for line in failures(file, one.logits, comparisons[file]["both"], budget)
        ],
        losses={
            file: _losses(expected[REFERENCE], one, rows.positive) for file, one in found.items()
        },
    )


def _losses(reference: Floats, candidate: Floats, positive: Bools) -> dict[str, PairedLoss]:
    """Return how much less often `candidate` probabilities decide right, by class."""
    right = [(scores >= THRESHOLD) == positive for scores in (reference, candidate)]
    return {
        name: paired_loss(right[0][mask], right[1][mask])
        for name, mask in (("sensitivity", positive), ("specificity", ~positive))
    }


def reference_logits(network: Network, pixels: Pixels) -> Floats:
    """Return the logits `(n,)` of Keras itself, after comparing them with the whole model's answer.

    Raises:
        DataError: not finite, or taking off the activation changed the answer.
    """
    black, white = np.float32(network.input_range.low), np.float32(network.input_range.high)
    logits, answer = np.empty(len(pixels)), np.empty(len(pixels))
    # In batches, for as floats all films at once take four times their memory, and more.
    batches = range(0, len(pixels), _BATCH)
    for start in progress(batches, len(batches), REFERENCE, "batch"):
        batch = slice(start, start + _BATCH)
        image = pixels[batch].astype(np.float32) * ((white - black) / 255) + black
        logits[batch] = network.logits.predict_on_batch(pixels[batch])[:, 0]
        answer[batch] = network.model.predict_on_batch(image)[:, -1]
    if not np.isfinite(logits).all():
        raise DataError(REFERENCE, "answers with numbers that are not finite", "train again")
    expected = expit(logits) if network.probability else logits
    if not np.allclose(answer, expected, rtol=1e-3, atol=1e-4):
        largest = float(np.abs(answer - expected).max())
        problem = f"its logit does not give back its answer (off by {largest:.3g})"
        raise DataError(REFERENCE, problem, "report this model's last layers to us")
    return logits


def _calibration(reference: Floats, rows: Rows) -> Calibration:
    """Fit the temperature on the validation rows; it moves no decision at one half."""
    validation = np.array(rows.splits) == "val"
    factor = fit_temperature(rows.positive[validation], reference[validation])
    return Calibration(method="temperature", scale=factor, offset=0.0)


def _decision(calibration: Calibration, widest: float) -> Decision:
    """Return threshold and band; the band covers what formats and engines were seen to differ."""
    half = max(_NARROWEST_BAND, math.ceil(widest * _BAND_STEP) / _BAND_STEP)
    low, high = max(0.0, THRESHOLD - half), min(1.0, THRESHOLD + half)
    return Decision(
        calibration=calibration,
        threshold=THRESHOLD,
        uncertain=Uncertain(low=round(low, 6), high=round(high, 6)),
    )
