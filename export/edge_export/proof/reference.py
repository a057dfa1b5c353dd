"""Keras's own logits of the held-out films, with calibration and threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from edge_export.films.film import Split
from edge_export.films.pixels import FilmPixels, progress
from edge_export.graph.artefact import Floats
from edge_export.graph.network import Network, predicted
from edge_export.proof.calibration import CALIBRATIONS, CalibrationFit, fit_calibration
from edge_export.proof.parity import REFERENCE, probabilities
from edge_export.proof.threshold import Rule, Threshold, choose_threshold
from edge_export.quiet import one_line
from edge_export.statistics.estimates import Bools
from edge_runtime.bundle.records import Calibration, FilmGate
from edge_runtime.errors import DataError

_BATCH = 32
MOST_LOGIT = 1e6
"""The largest logit of a golden film that a manifest holds."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Held-out films: pixels `(n, h, w, c)` uint8, and by film: positive, split and digest.

    `classes` names the negative and the positive class. `groups` are the films' groups; where there
    are none, each film is one of its own.
    """

    pixels: FilmPixels
    positive: Bools
    splits: Sequence[Split]
    digests: Sequence[str]
    classes: tuple[str, str]
    groups: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """Keras's logits `(n,)` of the held-out films, and calibration and threshold of decisions.

    `film_logits` `(n,)` are those of its film branch, compared with the threshold of `film_gate`;
    there are both or neither. `fit` tells how the calibration came about, and `unchosen` why the
    rule for the threshold, which is one half then, found none.
    """

    logits: Floats
    calibration: Calibration
    film_logits: Floats | None = None
    film_gate: FilmGate | None = None
    threshold: Threshold = field(default_factory=Threshold)
    fit: CalibrationFit | None = None
    unchosen: DataError | None = None

    @property
    def notes(self) -> list[str]:
        """What is to be said of the calibration of probabilities."""
        return [self.fit.note] if self.fit and self.fit.note else []


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
        DataError: as `reference_outputs` and `fit_calibration` do.
    """
    outputs = reference_outputs(network, held_out.pixels)
    logits, film_logits = outputs[:, 0], None if film_gate is None else outputs[:, 1]
    validation = np.array(held_out.splits) == "val"
    positive = held_out.positive[validation]
    groups = np.array(held_out.groups)[validation].tolist() if held_out.groups else None
    fit = fit_calibration(positive, logits[validation], method, groups)
    calibration = fit.calibration
    threshold, unchosen = Threshold(), None
    try:
        threshold = choose_threshold(positive, probabilities(logits[validation], calibration), rule)
    except DataError as error:  # of a constant model, for instance, which is the fault to name
        unchosen = error
    return Reference(logits, calibration, film_logits, film_gate, threshold, fit, unchosen)


@one_line(REFERENCE, "TensorFlow cannot run it", "train or save it again")
def reference_outputs(network: Network, pixels: FilmPixels) -> Floats:
    """Return what Keras itself gives, `(n, outputs)`, compared with the whole model's answer.

    Raises:
        DataError: not finite, or taking off the activation changed the answer.
    """
    shape = (len(pixels), len(network.logits.outputs))
    logits, answer = np.empty(shape), np.empty(shape)
    # In batches: as floats, all films at once would take more than four times their memory.
    batches = range(0, len(pixels), _BATCH)
    for start in progress(batches, len(batches), REFERENCE, "batch"):
        batch = slice(start, start + _BATCH)
        image = network.input_range.images(pixels[batch])
        # Of two classes the second; every other output has one column.
        logits[batch] = _last_columns(predicted(network.logits, pixels[batch]))
        answer[batch] = _last_columns(predicted(network.model, image))
    if not np.isfinite(logits).all():
        raise DataError(REFERENCE, "answers with numbers that are not finite", "train again")
    if np.abs(logits).max() > MOST_LOGIT:
        problem = f"answers a logit of {np.abs(logits).max():.3g}, a bundle holds {MOST_LOGIT:g}"
        raise DataError(REFERENCE, problem, "train again, with a smaller learning rate")
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
