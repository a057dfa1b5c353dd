"""Which pairs of films may be copies of each other: films that share rare visual words.

Sivic and Zisserman, ICCV 2003: descriptors are rounded to the nearest of a few thousand words,
films are bags of words weighted by rarity, and only the nearest bags are compared in detail.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.neighbors import NearestNeighbors

from edge_kit.data.keypoints import MIRROR, Keypoints, comparable

NEAREST = 8
"""Number of nearest films that are compared with each film, and likewise with its mirror image."""
_WORDS = 4096
_ROWS = 8192  # 8192 x 4096 similarities are 134 MB


def candidates(films: Sequence[Keypoints], *, seed: int = 0) -> NDArray[np.intp]:
    """Return `(pairs, 3)`: the positions of two films, the lower first, and 1 for a mirror image.

    Words are descriptors drawn at random with `seed`; that was found to be enough.
    """
    none = np.empty((0, 3), np.intp)
    counts = [len(film.points) for film in films]
    if len(films) < 2 or not any(counts):
        return none
    every = np.concatenate([film.descriptors for film in films])
    chosen = np.random.default_rng(seed).permutation(len(every))[:_WORDS]
    words = comparable(every[chosen])
    upright = _bags(every, counts, words)
    # A mirrored film is to the words what the film is to mirrored words.
    mirrored = _bags(every, counts, words[:, MIRROR])
    weights = TfidfTransformer().fit(upright)
    index = NearestNeighbors(
        n_neighbors=min(NEAREST, len(films) - 1), metric="cosine", algorithm="brute"
    ).fit(weights.transform(upright))
    near = index.kneighbors(return_distance=False)
    turned = index.kneighbors(weights.transform(mirrored), return_distance=False)
    rows = [none]
    for flag, neighbours in enumerate((near, turned)):
        films_of = np.repeat(np.arange(len(films)), neighbours.shape[1])
        pairs = np.sort(np.stack([films_of, neighbours.ravel()], axis=1), axis=1)
        rows.append(np.insert(pairs, 2, flag, axis=1))
    both = np.concatenate(rows)
    return np.unique(both[both[:, 0] != both[:, 1]], axis=0)


def _bags(every: NDArray[np.uint8], counts: Sequence[int], words: NDArray[np.float32]) -> csr_array:
    """Return a matrix `(films, words)`: one where the film contains the word, else zero."""
    word = np.concatenate(
        [
            (comparable(every[start : start + _ROWS]) @ words.T).argmax(axis=1)
            for start in range(0, len(every), _ROWS)
        ]
    )
    cells = np.unique(np.stack([np.repeat(np.arange(len(counts)), counts), word]), axis=1)
    ones = np.ones(cells.shape[1], np.float32)
    return csr_array((ones, (cells[0], cells[1])), shape=(len(counts), len(words)))
