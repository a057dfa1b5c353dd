"""When a training ends before its last epoch, and which epoch is kept."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edge_kit.models.recipe import EarlyStopping, Keep


def has_stopped(losses: Sequence[float], rule: EarlyStopping | None) -> bool:
    """Tell whether `rule` ends a training with these validation `losses` by epoch.

    Counted as by Keras's callback of that name: a loss more than `min_delta` below the best one is
    the new best one; `patience` epochs without one are the end.
    """
    if rule is None:
        return False
    best, waited = math.inf, 0
    for loss in losses:
        waited += 1
        if loss + rule.min_delta < best:
            best, waited = loss, 0
    return waited >= rule.patience


def kept_epoch(losses: Sequence[float], keep: Keep) -> int:
    """Return the epoch, counted from 1, that is kept of those with these validation `losses`.

    The last, or the first of those with the lowest loss. Not the AUC, which is blind to a network
    that ranks films well and calls all of them one class.
    """
    return len(losses) if keep == "last" else losses.index(min(losses)) + 1
