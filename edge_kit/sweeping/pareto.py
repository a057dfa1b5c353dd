"""The Pareto front: what no other beats in everything."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)
Merits = tuple[float, ...]
"""The figures of one configuration, each turned so that more is better."""


def dominates(first: Merits, second: Merits) -> bool:
    """Tell whether `first` is nowhere worse than `second`, and somewhere better."""
    pairs = list(zip(first, second, strict=True))
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def dominated_by(merits: Mapping[Name, Merits]) -> dict[Name, Name | None]:
    """Return for each name the first that dominates it, None for those on the front.

    What has an unknown figure is not to be among them: it dominates nothing and is dominated by
    nothing.
    """
    return {
        name: next((other for other, more in merits.items() if dominates(more, own)), None)
        for name, own in merits.items()
    }
