"""A picture that breaks off within a row is refused, and no border is taken for it."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dicom_films import dicom_film
from edge_runtime.errors import Refusal
from edge_runtime.film.preprocess import film_pixels, standard
from edge_runtime.film.whole import unwritten_end
from tiny_bundle import encoded, film_array

Array = np.ndarray[Any, Any]

RECIPE = standard(64, 64)
GREY = film_array(200, 160)
WIDTH = 200


def written(levels: Array, share: float, place: int) -> Array:
    """Return `levels` of which nothing was written after `place` in a row at `share` of all."""
    flat = levels.reshape(-1).copy()
    flat[int(share * len(levels)) * levels.shape[1] + place :] = 0
    return flat.reshape(levels.shape)


def outcome(film: bytes) -> str:
    """Return `refused`, `warned` or `silent`."""
    warnings: list[str] = []
    try:
        film_pixels(film, RECIPE, None, warnings.append)
    except Refusal as error:
        assert (error.reason, "row" in error.problem) == ("unreadable", True)
        return "refused"
    return "warned" if warnings else "silent"


FORMATS: dict[str, Callable[[Array], bytes]] = {
    "DICOM of 8 bits": dicom_film,
    "DICOM of 12 bits": lambda levels: dicom_film(levels.astype("u2") * 16, BitsStored=12),
    "DICOM, white is zero": lambda levels: dicom_film(
        levels, PhotometricInterpretation="MONOCHROME1"
    ),
    "DICOM, signed": lambda levels: dicom_film(levels.astype("i2") * 16),
    "PNG": lambda levels: encoded(Image.fromarray(levels)),
    "PNG of 16 bits": lambda levels: encoded(Image.fromarray(levels.astype("u2") * 256)),
    "TIFF": lambda levels: encoded(Image.fromarray(levels), "TIFF"),
    "PGM": lambda levels: encoded(Image.fromarray(levels), "PPM"),
    "BMP": lambda levels: encoded(Image.fromarray(levels[::-1]), "BMP"),
    "BMP in colour": lambda levels: encoded(Image.fromarray(levels[::-1]).convert("RGB"), "BMP"),
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("share", [0.3, 0.5, 0.8, 0.95])
@pytest.mark.parametrize("place", [20, 100, 180])
def test_a_film_that_breaks_off_within_a_row_is_refused(
    form: str, share: float, place: int
) -> None:
    assert outcome(FORMATS[form](written(GREY, share, place))) == "refused"
    assert outcome(FORMATS[form](GREY)) == "silent"


@pytest.mark.parametrize("form", FORMATS)
def test_one_that_may_have_broken_off_between_two_rows_is_judged_with_a_warning(form: str) -> None:
    # A PNG has check sums: what it holds was written.
    wanted = "silent" if form.startswith("PNG") else "warned"
    assert outcome(FORMATS[form](written(GREY, 0.8, 0))) == wanted
    assert outcome(FORMATS[form](written(GREY, 0.98, 0))) == "silent"


@pytest.mark.parametrize("degrees", [-30, -3, -1, -0.5, 0, 0.5, 1, 3, 30])
@pytest.mark.parametrize("shade", [0, 9, 255])
def test_a_border_at_any_angle_is_no_end(degrees: float, shade: int) -> None:
    image = Image.fromarray(GREY)
    top, slope = 0.8 * image.height, math.tan(math.radians(degrees)) * WIDTH / 2
    corners = [(0, top - slope), (WIDTH, top + slope), (WIDTH, 999), (0, 999)]
    ImageDraw.Draw(image).polygon(corners, fill=shade)
    assert outcome(dicom_film(np.asarray(image))) != "refused"


def test_a_break_between_borders_of_its_shade_may_be_a_border() -> None:
    framed = np.zeros((200, 260), "u1")
    framed[20:180, 30:230] = GREY
    assert outcome(dicom_film(framed)) != "refused"
    framed[150:180, 30:230] = 0
    framed[150, 30:120] = GREY[130, :90]
    assert outcome(dicom_film(framed)) == "warned"


@pytest.mark.parametrize("rows", [1, 2, 4])
def test_a_few_saturated_rows_are_no_end(rows: int) -> None:
    levels = GREY.copy()
    levels[-rows:] = 255
    levels[-rows - 1, 100:] = 255
    assert outcome(dicom_film(levels)) == "silent"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_an_end_of_a_middle_shade_is_warned_of_in_any_format(form: str) -> None:
    levels = GREY.copy()
    levels[120:] = 128
    assert outcome(encoded(Image.fromarray(levels), form)) in ("warned", "refused")
    assert outcome(encoded(Image.fromarray(GREY), form)) == "silent"


@pytest.mark.parametrize("fill", [0, 128, 255])
def test_a_bmp_from_top_to_bottom_is_read_in_its_order(fill: int) -> None:
    film = bytearray(encoded(Image.fromarray(GREY[::-1]), "BMP"))
    film[22:26] = (-GREY.shape[0]).to_bytes(4, "little", signed=True)  # BITMAPINFOHEADER, height
    assert outcome(bytes(film)) == "silent"
    kept = int(0.8 * len(film)) + 77
    assert outcome(bytes(film[:kept]) + bytes([fill]) * (len(film) - kept)) != "silent"


def test_a_tiled_tiff_whose_last_tiles_were_never_written_is_warned_of() -> None:
    levels = film_array(256, 256)
    whole = tiled_tiff(levels)
    assert np.array_equal(np.asarray(Image.open(BytesIO(whole))), levels)
    assert outcome(whole) == "silent"
    assert outcome(whole[: len(whole) - 9000] + bytes(9000)) == "warned"


def tiled_tiff(levels: Array) -> bytes:
    """Return a TIFF of tiles of 64 x 64 pixels, their data last (TIFF 6.0, section 15)."""
    height, width = levels.shape
    tiles = [
        levels[top : top + 64, left : left + 64].tobytes()
        for top in range(0, height, 64)
        for left in range(0, width, 64)
    ]
    count, entries = len(tiles), 9
    lists = 8 + 2 + 12 * entries + 4
    data = lists + 8 * count
    fields = [
        (256, 3, 1, width), (257, 3, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
        (322, 3, 1, 64), (323, 3, 1, 64), (324, 4, count, lists),
        (325, 4, count, lists + 4 * count),
    ]  # fmt: skip
    head = struct.pack("<2sHLH", b"II", 42, 8, entries)
    head += b"".join(struct.pack("<HHLL", *field) for field in fields) + bytes(4)
    offsets = [data + 4096 * n for n in range(count)]
    return head + struct.pack(f"<{2 * count}L", *offsets, *[4096] * count) + b"".join(tiles)


def test_an_even_picture_has_no_end() -> None:
    assert unwritten_end(Image.new("L", (99, 99), 7)) is None
    assert unwritten_end(Image.new("RGB", (99, 99))) is None
    assert unwritten_end(Image.fromarray(GREY)) is None
