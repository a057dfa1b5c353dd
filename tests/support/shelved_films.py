"""Films that are given out a few at a time, and count how many of them are asked for at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from edge_export.films.film import Film
from edge_export.films.pixels import FilmPixels, Pixels, load_pixels
from edge_runtime.bundle.records import Preprocess


class Shelf:
    """The films `pixels`; `largest` is how many were asked for at once, which never is all."""

    def __init__(self, pixels: Pixels) -> None:
        self._pixels, self.shape = pixels, pixels.shape
        self.largest = 0

    def __len__(self) -> int:
        return len(self._pixels)

    def __iter__(self) -> Iterator[Pixels]:
        return iter(self._pixels)

    def __getitem__(self, chosen: Any, /) -> Pixels:
        given: Pixels = self._pixels[chosen]
        self.largest = max(self.largest, len(given) if given.ndim == 4 else 1)
        return given

    def __array__(self, *_: Any) -> Pixels:
        raise AssertionError("all films are asked for at once")


class Shelves:
    """A reader whose films lie on shelves, but for those that calibrate."""

    def __init__(self) -> None:
        self.shelves: list[Shelf] = []

    @property
    def largest(self) -> int:
        """How many films were asked for at once, at most."""
        return max(shelf.largest for shelf in self.shelves)

    def read(self, films: Sequence[Film], preprocess: Preprocess) -> FilmPixels:
        """Return films on a shelf."""
        self.shelves.append(Shelf(load_pixels(films, preprocess)))
        return self.shelves[-1]

    def pixels(self, films: Sequence[Film], preprocess: Preprocess) -> Pixels:
        """Return training films in memory; nobody may ask for others."""
        assert {film.split for film in films} == {"train"}
        return load_pixels(films, preprocess)
