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
from edge_runtime.film.border import within_border
from edge_runtime.film.preprocess import middle, standard


class PreparedFilms:
    """Gives the pixels of films by what an arm says; each film is prepared once."""

    def __init__(self, arm: Arm, training: Sequence[Film], reader: FilmReader) -> None:
        """Prepare films for `arm`; `training` are those whose levels others are matched to."""
        self._arm, self._reader = arm, reader
        films = arm.preparation()
        fields = standard(films.side, films.side).to_json() | films.to_json()
        self._preprocess = Preprocess(**fields)
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
        return self._reader.pixels(films, self._preprocess)

    def _mask(self, path: Path) -> Pixels:
        height, width, _ = self.shape
        place = path.parents[2] / "masks" / f"{path.stem}.png"
        if not place.is_file():
            return np.full((height, width), 255, np.uint8)
        with Image.open(place) as opened:
            mask = opened.convert("L")
        if self._preprocess.trim is not None:
            with Image.open(path) as film:
                grey = film.convert("L")
            mask = mask.crop(within_border(grey, self._preprocess, self._preprocess.trim))
        box = middle(mask.size, self._preprocess.crop)
        return np.asarray(mask.resize((width, height), Image.Resampling.BILINEAR, box))
