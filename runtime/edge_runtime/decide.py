"""From a logit to an answer: calibration, threshold and the uncertain band of the manifest."""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edge_runtime.manifest import Calibration, Classes, Decision

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


def label(probability: float, decision: Decision, classes: Classes) -> str:
    """Return the class decided at the threshold, or `uncertain` within the band around it.

    The band is closed: a film on its edge is uncertain. Where the band has no width, nothing is.
    """
    band = decision.uncertain
    if band.low < band.high and band.low <= probability <= band.high:
        return UNCERTAIN
    return classes.positive if probability >= decision.threshold else classes.negative
