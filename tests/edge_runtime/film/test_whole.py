"""A picture that breaks off within a row is refused, and no border is taken for it."""

from __future__ import annotations

import math
from collections.abc import Callable
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


def test_borders_on_all_sides_are_no_end() -> None:
    framed = np.zeros((200, 260), "u1")
    framed[20:180, 30:230] = GREY
    assert outcome(dicom_film(framed)) != "refused"
    framed[100:180, 30:230] = 0  # and what breaks off between them is
    framed[100, 30:120] = GREY[80, :90]
    assert outcome(dicom_film(framed)) == "refused"


def test_an_even_picture_has_no_end() -> None:
    assert unwritten_end(Image.new("L", (99, 99), 7)) is None
    assert unwritten_end(Image.new("RGB", (99, 99))) is None
    assert unwritten_end(Image.fromarray(GREY)) is None
