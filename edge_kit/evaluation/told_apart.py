"""How well places are told apart by a network's features: a record of it, and its words."""

from __future__ import annotations

from dataclasses import dataclass

from edge_export.statistics.estimates import Estimate


@dataclass(frozen=True, slots=True)
class ToldApart:
    """How often a linear probe names the place of a film, of `names` places of a `kind`.

    Within each class, so that what tells the classes apart is of no help. `right` is the mean over
    places, so that a frequent one weighs no more than a rare one; whoever guesses has `chance`.
    """

    kind: str
    names: int
    right: Estimate
    chance: float


def told_apart_words(found: tuple[ToldApart, ...] | str) -> list[str]:
    """Return in sentences what was found, or the reason why it is not known."""
    if isinstance(found, str):
        return [f"How well sources are told by the network's features is not known: {found}."]
    return [
        f"From the network's penultimate features a linear probe names the {one.kind} of a film, "
        f"among those of its class, in {one.right} (the mean over {one.names} of them; guessing is "
        f"right in {one.chance:.3f})."
        for one in found
    ]
