"""Replace a network of three channels by one of a single channel where all films are grey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edge_export.description import BundleDescription
from edge_export.films.film import Film
from edge_export.films.pixels import Decoder, FilmPixels, PixelReader, blocks
from edge_export.graph.grey import fold_grey
from edge_export.graph.input_transform import ChannelTransform, InputTransform
from edge_export.graph.network import network
from edge_export.proof.reference import reference_outputs
from edge_export.statistics.estimates import Bools
from edge_runtime.bundle.records import Preprocess
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import keras

# As a share of the largest logit; sums of three products in another order differ by less.
_TOLERANCE = 1e-5


def fold(
    model: keras.Model,
    films: Sequence[Film],
    description: BundleDescription,
    transform: InputTransform,
    reader: PixelReader | None = None,
) -> tuple[keras.Model, BundleDescription, InputTransform]:
    """Return `model` for one channel of pixels, its description and its `transform`.

    Both are proved to be equal: every film must be grey, so that its pixels with one channel equal
    each of the three channels, and the folded network has to give the same logits. Where the
    channels are treated alike, the first convolution is summed over them; else the transform
    repeats the one channel, each time with the factor and the offset of another.

    Raises:
        DataError: a film is not grey, the first convolution cannot be folded, or a logit differs.
    """
    colour = description.preprocess
    grey = Preprocess(**{**colour.to_json(), "channels": 1})
    reader = reader or Decoder()
    seen, grey_pixels = reader.read(films, colour), reader.read(films, grey)
    coloured = np.flatnonzero(_differing(seen, grey_pixels))
    if len(coloured):
        problem = f"{len(coloured)} of {len(films)} films are not grey, so nothing can be folded"
        raise DataError(films[coloured[0]].path, problem, "leave --fold-grey out")
    folded, after_folding = model, transform
    if isinstance(transform, ChannelTransform):
        after_folding = transform.of_grey()
    else:
        folded = fold_grey(model)
    before = reference_outputs(network(model, transform), seen)
    after = reference_outputs(network(folded, after_folding), grey_pixels)
    off = float(np.abs(after - before).max() / max(1.0, float(np.abs(before).max())))
    if off > _TOLERANCE:
        problem = f"folded to one channel it answers otherwise, by {off:.2g} of a logit"
        raise DataError(model.name, problem, "leave --fold-grey out")
    return folded, replace(description, preprocess=grey), after_folding


def _differing(seen: FilmPixels, grey: FilmPixels) -> Bools:
    """Return `(n,)` whether any channel of a film in colour differs from the film in grey."""
    parts, start = list[Bools](), 0
    for block in blocks(seen):
        one = np.asarray(grey[start : start + len(block)])
        parts.append((block != one).any(axis=(1, 2, 3)))
        start += len(block)
    return np.concatenate(parts)
