"""The out-of-distribution check: the threshold of the film logit, and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_export.films.film import Split
from edge_export.films.pixels import Pixels
from edge_export.statistics.estimates import Estimate, proportion
from edge_kit.film_branch.branch import film_logits
from edge_kit.film_branch.kinds import KINDS, Kind
from edge_kit.film_branch.negatives import as_seen, make_pictures
from edge_runtime.bundle.records import Preprocess

if TYPE_CHECKING:
    import keras

REFUSED_FILMS = 0.01
"""The largest share of the validation films that the threshold may refuse."""

ENOUGH = 0.9
"""A check that refuses a smaller share of its negatives is warned of."""
WEAK = "the out-of-distribution check refuses only"
"""How that warning begins."""
_WITHOUT = "--no-film-gate leaves it out"

MARGIN = 0.5
"""How far the threshold lies below the lowest accepted film logit.

It leaves room for what quantization does to logits: in three exports int8 moved those of 348
held-out films by 0.18, 0.24 and 0.68 at most, and no film changed sides.
"""


@dataclass(frozen=True, slots=True)
class Refused:
    """The shares that a threshold refuses: of a split's `films`, of each kind of `negatives`."""

    films: Estimate
    negatives: dict[str, Estimate]

    @property
    def of_negatives(self) -> Estimate:
        """The share of the negatives of all kinds."""
        refused = sum(round(share.value * share.n) for share in self.negatives.values())
        return proportion(refused, sum(share.n for share in self.negatives.values()))

    def __str__(self) -> str:
        worst = min(self.negatives, key=lambda kind: self.negatives[kind].value)
        every = self.of_negatives
        return (
            f"{self.films.value:.1%} of {self.films.n} films and {every.value:.1%} of {every.n} "
            f"pictures that are none (worst: {worst}, {self.negatives[worst].value:.1%})"
        )


@dataclass(frozen=True, slots=True)
class OutOfDistributionCheck:
    """The film logit below which a picture is refused, and the shares refused in each split."""

    threshold: float
    refused: dict[Split, Refused]


def weak(refused: Refused, modality: str) -> list[str]:
    """Return what has to be said where the check lets through too many negatives of pictures.

    Of films the kinds of negatives were chosen by what gets through; those of other pictures are
    drawn for want of better ones, and the branch may hardly tell them apart.
    """
    share = refused.of_negatives
    if modality != "other" or share.value >= ENOUGH:
        return []
    return [f"{WEAK} {share} of the negatives drawn for the test films; {_WITHOUT}"]


def film_threshold(logits: NDArray[np.float64]) -> float:
    """Return the threshold for validation films of these `logits`, `(n,)`.

    At most the share `REFUSED_FILMS` lies below it; the lowest accepted logit lies `MARGIN` above.
    It is never above zero, where the branch itself is undecided.
    """
    last = np.sort(logits)[int(REFUSED_FILMS * len(logits))]
    return round(min(0.0, float(last) - MARGIN), 3)


def measure(
    branch: keras.Model,
    threshold: float,
    films: Pixels,
    others: Pixels,
    *,
    preprocess: Preprocess,
    seed: int,
    kinds: Mapping[str, Kind] = KINDS,
) -> Refused:
    """Return the shares of `films`, of negatives made of them, and of `others` that are refused.

    All pixels are `(n, h, w, c)`, `stretched` and no more; of `others`, pictures of another
    modality, there may be none.
    """

    def refused(pixels: Pixels) -> Estimate:
        below = film_logits(branch, pixels) < threshold
        return proportion(int(below.sum()), len(below))

    negatives = {
        name: refused(make_pictures(films, [kind] * len(films), preprocess, seed))
        for name, kind in kinds.items()
    }
    if len(others):
        negatives["other_modality"] = refused(as_seen(others, preprocess))
    return Refused(refused(as_seen(films, preprocess)), negatives)
