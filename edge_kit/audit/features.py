"""What a film shows beside the lungs: the size of its file, its grey levels, its outer cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge_export.films.film import Film
from edge_export.films.pixels import FilmPixels, Pixels, blocks
from edge_export.statistics.estimates import Floats
from edge_kit.data.dicom_header import dicom_size
from edge_runtime.errors import DataError

BINS = 64
GRID = 8
CENTRE = 0.8
"""The share of a film's height, and of its width, that its blacked-out centre takes.

A centred rectangle, as Maguolo and Nanni hid the lungs (Information Fusion 76 (2021) 1); with a
tenth left on each side it covers the lungs of nearly every frontal film.
"""
# Chosen by cross-validation within the training films of the X-rays at hand, never on test films.
INVERSE_PENALTY = 0.1
DESCRIPTION = {
    "fit": f"logistic regression on standardised features (L2, C = {INVERSE_PENALTY}), without a "
    "random draw",
    "size": "logarithms of width and height of the image file as stored, their difference (the "
    "aspect), and how far that is from a square",
    "grey_levels": f"of the preprocessed film: square roots of the shares of pixels in {BINS} bins "
    "of grey levels; mean, standard deviation, least and largest grey level of each of the "
    f"{4 * (GRID - 1)} outer cells of a grid of {GRID} x {GRID}, which are the four corners and "
    "the borders between them",
    "baseline": "histograms of oriented gradients (Dalal and Triggs, CVPR 2005) of the "
    "preprocessed film at 128 x 128: cells of 16 x 16, 9 orientations, blocks of 2 x 2; the same "
    "regression with C = 0.01",
    "centre": f"a centred rectangle of {CENTRE:.0%} of the height and of the width, black or the "
    "only part that is not",
}


def file_sizes(films: Sequence[Film]) -> Floats:
    """Return `(n, 4)` features of the sizes of the image files, no pixel of which is decoded.

    Raises:
        DataError: a film cannot be opened.
    """
    sizes = np.log([_size(film) for film in films]).reshape(len(films), 2)
    aspect = sizes[:, 0] - sizes[:, 1]
    return np.column_stack([sizes, aspect, np.abs(aspect)])


def _size(film: Film) -> tuple[int, int]:
    try:
        if size := dicom_size(film.path.read_bytes()):
            return size
        with Image.open(film.path) as image:
            return image.size
    except OSError as error:
        problem = f"cannot be opened ({error.strerror or 'no image'})"
        raise DataError(film.path, problem, "restore or remove this film") from error


def grey_levels(pixels: FilmPixels) -> Floats:
    """Return `(n, 64 + 4 * 28)` features of `(n, height, width, channels)` pixels.

    They are those of `DESCRIPTION`; of several channels, which are grey alike in a film, the mean.
    """
    return np.concatenate([_grey_levels(block) for block in blocks(pixels)])


def _grey_levels(pixels: Pixels) -> Floats:
    grey = pixels[..., 0] if pixels.shape[3] == 1 else pixels.mean(axis=3).astype(np.uint8)
    histograms = [np.bincount(film.ravel() // (256 // BINS), minlength=BINS) for film in grey]
    shares = np.array(histograms).reshape(-1, BINS) / grey[0].size
    cells = [cell.astype(np.float32) for cell in _outer_cells(grey)]
    figures = [f(cell, axis=(1, 2)) for cell in cells for f in (np.mean, np.std, np.min, np.max)]
    return np.column_stack([np.sqrt(shares), *figures]).astype(np.float64)


def _outer_cells(grey: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    rows, columns = (np.arange(GRID + 1) * side // GRID for side in grey.shape[1:])
    edge = (0, GRID - 1)
    return [
        grey[:, rows[i] : rows[i + 1], columns[j] : columns[j + 1]]
        for i in range(GRID)
        for j in range(GRID)
        if i in edge or j in edge
    ]


def without_centre(pixels: Pixels) -> Pixels:
    """Return a copy of `(n, height, width, channels)` pixels whose centre is black."""
    hidden = pixels.copy()
    hidden[_centre(pixels)] = 0
    return hidden


def only_centre(pixels: Pixels) -> Pixels:
    """Return a copy of `(n, height, width, channels)` pixels, black except for its centre."""
    shown = np.zeros_like(pixels)
    shown[_centre(pixels)] = pixels[_centre(pixels)]
    return shown


def _centre(pixels: Pixels) -> tuple[slice, slice, slice]:
    margins = [round(side * (1 - CENTRE) / 2) for side in pixels.shape[1:3]]
    down, across = (slice(margin, -margin) for margin in margins)
    return slice(None), down, across
