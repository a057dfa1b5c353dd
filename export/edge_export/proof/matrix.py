"""All artefacts compared in pairs, film by film, to locate the step that causes a difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from edge_export.proof.parity import REFERENCE
from edge_export.quantize.recipe import FLOAT32
from edge_export.statistics.estimates import Floats

Place = Literal["conversion", "quantization", "kernel"]
FilePair = tuple[str, str]

# The largest difference in probability on any film that counts as rounding:
FLOAT_LIMIT = 1e-4
"""Between float graphs, in whatever format: the same sums in another order."""
KERNEL_LIMIT = 0.02
"""Between the two formats of one quantized graph: the same integers, so that only the rounding in
between differs. Seen: 0.004 with shared ranges, 0.27 where a kernel saturates."""
QUANTIZATION_LIMIT = 0.1
"""Between a float graph and the same one quantized. Int8 moved no film of 348 by more than 0.06, of
five networks; beyond this it is a range that clips or a layer that is lost."""

_ORDER: tuple[Place, ...] = ("conversion", "quantization", "kernel")


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two artefacts differ on the same films; differences are of probabilities."""

    flips: int
    largest_difference: float
    mean_difference: float


@dataclass(frozen=True, slots=True)
class GraphKind:
    """Recipe and format of the graph behind a row of the matrix."""

    recipe: str
    format: str


KERAS = GraphKind(FLOAT32.name, REFERENCE)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two artefacts one step apart that differ by more than that step explains."""

    place: Place
    pair: FilePair
    agreement: Agreement
    limit: float

    def __str__(self) -> str:
        agreement = self.agreement
        return (
            f"{self.place}: {self.pair[0]} and {self.pair[1]} differ by up to "
            f"{agreement.largest_difference:.2g} in probability (at most {self.limit:g}) "
            f"and in {agreement.flips} decisions"
        )


def parity_matrix(
    probabilities: Mapping[str, Floats], threshold: float
) -> dict[FilePair, Agreement]:
    """Return the agreement of each pair, in the order given, of probabilities `(n,)` by artefact.

    Raises:
        ValueError: no films, not the same number of films, or a number that is not finite.
    """
    for file, values in probabilities.items():
        if len(values) == 0 or not np.isfinite(values).all():
            raise ValueError(f"{file}: no answers, or one that is not finite")
    if len({len(values) for values in probabilities.values()}) > 1:
        raise ValueError("not all answers are to the same films")
    return {
        (first, second): _agreement(probabilities[first], probabilities[second], threshold)
        for first, second in combinations(probabilities, 2)
    }


def _agreement(first: Floats, second: Floats, threshold: float) -> Agreement:
    difference = np.abs(first - second)
    return Agreement(
        flips=int(((first >= threshold) != (second >= threshold)).sum()),
        largest_difference=float(difference.max()),
        mean_difference=float(difference.mean()),
    )


def locate(
    matrix: Mapping[FilePair, Agreement], kinds: Mapping[str, GraphKind]
) -> list[Disagreement]:
    """Return the pairs of artefacts, one step apart, that differ too much, in order of the steps.

    Pairs more than one step apart do not tell which step is to blame and are left out.

    Raises:
        KeyError: an artefact of the matrix has no kind.
    """
    disagreements = []
    for pair, agreement in matrix.items():
        first, second = kinds[pair[0]], kinds[pair[1]]
        place, limit = _step(first, second), _limit(first, second)
        if place and agreement.largest_difference > limit:
            disagreements.append(Disagreement(place, pair, agreement, limit))
    return sorted(disagreements, key=lambda disagreement: _ORDER.index(disagreement.place))


def _step(first: GraphKind, second: GraphKind) -> Place | None:
    """Return the step that lies between two kinds, if it is only one."""
    if first == second:
        return None
    if KERAS in (first, second):
        return "conversion" if first.recipe == second.recipe else None
    if first.recipe == second.recipe:
        return "kernel"
    same_format = first.format == second.format
    return "quantization" if same_format and FLOAT32.name in (first.recipe, second.recipe) else None


def _limit(first: GraphKind, second: GraphKind) -> float:
    if first.recipe != second.recipe:
        return QUANTIZATION_LIMIT
    return FLOAT_LIMIT if first.recipe == FLOAT32.name else KERNEL_LIMIT
