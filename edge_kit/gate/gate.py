"""From the film branch's logit to a gate: where it closes, and what it then keeps out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_export.films.film import Split
from edge_export.films.pixels import Pixels
from edge_export.statistics.estimates import Estimate, proportion
from edge_kit.gate.branch import film_logits
from edge_kit.gate.kinds import KINDS
from edge_kit.gate.negatives import made
from edge_runtime.bundle.records import Preprocess

if TYPE_CHECKING:
    import keras

REFUSED_FILMS = 0.01
"""The largest share of the validation films that the threshold may refuse."""

MARGIN = 0.5
"""How far the threshold lies below the last film let through, in logits.

For what quantization does to them: in three exports int8 moved the logit of 348 held-out films by
0.18, 0.24 and 0.68 at most, and took none to the other side.
"""


@dataclass(frozen=True, slots=True)
class Refused:
    """The share that a gate refuses, of the `films` of a split and of each kind of `negatives`."""

    films: Estimate
    negatives: dict[str, Estimate]

    def __str__(self) -> str:
        refused = sum(round(share.value * share.n) for share in self.negatives.values())
        total = sum(share.n for share in self.negatives.values())
        worst = min(self.negatives, key=lambda kind: self.negatives[kind].value)
        return (
            f"{self.films.value:.1%} of {self.films.n} films and {refused / total:.1%} of {total} "
            f"pictures that are none (worst: {worst}, {self.negatives[worst].value:.1%})"
        )


@dataclass(frozen=True, slots=True)
class Gate:
    """The film logit below which a picture is no film, and what that refuses of each split."""

    threshold: float
    refused: dict[Split, Refused]


def film_threshold(logits: NDArray[np.float64]) -> float:
    """Return the threshold for validation films of these `logits`, `(n,)`.

    At most `REFUSED_FILMS` of them lie below it, and the last one that does not by `MARGIN`. It is
    never above zero, where the branch itself is undecided.
    """
    last = np.sort(logits)[int(REFUSED_FILMS * len(logits))]
    return round(min(0.0, float(last) - MARGIN), 3)


def measure(
    branch: keras.Model,
    threshold: float,
    films: Pixels,
    others: Pixels,
    *,
    recipe: Preprocess,
    seed: int,
) -> Refused:
    """Return what `threshold` refuses of `films`, of what is made from them, and of `others`.

    All pixels are `(n, h, w, c)`; of `others`, pictures of another modality, there may be none.
    """

    def refused(pixels: Pixels) -> Estimate:
        below = film_logits(branch, pixels) < threshold
        return proportion(int(below.sum()), len(below))

    negatives = {
        name: refused(made(films, [kind] * len(films), recipe, seed))
        for name, kind in KINDS.items()
    }
    if len(others):
        negatives["other_modality"] = refused(others)
    return Refused(refused(films), negatives)
