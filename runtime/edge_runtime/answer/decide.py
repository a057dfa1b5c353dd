"""From a logit to an answer: calibration, threshold and the uncertain band of the manifest."""

from __future__ import annotations

import math

from edge_runtime.bundle.records import Decision, Uncertain
from edge_runtime.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edge_runtime.bundle.records import Calibration, Classes, FilmGate

UNCERTAIN = "uncertain"


def sigmoid(logit: float) -> float:
    """Return `1 / (1 + exp(-logit))`, without overflow for any finite logit."""
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    odds = math.exp(logit)
    return odds / (1 + odds)


def calibrated(logit: float, calibration: Calibration) -> float:
    """Return the calibrated probability of the positive class."""
    return sigmoid(calibration.scale * logit + calibration.offset)


def is_film(logit: float, gate: FilmGate) -> bool:
    """Tell whether a graph's second logit says that what it saw is a film."""
    return logit >= gate.threshold


def label(probability: float, decision: Decision, classes: Classes) -> str:
    """Return the class decided at the threshold, or `uncertain` within the band around it.

    The band is closed: a film on its edge is uncertain. Where the band has no width, nothing is.
    """
    band = decision.uncertain
    if band.low < band.high and band.low <= probability <= band.high:
        return UNCERTAIN
    return classes.positive if probability >= decision.threshold else classes.negative


def widened(decision: Decision, width: float) -> Decision:
    """Return `decision` with a band that reaches at least `width` to each side of the threshold.

    `width` is a difference in probability; the band stays within 0 to 1, and never gets narrower.

    Raises:
        UsageError: `width` is not from 0 to 0.5.
    """
    if not 0 <= width <= 0.5:  # written so that what is no number is refused
        raise UsageError("--band", f"{width} is not from 0 to 0.5", "give a probability")
    band = decision.uncertain
    wider = Uncertain(
        low=max(0.0, min(band.low, decision.threshold - width)),
        high=min(1.0, max(band.high, decision.threshold + width)),
    )
    return Decision(
        calibration=decision.calibration,
        threshold=decision.threshold,
        uncertain=wider,
        chosen=decision.chosen,
    )
