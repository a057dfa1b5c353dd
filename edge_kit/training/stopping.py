"""When a training ends before its last epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edge_kit.models.recipe import EarlyStopping


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
