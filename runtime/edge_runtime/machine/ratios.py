"""Medians of measurements, and ratios that are taken within a round.

Absolute times of a busy machine mean little; what slows a round slows all that is measured in it.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of ratios, the middle half of them, and how many there were."""

    median: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
        """Return how `ours` compare with `theirs`, round by round."""
        ratios = [us / them for us, them in zip(ours, theirs, strict=True)]
        if len(ratios) == 1:
            return cls(ratios[0], ratios[0], ratios[0], 1)
        low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")
        return cls(median, low, high, len(ratios))

    def to_json(self) -> dict[str, float]:
        """Return the ratio as `json` writes it."""
        return {
            "median": round(self.median, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "n": self.n,
        }


def medians(runs: Sequence[Sequence[float | None]]) -> dict[str, float | None]:
    """Return the medians of `runs` [n, 3]: wall and processor time in ms, peak memory in MiB."""
    wall, cpu, peak = ([run[place] for run in runs] for place in range(3))
    return {"wall_ms": median(wall), "cpu_ms": median(cpu), "peak_mib": median(peak)}


def median(values: Sequence[float | None]) -> float | None:
    """Return the median of the values that are known, or None where none is."""
    known = [value for value in values if value is not None]
    return round(statistics.median(known), 2) if known else None


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the smallest value with at least `percent` per cent of them at or below it."""
    ordered = sorted(values)
    return round(ordered[-(-len(ordered) * percent // 100) - 1], 3)
