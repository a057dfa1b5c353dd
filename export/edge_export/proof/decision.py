"""Threshold and uncertain band of a bundle, wide enough for all its graphs."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from scipy.special import expit, logit

from edge_export.graph.artefact import Floats
from edge_export.proof.parity import widest_difference
from edge_export.proof.threshold import ONE_HALF, Threshold
from edge_export.statistics.estimates import Bools, Estimate, proportion
from edge_runtime.bundle.records import Calibration, Decision, Uncertain
from edge_runtime.errors import ParityFailed

NARROWEST_BAND = 0.01
"""The least half width of the uncertain band, however little the graphs differ here.

Other engines and processors round differently; `tests/hardware` measures by how much.
"""
MOST_UNCERTAIN = 0.5
"""The largest share of the films that a bundle may call `uncertain`, unless its maker asks."""
_BAND_STEP = 1000  # the band's half width is rounded up to a thousandth


def covering_decision(
    calibration: Calibration, threshold: Threshold, probabilities: Mapping[str, Floats]
) -> Decision:
    """Return threshold and band; the band covers the differences seen between formats and engines.

    `probabilities` are keyed by artefact. Away from one half the band is as wide in logits as it
    would be there, because small probabilities differ by little. Every film on which two artefacts
    decide differently lies within the band.
    """
    widest = widest_difference(probabilities)
    half = min(ONE_HALF, max(NARROWEST_BAND, math.ceil(widest * _BAND_STEP) / _BAND_STEP))
    reach, middle = float(logit(ONE_HALF + half)), float(logit(threshold.value))
    stacked = np.stack(list(probabilities.values()))
    least, most = stacked.min(axis=0), stacked.max(axis=0)
    parted = (least < threshold.value) & (most >= threshold.value)
    low = min(float(expit(middle - reach)), float(least[parted].min(initial=1.0)))
    high = max(float(expit(middle + reach)), float(most[parted].max(initial=0.0)))
    return Decision(
        calibration=calibration,
        threshold=threshold.value,
        uncertain=Uncertain(
            low=min(threshold.value, round(low, 6)), high=max(threshold.value, round(high, 6))
        ),
        chosen=threshold.chosen,
    )


def is_uncertain(decision: Decision, probabilities: Floats) -> Bools:
    """Tell which of `(n,)` probabilities `decision` calls `uncertain`, as the clinic does."""
    band = decision.uncertain
    return (probabilities >= band.low) & (probabilities <= band.high) & (band.low < band.high)


def uncertain_share(decision: Decision, probabilities: Floats) -> Estimate:
    """Return the share of films `(n,)` that `decision` calls `uncertain`, as the clinic does."""
    return proportion(int(is_uncertain(decision, probabilities).sum()), len(probabilities))


def require_certain(
    subject: object, decision: Decision, share: Estimate, limit: float, cure: str
) -> None:
    """Refuse a bundle that calls more than `limit` of the films uncertain.

    Raises:
        ParityFailed: the `share` is above it.
    """
    if share.value <= limit:
        return
    band = decision.uncertain
    problem = (
        f"{share.value:.0%} of {share.n} films would be uncertain, those with a probability of "
        f"{band.low:g} to {band.high:g} (at most {limit:.0%})"
    )
    raise ParityFailed(subject, problem, f"{cure}; --max-uncertain 1 writes it nevertheless")
