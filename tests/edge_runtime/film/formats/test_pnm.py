"""A PGM or PPM is refused by its header; levels of any range become Pillow's very pixels."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_runtime.film.formats import pnm as form
from edge_runtime.film.preprocess import film_pixels
from hostile_pictures import RECIPE, judged, sparse
from tiny_bundle import film_array

LEVELS = film_array(320, 240)
FILM = b"P5 320 240 255\n" + LEVELS.tobytes()


def test_plain_ones_are_not_read() -> None:
    said = judged(form, b"P2 320 240 255\n" + b"1 " * 320 * 240)
    assert said.reason == "unreadable"
    assert "a plain PGM" in said.problem


@pytest.mark.parametrize(
    "head",
    [b"P5" + b" " * 65_536, b"P5" + b"#\n" * 40_000, b"P5 #" + b"x" * 65_536, b"P5\n#\r" * 40_000],
)
def test_a_long_header_is_not_read(head: bytes, tmp_path: Path) -> None:
    said = judged(form, sparse(tmp_path / "film.pgm", head, tail=b"\n128 128 255\n"))
    assert (said.reason, "bytes of PGM header" in said.problem) == ("too_large", True)
    assert said.read < 70_000


def test_samples_that_have_to_be_stretched_are_bounded(tmp_path: Path) -> None:
    film = sparse(tmp_path / "film.pgm", b"P5 7000 7000 4095\n")
    assert judged(form, film).reason == "too_large"


@pytest.mark.parametrize("most", [0, 65_536])
def test_a_range_that_is_none_is_refused(most: int) -> None:
    assert judged(form, b"P5 320 240 %d\n" % most + bytes(99)).reason == "unreadable"


def test_a_gigabyte_after_the_pixels_is_not_read(tmp_path: Path) -> None:
    film = sparse(tmp_path / "film.pgm", FILM, tail=b"x")
    assert film_pixels(film, RECIPE) == film_pixels(FILM, RECIPE)


@pytest.mark.parametrize("head", [b"P5 # made by\n320 240\n255\n", b"P5\t320\n#\n#\n 240 255 "])
def test_comments_change_no_pixel(head: bytes) -> None:
    assert film_pixels(head + LEVELS.tobytes(), RECIPE) == film_pixels(FILM, RECIPE)


@pytest.mark.parametrize("bands", [1, 3])
@pytest.mark.parametrize("most", [1, 2, 100, 127, 254, 256, 1023, 4095, 16_383, 65_534, 65_535])
def test_any_range_becomes_the_pixels_that_pillow_makes(most: int, bands: int) -> None:
    levels = np.random.default_rng(most).integers(0, most + 3, (80, 96 * bands))
    levels = levels.clip(0, 255 if most < 256 else 65_535)
    kind, sample = (b"P5", b"P6")[bands > 1], "u1" if most < 256 else ">u2"
    film = kind + b" 96 80 %d\n" % most + levels.astype(sample).tobytes()
    with (
        Image.open(BytesIO(film)) as expected,
        Image.open(form.judge(BytesIO(film), "a film", RECIPE)) as found,
    ):
        assert found.mode == expected.mode
        assert found.tobytes() == expected.tobytes()


def test_a_torn_film_of_another_range_is_refused() -> None:
    film = b"P5 320 240 4095\n" + LEVELS.astype(">u2").tobytes()
    assert film_pixels(film, RECIPE)
    for kept in (20, len(film) // 2, len(film) - 1):
        with pytest.raises(Exception, match="truncated"):
            film_pixels(film[:kept], RECIPE)
