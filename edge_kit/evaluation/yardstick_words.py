"""The yardstick in plain words, for the terminal, the page and the document alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edge_export.words import counted
from edge_kit.evaluation.yardstick import Contrast, Places, Yardstick

LISTED = 6
"""Places that are named one by one; of more the lowest AUC alone is."""


def sentences(yardstick: Yardstick, positive: str, negative: str) -> list[str]:
    """Return what a yardstick says, of the classes `positive` and `negative`."""
    lines = [line for places in yardstick.places for line in _places(places, positive, negative)]
    return [*lines, *(line for one in yardstick.contrasts for line in _contrast(one, positive))]


def _places(places: Places, positive: str, negative: str) -> Iterator[str]:
    kind, many = places.kind, counted(2, places.kind).removeprefix("2 ")
    if places.mean is None:
        yield (
            f"No {kind} has two films of each class, so nothing here tells the classes from the "
            f"{many}{_left_out(places)}."
        )
    else:
        several = len(places.within) > 1
        over = f", mean of {len(places.within)}" if several else f" {next(iter(places.within))}"
        yield (
            f"AUC within {many if several else kind}{over}: {places.mean}; pairs of films of "
            f"different {many} do not count{_left_out(places)}."
        )
        if 1 < len(places.within) <= LISTED:
            listed = (f"{name} {area}" for name, area in places.within.items())
            yield f"Within each {kind}: {'; '.join(listed)}."
        elif several and (lowest := places.lowest):
            yield f"The lowest AUC within a {kind}: {lowest[1]}, {lowest[0]}."
    if worst := places.worst:
        label = positive if worst.positive else negative
        yield (
            f"Worst group by {kind}: {label} films of {worst.place}, of which {worst.share} are "
            "decided right."
        )


def _left_out(places: Places) -> str:
    reasons = [
        *([f"{counted(places.one_class, places.kind)} of one class"] if places.one_class else []),
        *([f"{counted(places.few, places.kind)} with one film of a class"] if places.few else []),
        *([f"{counted(places.unnamed, 'film')} of none stated"] if places.unnamed else []),
    ]
    if not reasons:
        return ""
    return f" ({places.counted} of {counted(places.films, 'film')} count: {_joined(reasons)})"


def _contrast(one: Contrast, positive: str) -> Iterator[str]:
    within = (
        f"within sources {one.within}"
        if one.within
        else "no source has two films of both, so this compares sources as well"
    )
    counts = f"{one.positive} against {one.negative}"
    yield f"{positive} against {one.against} ({counts}): AUC {one.auc}; {within}."


def _joined(parts: Sequence[str]) -> str:
    return " and ".join(parts) if len(parts) < 3 else f"{', '.join(parts[:-1])} and {parts[-1]}"
