"""A BMP is refused by its header; run lengths are refused as a kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from edge_runtime.film.formats import bmp as form
from edge_runtime.film.preprocess import film_pixels
from hostile_pictures import RECIPE, bmp, judged, sparse
from tiny_bundle import encoded, film_array

SIDE = 128
ROWS = film_array(SIDE, SIDE)
FILM = bmp(ROWS[::-1].tobytes())


@pytest.mark.parametrize("compression", [1, 2, 4, 5])
def test_run_lengths_are_not_read(compression: int) -> None:
    said = judged(form, bmp(b"\1\x80\0\0" * 7071, 7071, compression))
    assert said.reason == "unreadable"
    assert "compressed BMP" in said.problem
    assert said.read < 200


@pytest.mark.parametrize("header", [0, 16, 0x7FFFFFFF])
def test_a_header_of_any_size_is_not_read(header: int, tmp_path: Path) -> None:
    said = judged(form, sparse(tmp_path / "film.bmp", bmp(b"", header=header), tail=b"x"))
    assert said.reason == "unreadable"
    assert said.read < 200


@pytest.mark.parametrize("side", [7072, -7072])
def test_its_size_is_judged_whichever_row_stands_first(side: int) -> None:
    assert judged(form, bmp(b"", side)).reason == ("too_large")


def test_a_gigabyte_after_the_pixels_is_not_read(tmp_path: Path) -> None:
    film = sparse(tmp_path / "film.bmp", FILM, tail=b"x")
    assert film_pixels(film, RECIPE) == film_pixels(FILM, RECIPE)


def test_the_kinds_that_are_written_are_read_to_the_same_pixels() -> None:
    image = Image.fromarray(ROWS)
    expected = film_pixels(encoded(image), RECIPE)
    upside_down = bytearray(bmp(ROWS.tobytes()))
    upside_down[22:26] = (-SIDE).to_bytes(4, "little", signed=True)
    for film in (FILM, bytes(upside_down), encoded(image.convert("RGB"), "BMP")):
        assert film_pixels(film, RECIPE) == expected
    core = b"BM" + bytes(8) + (26 + 3 * 256).to_bytes(4, "little") + (12).to_bytes(4, "little")
    sizes = b"".join(number.to_bytes(2, "little") for number in (SIDE, SIDE, 1, 8))
    palette = b"".join(bytes([shade] * 3) for shade in range(256))
    assert film_pixels(core + sizes + palette + ROWS[::-1].tobytes(), RECIPE) == expected
