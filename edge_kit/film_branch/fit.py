"""The film branch of a run: trained on the training films, its check measured on the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from edge_export.films.film import HELD_OUT, Split
from edge_export.films.pixels import Pixels
from edge_kit.data.pixel_store import CachedPixels
from edge_kit.film_branch.branch import film_logits, fit_branch
from edge_kit.film_branch.kinds import kinds_of
from edge_kit.film_branch.negatives import as_seen
from edge_kit.film_branch.threshold import OutOfDistributionCheck, film_threshold, measure
from edge_runtime.bundle.records import Preprocess

if TYPE_CHECKING:
    import keras


def checked_branch(
    films: Mapping[Split, Pixels | CachedPixels],
    foreign: Mapping[Split, Pixels | CachedPixels],
    preprocess: Preprocess,
    modality: str,
    *,
    seed: int,
    say: Callable[[str], None],
) -> tuple[keras.Model, OutOfDistributionCheck]:
    """Return a branch for films of a modality, and its check; `say` gets lines while it trains.

    Pixels are `(n, h, w, c)` by split, `stretched` and no more; `foreign` are those of another
    modality, of which there may be none.

    Raises:
        DataError: a loss was not finite.
    """
    kinds = kinds_of(modality)
    others = {split: np.asarray(pixels) for split, pixels in foreign.items()}
    branch = fit_branch(films["train"], others["train"], preprocess, seed, kinds=kinds, say=say)
    held_out = {split: np.asarray(films[split]) for split in HELD_OUT}
    threshold = film_threshold(film_logits(branch, as_seen(held_out["val"], preprocess)))
    refused = {
        split: measure(
            *(branch, threshold, held_out[split], others[split]),
            preprocess=preprocess,
            seed=seed,
            kinds=kinds,
        )
        for split in HELD_OUT
    }
    check = OutOfDistributionCheck(threshold, refused)
    for split, shares in check.refused.items():
        say(f"out-of-distribution check: refuses {shares}, of the {split} split")
    return branch, check
