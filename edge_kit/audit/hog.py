"""Histograms of oriented gradients: what a film looks like to a method of 2005.

Dalal and Triggs, CVPR 2005, with their unsigned gradients in nine orientations, the vote of each
pixel shared between the two nearest, and overlapping blocks of two by two cells in the norm that
they call L2-Hys. Votes are not shared between cells, which leaves edges of cells a little sharper.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge_export.films.pixels import FilmPixels
from edge_export.statistics.estimates import Floats

SIDE, CELL, ORIENTATIONS, BLOCK = 128, 16, 9, 2
CLIP = 0.2
"""The largest share of a block's norm that one orientation keeps."""

_SINGLE = np.float32
_LEAST = _SINGLE(1e-6)


def hog(pixels: FilmPixels) -> Floats:
    """Return `(n, 1764)` features of `(n, height, width, channels)` pixels.

    Films are resized to 128 x 128; of several channels the mean counts.
    """
    return np.array([_features(_small(film)) for film in pixels], np.float64)


def _small(film: NDArray[np.uint8]) -> NDArray[np.float32]:
    grey = film[..., 0] if film.shape[2] == 1 else film.mean(axis=2).astype(np.uint8)
    image = Image.fromarray(grey).resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(image, _SINGLE)


def _features(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    down, across = np.zeros_like(grey), np.zeros_like(grey)
    down[1:-1] = grey[2:] - grey[:-2]
    across[:, 1:-1] = grey[:, 2:] - grey[:, :-2]
    strength = np.hypot(down, across)
    turn = np.arctan2(down, across) % np.pi * (ORIENTATIONS / np.pi) - 0.5
    lower = np.floor(turn)
    upper = turn - lower  # the share of the vote of the next orientation
    cells = SIDE // CELL
    place = np.arange(SIDE) // CELL
    number = (place[:, None] * cells + place) * ORIENTATIONS
    votes = np.zeros(cells * cells * ORIENTATIONS)
    for step, share in ((0, 1 - upper), (1, upper)):
        orientation = (lower.astype(np.intp) + step) % ORIENTATIONS
        index = (number + orientation).ravel()
        votes += np.bincount(index, (strength * share).ravel(), len(votes))
    grid = votes.reshape(cells, cells, ORIENTATIONS).astype(_SINGLE)
    last = cells - BLOCK + 1
    blocks = [
        _normed(grid[i : i + BLOCK, j : j + BLOCK].ravel())
        for i in range(last)
        for j in range(last)
    ]
    return np.concatenate(blocks)


def _normed(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a block in L2-Hys: to length one, clipped, to length one again; an empty one as 0."""
    block = np.minimum(block / np.sqrt(block @ block + _LEAST), _SINGLE(CLIP))
    normed: NDArray[np.float32] = block / np.sqrt(block @ block + _LEAST)
    return normed
