"""How well places are told apart by a network's features: a record of it, and its words."""

from __future__ import annotations

from dataclasses import dataclass

from edge_export.statistics.estimates import Estimate


@dataclass(frozen=True, slots=True)
class ToldApart:
    """How often a linear probe names the place of a film, of `names` places of a `kind`.

    Within each class, so that what tells the classes apart is of no help. `most_frequent` is how
    often the most frequent place of the other films of that class is right.
    """

    kind: str
    names: int
    accuracy: Estimate
    most_frequent: Estimate


def told_apart_words(found: tuple[ToldApart, ...] | str) -> list[str]:
    """Return in sentences what was found, or the reason why it is not known."""
    if isinstance(found, str):
        return [f"How well sources are told by the network's features is not known: {found}."]
    return [
        f"From the network's penultimate features a linear probe names the {one.kind} of a film, "
        f"among those of its class, in {one.accuracy} ({one.names} of them; the most frequent is "
        f"right in {one.most_frequent})."
        for one in found
    ]
