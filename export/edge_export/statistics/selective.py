"""Selective answers: what share of the films is answered, and what share of those answers is wrong.

The risk-coverage curve of El-Yaniv and Wiener, J. Mach. Learn. Res. 11 (2010) 1605; Geifman and
El-Yaniv, NeurIPS 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_export.statistics.estimates import Bools, Estimate, Floats, proportion

MOST_POINTS = 200
"""Points of a curve; more are thinned out, evenly over the share answered."""


@dataclass(frozen=True, slots=True)
class SelectivePoint:
    """Of all films the share `answered`, and of these the share `wrong`; None where none is."""

    answered: Estimate
    wrong: Estimate | None


def selective_point(answered: Bools, right: Bools) -> SelectivePoint:
    """Return the point of films `(n,)`, of which some are answered, and of which some were right.

    Wilson's intervals, as if films were independent.

    Raises:
        ValueError: there are no films.
    """
    count = int(answered.sum())
    wrong = proportion(int((answered & ~right).sum()), count) if count else None
    return SelectivePoint(proportion(count, len(answered)), wrong)


def risk_coverage(certainty: Floats, right: Bools) -> tuple[SelectivePoint, ...]:
    """Return the curve of films `(n,)`, from the most certain ones alone to all of them.

    Films of equal certainty are answered together. A film's answer is the same all along the curve.

    Raises:
        ValueError: there are no films, or a certainty is not a number.
    """
    if not len(certainty) or np.isnan(certainty).any():
        raise ValueError(f"{len(certainty)} films, or a certainty that is no number")
    steps = np.unique(certainty)[::-1]
    if len(steps) > MOST_POINTS:
        steps = steps[np.unique(np.linspace(0, len(steps) - 1, MOST_POINTS).round().astype(int))]
    return tuple(selective_point(certainty >= step, right) for step in steps)
