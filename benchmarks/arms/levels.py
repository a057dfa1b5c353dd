"""Changes of grey levels in place of local normalisation, as a processor in a clinic could do them.

Each takes films `(n, h, w, 1)` uint8 and the mean histogram `(256,)` of the training films.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_export.films.pixels import Pixels

_TILES, _CLIP = 4, 2.0
"""Of CLAHE: tiles along a side, and how often the mean a count of a histogram may be."""


def mean_histogram(pixels: Pixels) -> NDArray[np.float64]:
    """Return the share of each of the 256 levels in films of one size."""
    return np.bincount(pixels.ravel(), minlength=256) / pixels.size


def equalised(pixels: Pixels, histogram: NDArray[np.float64]) -> Pixels:
    """Return films in which all levels are equally frequent."""
    return _with_histogram(pixels, np.full_like(histogram, 1 / 256))


def matched(pixels: Pixels, histogram: NDArray[np.float64]) -> Pixels:
    """Return films with the training films' mean histogram."""
    return _with_histogram(pixels, histogram)


def _with_histogram(pixels: Pixels, histogram: NDArray[np.float64]) -> Pixels:
    target = np.cumsum(histogram)
    done = np.empty_like(pixels)
    for film, out in zip(pixels, done, strict=True):
        counts = mean_histogram(film)
        middle = np.cumsum(counts) - counts / 2  # half of a level lies below it
        out[:] = np.searchsorted(target, middle).clip(0, 255).astype(np.uint8)[film]
    return done


def clahe(pixels: Pixels, histogram: NDArray[np.float64]) -> Pixels:
    """Return films with contrast-limited adaptive histogram equalisation (Zuiderveld 1994)."""
    del histogram  # each film's own count
    return np.stack([_clahe(film[..., 0])[..., None] for film in pixels])


def _clahe(film: Pixels) -> Pixels:
    """Return each level mapped by the four tiles around it, weighed by how near they are."""
    tiles = [np.array_split(row, _TILES, axis=1) for row in np.array_split(film, _TILES, axis=0)]
    tables = np.array([[_table(tile) for tile in row] for row in tiles])
    (up, down, low), (left, right, beside) = (_between(side) for side in film.shape)
    low, beside = low[:, None], beside[None, :]
    above = (1 - beside) * tables[up[:, None], left, film] + beside * tables[
        up[:, None], right, film
    ]
    below = (1 - beside) * tables[down[:, None], left, film] + beside * tables[
        down[:, None], right, film
    ]
    mapped: Pixels = np.rint((1 - low) * above + low * below).astype(np.uint8)
    return mapped


def _table(tile: Pixels) -> NDArray[np.float64]:
    """Return what becomes of each level, by the tile's histogram with its peaks cut off."""
    counts = np.bincount(tile.ravel(), minlength=256).astype(float)
    most = max(1.0, _CLIP * tile.size / 256)
    cut = np.minimum(counts, most)
    cut += (tile.size - cut.sum()) / 256
    whole: NDArray[np.float64] = 255 * np.cumsum(cut) / tile.size
    return whole


def _between(side: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return for each pixel of a side the tiles before and after it, and how far it is on."""
    places = ((np.arange(side) + 0.5) * _TILES / side - 0.5).clip(0, _TILES - 1)
    before = places.astype(np.intp)
    return before, np.minimum(before + 1, _TILES - 1), places - before
