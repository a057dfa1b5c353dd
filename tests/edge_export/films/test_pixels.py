"""Exporter and runtime make the same pixels of a film."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_export.films.film import Film
from edge_export.films.pixels import Pixels, load_pixels
from edge_runtime.errors import DataError
from edge_runtime.film.preprocess import film_pixels, standard
from tiny_network import RECIPE


def test_films_become_the_runtimes_own_pixels_in_their_order(
    films: list[Film], pixels: Pixels
) -> None:
    assert pixels.shape == (len(films), 64, 64, 1)
    assert pixels.dtype == np.uint8
    for film, found in zip(films, pixels, strict=True):
        assert found.tobytes() == film_pixels(film.path, RECIPE)


def test_three_channels_stand_last(films: list[Film]) -> None:
    found = load_pixels(films[:2], standard(64, 80, 3))
    assert found.shape == (2, 64, 80, 3)
    assert (found[..., 0] == found[..., 2]).all()


def test_a_film_that_cannot_be_read_is_named(films: list[Film], tmp_path: Path) -> None:
    torn = tmp_path / "torn.png"
    torn.write_bytes(films[0].path.read_bytes()[:200])
    with pytest.raises(
        DataError, match=r"torn\.png: its PNG data are torn off; replace or remove this film"
    ):
        load_pixels([*films[:3], replace(films[0], path=torn)], RECIPE)
