"""What makes probabilities of a model's logits, fitted on validation films, and why that one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from edge_export.statistics.calibration import (
    at_bound,
    fit_platt,
    fit_temperature,
    logit_loss,
    separated,
)
from edge_export.statistics.estimates import Bools, Floats
from edge_runtime.bundle.records import Calibration
from edge_runtime.errors import DataError

AUTO, TEMPERATURE, PLATT, NONE = "auto", "temperature", "platt", "none"
CALIBRATIONS = (AUTO, TEMPERATURE, PLATT, NONE)
"""The ways that can be ordered, the default first."""
_FOLDS = 5
_SCALES = (0.003, 1000.0)  # a manifest holds no larger scale, nor the tolerance of a smaller one
_AS_GOOD = 1.01  # times the smallest log loss; other folds move it as much


@dataclass(frozen=True, slots=True)
class CalibrationFit:
    """A calibration, and in `note` what its user has to know of the fit; empty where it is sound.

    Where the temperature was given up, `factor` is the one that it found, and `losses` are
    the log losses by method on `n` validation films, each left out of its fit with its group; None
    where there are too few groups to leave any out.
    """

    calibration: Calibration
    note: str = ""
    factor: float | None = None
    losses: Mapping[str, float] | None = None
    n: int = 0


def fit_calibration(
    positive: Bools, logits: Floats, method: str, groups: Sequence[str] | None = None
) -> CalibrationFit:
    """Return the calibration that `method`, one of `CALIBRATIONS`, fits on films `(n,)`.

    `auto` takes the temperature where its search ends inside its bounds and there are films on both
    sides of one half. Otherwise it takes, of those that do not end at a bound, the one with the
    smallest log loss on films left out of the fit with their `groups` (by default each film is one
    of its own).

    Raises:
        DataError: the fit of a method that was asked for by name ends at a bound.
        ValueError: a logit is not finite, or a class is missing.
    """
    if method != AUTO:
        calibration = calibrate(positive, logits, method)
        if not _fits(positive, calibration, logits):
            problem = f"{method} ends at its bound, a factor of {calibration.scale:g} on the logits"
            raise DataError("--calibration", problem, "leave it out, and one that fits is taken")
        return CalibrationFit(calibration)
    temperature = calibrate(positive, logits, TEMPERATURE)
    # A temperature turns probabilities about one half, where it needs films on both sides.
    if at_bound(temperature.scale) or not logits.min() < 0 <= logits.max():
        return _best_of_all(positive, logits, temperature, groups)
    if separated(positive, logits):
        note = (
            "one half separates the validation films without error, where no temperature is best: "
            "probabilities are the model's own"
        )
        return CalibrationFit(calibrate(positive, logits, NONE), note)
    return CalibrationFit(temperature)


def calibrate(positive: Bools, logits: Floats, method: str) -> Calibration:
    """Return what `temperature`, `platt` or `none` fits on films `(n,)`, at a bound or not.

    Temperature moves no decision at a probability of one half; Platt's does, and is fitted to
    logits of any scale: where it ends at a bound, in units of their standard deviation.

    Raises:
        ValueError: a logit is not finite, or a class is missing.
    """
    scale, offset = 1.0, 0.0
    if method == PLATT:
        scale, offset = fit_platt(positive, logits)
        if at_bound(scale):
            scale, offset = _of_any_scale(positive, logits) or (scale, offset)
    elif method == TEMPERATURE:
        scale = fit_temperature(positive, logits)
    return Calibration(method=method, scale=scale, offset=offset)


def _best_of_all(
    positive: Bools, logits: Floats, temperature: Calibration, groups: Sequence[str] | None
) -> CalibrationFit:
    """Return the calibration that fits best on films left out of the fit, of those that do fit."""
    losses = held_out_losses(positive, logits, groups)
    others = [calibrate(positive, logits, method) for method in (PLATT, NONE)]
    fitting = [one for one in (temperature, *others) if _fits(positive, one, logits)]
    if losses:
        chosen = min(fitting, key=lambda one: losses[one.method])
        if fitting[0] is temperature and losses[TEMPERATURE] <= _AS_GOOD * losses[chosen.method]:
            chosen = temperature
        by_method = ", ".join(f"{method} {loss:.3g}" for method, loss in losses.items())
        shown = f"log loss on films left out of the fit: {by_method}, n {len(logits)}"
    else:
        chosen = next(one for one in (*others, temperature) if one in fitting)
        shown = "too few groups of films to leave any out of the fit"
    if chosen is temperature:
        return CalibrationFit(temperature)
    problem = "all validation films fall on one side of one half, which a temperature cannot mend"
    if at_bound(temperature.scale):
        problem = f"the temperature ends at its bound, a factor of {temperature.scale:.3g}"
    because = f"; {chosen.method} is taken instead"
    if others[0] not in fitting:
        because = ", and so does Platt's: probabilities stay the model's own"
    return CalibrationFit(
        chosen, f"{problem}{because} ({shown})", temperature.scale, losses, len(logits)
    )


def _of_any_scale(positive: Bools, logits: Floats) -> tuple[float, float] | None:
    """Return Platt's factor and offset, fitted in units of the logits' standard deviation.

    None where that ends at a bound too, or at a factor that a manifest does not hold.
    """
    if (unit := float(logits.std())) < 1e-9:
        return None
    factor, offset = fit_platt(positive, logits / unit)
    scale = float(f"{factor / unit:.6g}")
    least, most = _SCALES
    return (scale, offset) if not at_bound(factor) and least < scale < most else None


def _fits(positive: Bools, calibration: Calibration, logits: Floats) -> bool:
    """Tell whether the search for a calibration on `logits` `(n,)` ended inside its bounds."""
    if calibration.method == NONE or not at_bound(calibration.scale):
        return True
    # What was fitted in units of the logits lies beyond the bounds, and not on one.
    return calibration.method == PLATT and _of_any_scale(positive, logits) is not None


def held_out_losses(
    positive: Bools, logits: Floats, groups: Sequence[str] | None = None
) -> dict[str, float] | None:
    """Return the log loss of each method on films `(n,)` left out of its fit, in nats.

    Five parts of whole groups, or as many as there are groups of the rarer class; None where a
    class has one group, or a part holds all films of a class.
    """
    names = np.array(groups if groups is not None else range(len(logits)))
    parts = min(_FOLDS, *(len(np.unique(names[mask])) for mask in (positive, ~positive)))
    if parts < 2:
        return None
    fitted = {method: np.empty(len(logits)) for method in (TEMPERATURE, PLATT, NONE)}
    folds = StratifiedGroupKFold(parts, shuffle=True, random_state=0)
    for fitting, left_out in folds.split(names, positive, names):
        if len(np.unique(positive[fitting])) < 2:
            return None
        for method, values in fitted.items():
            made = calibrate(positive[fitting], logits[fitting], method)
            values[left_out] = made.scale * logits[left_out] + made.offset
    return {method: logit_loss(positive, values) for method, values in fitted.items()}
