"""The films of an arm as a network gets them, and the lungs' masks of those that have one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from arms.arm import Arm
from arms.levels import mean_histogram
from edge_export.films.film import Film
from edge_export.films.pixels import Pixels
from edge_kit.data.reader import FilmReader
from edge_runtime.bundle.records import Preprocess
from edge_runtime.film.preprocess import film_pixels, middle, standard

_DARK, _MOST = 0.1, 0.25
"""Of the film's bright level, what a border is darker than; of a side, what is taken at most."""
_BRIGHT, _LETTERED = 99, 95
"""The percentile of a film that is its bright level; that of a border, above which are letters."""


class PreparedFilms:
    """Gives the pixels of films by what an arm says; each film is prepared once."""

    def __init__(self, arm: Arm, training: Sequence[Film], reader: FilmReader) -> None:
        """Prepare films for `arm`; `training` are those whose levels others are matched to."""
        self._arm, self._reader = arm, reader
        films = arm.preparation()
        fields = standard(films.side, films.side).to_json() | films.to_json()
        self._preprocess = Preprocess(**fields)
        self._held: dict[str, Pixels] = {}
        before = self._decoded(training)
        self._histogram: NDArray[np.float64] = mean_histogram(before)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a film."""
        return self._preprocess.height, self._preprocess.width, self._preprocess.channels

    def pixels(self, films: Sequence[Film]) -> Pixels:
        """Return the pixels `(n, height, width, 1)` of `films`."""
        decoded = self._decoded(films)
        return self._arm.levels(decoded, self._histogram) if self._arm.levels else decoded

    def masks(self, films: Sequence[Film]) -> Pixels:
        """Return the masks `(n, height, width, 1)`, 255 for lungs; all where a film has none."""
        return np.stack([self._mask(film.path) for film in films])[..., None]

    def _decoded(self, films: Sequence[Film]) -> Pixels:
        if not self._arm.trimmed:
            return self._reader.pixels(films, self._preprocess)
        for film in films:
            if film.sha256 not in self._held:
                with Image.open(film.path) as opened:
                    picture = opened.convert("L")
                data = film_pixels(picture.crop(within_borders(picture)), self._preprocess)
                self._held[film.sha256] = np.frombuffer(data, np.uint8).reshape(self.shape)
        return np.stack([self._held[film.sha256] for film in films])

    def _mask(self, path: Path) -> Pixels:
        height, width, _ = self.shape
        place = path.parents[2] / "masks" / f"{path.stem}.png"
        if not place.is_file():
            return np.full((height, width), 255, np.uint8)
        with Image.open(place) as opened:
            mask = opened.convert("L")
        if self._arm.trimmed:
            with Image.open(path) as film:
                mask = mask.crop(within_borders(film.convert("L")))
        box = middle(mask.size, self._preprocess.crop)
        return np.asarray(mask.resize((width, height), Image.Resampling.BILINEAR, box))


def within_borders(film: Image.Image) -> tuple[int, int, int, int]:
    """Return the box of a grey film without the rows and columns at its edges that stay dark."""
    levels = np.asarray(film)
    dark = _DARK * np.percentile(levels, _BRIGHT)
    top, bottom = _bright(np.percentile(levels, _LETTERED, axis=1) > dark)
    left, right = _bright(np.percentile(levels, _LETTERED, axis=0) > dark)
    return left, top, right, bottom


def _bright(bright: NDArray[np.bool_]) -> tuple[int, int]:
    """Return the first and one past the last bright line, at most a quarter of all from an end."""
    lines, most = np.flatnonzero(bright), int(_MOST * len(bright))
    if not len(lines):
        return 0, len(bright)
    return min(int(lines[0]), most), max(int(lines[-1]) + 1, len(bright) - most)
