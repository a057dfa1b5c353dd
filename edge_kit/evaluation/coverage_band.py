"""Prediction sets as a threshold and one band of probabilities, which every runtime knows."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context

from edge_export.statistics.conformal import Ends
from edge_export.statistics.estimates import Floats
from edge_kit.evaluation.site_decision import engine_band
from edge_runtime.bundle.records import Calibration, Decision, Uncertain

_DIGITS = 6


def covering_band(ends: Ends, probability: Floats) -> Uncertain:
    """Return the closed band of all probabilities that do not leave one class alone.

    Above it lies the positive class alone, and below it the negative one. Its ends are rounded
    outwards to six digits, unless one of the films `(n,)` that is answered lay there: then they are
    exact. A band without width is none to the runtime; so it has at least that of one number where
    a film may lie on it.
    """
    low, high = ends.unsure()
    if low > high and ends.positive_from < 1:
        return Uncertain(low=ends.positive_from, high=ends.positive_from)
    low, high = min(low, high), max(low, high)  # a threshold of 1 cannot be written
    answered = probability[ends.answered(probability)]
    low, high = _short(low, ROUND_FLOOR, answered), _short(high, ROUND_CEILING, answered)
    if low == high:
        low, high = (math.nextafter(low, 0.0), high) if low else (low, math.nextafter(high, 1.0))
    return Uncertain(low=low, high=high)


def _short(edge: float, rounding: str, answered: Floats) -> float:
    """Return `edge` in six digits, or as it is where one of the films `answered` lies between."""
    short = float(Context(prec=_DIGITS, rounding=rounding).create_decimal_from_float(edge))
    low, high = min(short, edge), max(short, edge)
    return edge if ((answered >= low) & (answered <= high)).any() else short


def decision_within(band: Uncertain, calibration: Calibration, before: Decision) -> Decision:
    """Return a decision whose band is `band`, and no narrower than the engines' band was `before`.

    A wider band answers fewer films, and none of them otherwise. The threshold stays the same
    probability where the band has it, and is the band's middle elsewhere: whatever lies outside the
    band has its answer by either. It is said to be chosen only where it is the same logit.
    """
    inside = band.low <= before.threshold <= band.high
    threshold = before.threshold if inside else _middle(band)
    engines = engine_band(calibration, threshold, before)
    same = threshold == before.threshold and calibration == before.calibration
    return Decision(
        calibration=calibration,
        threshold=threshold,
        uncertain=Uncertain(low=min(band.low, engines.low), high=max(band.high, engines.high)),
        chosen=before.chosen if same else None,
    )


def _middle(band: Uncertain) -> float:
    """Return the middle of a band, in six digits where these lie in it."""
    middle = (band.low + band.high) / 2
    numbers = (float(f"{middle:.6g}"), middle, band.low, band.high)
    return next(value for value in numbers if band.low <= value <= band.high and 0 < value < 1)
