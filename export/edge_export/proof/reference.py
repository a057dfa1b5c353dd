"""Keras's own logits of the held-out films, with calibration and threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from edge_export.films.film import Split
from edge_export.films.pixels import Pixels, progress
from edge_export.graph.artefact import Floats
from edge_export.graph.network import Network, predicted
from edge_export.proof.parity import REFERENCE, probabilities
from edge_export.proof.threshold import Rule, Threshold, choose_threshold
from edge_export.quiet import one_line
from edge_export.statistics.calibration import fit_platt, fit_temperature
from edge_export.statistics.estimates import Bools
from edge_runtime.bundle.records import Calibration, FilmGate
from edge_runtime.errors import DataError

CALIBRATIONS = ("temperature", "platt")
_BATCH = 32


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Held-out films: pixels `(n, h, w, c)` uint8, and by film: positive, split and digest.

    `classes` names the negative and the positive class.
    """

    pixels: Pixels
    positive: Bools
    splits: Sequence[Split]
    digests: Sequence[str]
    classes: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Reference:
    """Keras's logits `(n,)` of the held-out films, and calibration and threshold of decisions.

    `film_logits` `(n,)` are those of its film branch, compared with the threshold of `film_gate`;
    there are both or neither.
    """

    logits: Floats
    calibration: Calibration
    film_logits: Floats | None = None
    film_gate: FilmGate | None = None
    threshold: Threshold = field(default_factory=Threshold)


def refer(
    network: Network,
    held_out: HeldOut,
    film_gate: FilmGate | None = None,
    *,
    method: str = CALIBRATIONS[0],
    rule: Rule | None = None,
) -> Reference:
    """Return what Keras answers to `held_out`, calibrated on the validation films among them.

    By one of `CALIBRATIONS`; the same films choose the threshold, if there is a `rule`. A network
    with a film / not-film branch has a `film_gate`, any other none.

    Raises:
        DataError: as `reference_outputs` and `choose_threshold` do.
    """
    outputs = reference_outputs(network, held_out.pixels)
    logits, film_logits = outputs[:, 0], None if film_gate is None else outputs[:, 1]
    validation = np.array(held_out.splits) == "val"
    positive = held_out.positive[validation]
    calibration = calibrate(positive, logits[validation], method)
    threshold = choose_threshold(positive, probabilities(logits[validation], calibration), rule)
    return Reference(logits, calibration, film_logits, film_gate, threshold)


def calibrate(positive: Bools, logits: Floats, method: str) -> Calibration:
    """Return the calibration that `method`, one of `CALIBRATIONS`, fits on films `(n,)`.

    Temperature moves no decision at a probability of one half; Platt's does.

    Raises:
        ValueError: a logit is not finite, or a class is missing.
    """
    if method == "platt":
        scale, offset = fit_platt(positive, logits)
    else:
        scale, offset = fit_temperature(positive, logits), 0.0
    return Calibration(method=method, scale=scale, offset=offset)


@one_line(REFERENCE, "TensorFlow cannot run it", "train or save it again")
def reference_outputs(network: Network, pixels: Pixels) -> Floats:
    """Return what Keras itself gives, `(n, outputs)`, compared with the whole model's answer.

    Raises:
        DataError: not finite, or taking off the activation changed the answer.
    """
    black, white = np.float32(network.input_range.low), np.float32(network.input_range.high)
    shape = (len(pixels), len(network.logits.outputs))
    logits, answer = np.empty(shape), np.empty(shape)
    # In batches: as floats, all films at once would take more than four times their memory.
    batches = range(0, len(pixels), _BATCH)
    for start in progress(batches, len(batches), REFERENCE, "batch"):
        batch = slice(start, start + _BATCH)
        image = pixels[batch].astype(np.float32) * ((white - black) / 255) + black
        # Of two classes the second; every other output has one column.
        logits[batch] = _last_columns(predicted(network.logits, pixels[batch]))
        answer[batch] = _last_columns(predicted(network.model, image))
    if not np.isfinite(logits).all():
        raise DataError(REFERENCE, "answers with numbers that are not finite", "train again")
    expected = logits.copy()
    if network.probability:
        expected[:, 0] = expit(logits[:, 0])
    if not np.allclose(answer, expected, rtol=1e-3, atol=1e-4):
        largest = float(np.abs(answer - expected).max())
        problem = f"its logit does not give back its answer (off by {largest:.3g})"
        raise DataError(REFERENCE, problem, "report this model's last layers to us")
    return logits


def _last_columns(outputs: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.stack([output[:, -1] for output in outputs], axis=1)
