"""A dark border of any width leaves the pixels that a network sees what they are without it."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

from edge_export.films.phantom import phantom
from edge_runtime.bundle.records import Preprocess
from edge_runtime.bundle.schema import SchemaError
from edge_runtime.film.border import within_border
from edge_runtime.film.preprocess import film_pixels, standard

TRIM = Preprocess(**standard(64, 64).to_json(), trim=0.1)


def film(size: tuple[int, int] = (240, 200)) -> Image.Image:
    """Return a film without a dark line at its edges."""
    picture = np.asarray(phantom(1, positive=False, size=size)).astype(int)
    return Image.fromarray(np.clip(picture, 90, 255).astype(np.uint8))


def framed(picture: Image.Image, left: int, top: int, right: int, bottom: int) -> Image.Image:
    width, height = picture.width + left + right, picture.height + top + bottom
    frame = Image.new(picture.mode, (width, height))
    frame.paste(picture, (left, top))
    return frame


def box(picture: Image.Image, trim: float = 0.1) -> tuple[int, int, int, int]:
    return within_border(picture, TRIM, trim)


@pytest.mark.parametrize("widths", [(0, 0, 0, 0), (3, 7, 0, 12), (20, 20, 20, 20), (30, 1, 0, 25)])
def test_the_box_is_the_film_within_its_border(widths: tuple[int, int, int, int]) -> None:
    picture = framed(film((200, 170)), *widths)
    left, top, right, bottom = box(picture)
    assert (left, top) == widths[:2]
    assert (picture.width - right, picture.height - bottom) == widths[2:]


def test_the_pixels_are_those_of_the_film_without_its_border() -> None:
    for widths in ((12, 9, 0, 3), (16, 16, 16, 16)):
        assert film_pixels(framed(film(), *widths), TRIM) == film_pixels(film(), TRIM)


def test_of_a_large_film_the_border_is_told_to_within_a_line_of_those_looked_at() -> None:
    picture = framed(film((1500, 1500)), 77, 77, 77, 77)
    step = 1654 // 256
    found = box(picture)
    expected = (77, 77, 1577, 1577)
    assert all(abs(a - b) <= step for a, b in zip(found, expected, strict=True))


def test_letters_in_the_border_do_not_end_it() -> None:
    picture = framed(film(), 24, 24, 24, 24)
    ImageDraw.Draw(picture).rectangle((4, 4, 30, 14), fill=255)
    assert box(picture) == (24, 24, 264, 224)


def test_no_more_than_a_quarter_of_a_side_is_cut_off_at_either_end() -> None:
    picture = framed(film((64, 64)), 68, 0, 68, 0)
    assert box(picture) == (50, 0, 150, 64)
    assert box(Image.new("L", (80, 80), 7)) == (0, 0, 80, 80)


def test_more_bits_or_three_channels_have_the_same_box() -> None:
    picture = framed(film(), 10, 20, 0, 8)
    wide = Image.fromarray(np.asarray(picture).astype(np.uint16) * 200)
    expected = (10, 20, 250, 220)
    assert [box(one) for one in (picture, wide, picture.convert("RGB"))] == [expected] * 3


def test_of_levels_below_nothing_the_lowest_is_black() -> None:
    levels = np.asarray(framed(film(), 10, 20, 0, 8)).astype(np.int32) * 9 - 1024
    assert box(Image.fromarray(levels)) == (10, 20, 250, 220)


def test_the_crop_is_of_what_lies_within_the_border() -> None:
    cropped = Preprocess(**TRIM.to_json() | {"crop": 0.5})
    assert film_pixels(framed(film(), 20, 10, 0, 0), cropped) == film_pixels(film(), cropped)


def test_the_pixels_of_a_drawn_film_are_the_same_bytes_on_every_processor() -> None:
    local = {"crop": 0.9, "local_radius": 5, "local_gain": 38, "local_floor": 4}
    picture = framed(Image.linear_gradient("L").rotate(90).resize((200, 180)), 9, 14, 5, 0)
    pixels = film_pixels(picture, Preprocess(**TRIM.to_json() | local))
    assert (
        hashlib.sha256(pixels).hexdigest()
        == "06f77e83af988292dd09c2db3261839e45d71c84b152bef74ced64a03a8ded94"
    )


def test_a_share_lies_between_nothing_and_all() -> None:
    with pytest.raises(SchemaError, match="between 0 and 1"):
        Preprocess(**TRIM.to_json() | {"trim": 1.5})
