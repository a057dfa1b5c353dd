"""What is nearly black and white alone is no film, whatever window or format made it so."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from dicom_films import dicom_film
from edge_runtime.bundle.records import Preprocess
from edge_runtime.film.preprocess import standard
from film_refusals import refusal_of
from tiny_bundle import encoded, film_array

RECIPE = standard(64, 64)
GREY = film_array(200, 160)
TWELVE = GREY.astype("u2") * 16
BINARY = np.where(GREY > 130, 250, 4).astype("u1")


def refusal(film: bytes, preprocess: Preprocess = RECIPE) -> str:
    """Return reason and problem of a refusal, or nothing."""
    error = refusal_of(film, preprocess)
    return f"{error.reason}: {error.problem}" if error else ""


@pytest.mark.parametrize(
    ("centre", "width"), [(128, 256), (40, 400), (2048, 1), (1000, 200), (2400, 10), (3000, 90)]
)
def test_a_window_of_another_film_is_refused(centre: float, width: float) -> None:
    film = dicom_film(TWELVE, BitsStored=12, WindowCenter=centre, WindowWidth=width)
    assert refusal(film).startswith("blank: ")


@pytest.mark.parametrize(("centre", "width"), [(2048, 4096), (2100, 2000), (2000, 3000)])
def test_a_window_of_the_film_is_not(centre: float, width: float) -> None:
    film = dicom_film(TWELVE, BitsStored=12, WindowCenter=centre, WindowWidth=width)
    assert refusal(film) == ""


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_two_shades_are_no_film_in_any_format(form: str, mode: str) -> None:
    film = encoded(Image.fromarray(BINARY).convert(mode), form)
    for channels in (1, 3):
        assert "black or white" in refusal(film, standard(64, 64, channels=channels))


@pytest.mark.parametrize("shade", [30, 45, 128, 200])
def test_a_frame_of_a_middle_shade_hides_no_two_shades(shade: int) -> None:
    framed = np.pad(BINARY, ((40, 40), (60, 20)), constant_values=shade)
    assert "black or white" in refusal(encoded(Image.fromarray(framed)))
    assert refusal(encoded(Image.fromarray(np.pad(GREY, 40, constant_values=shade)))) == ""


def test_a_dark_border_around_half_of_a_film_is_none_of_it() -> None:
    framed = np.zeros((230, 280), "u1")
    framed[30:190, 40:240] = GREY
    assert refusal(encoded(Image.fromarray(framed))) == ""


def test_a_bundle_that_names_no_limit_has_none() -> None:
    fields = {name: value for name, value in RECIPE.to_json().items() if name != "max_saturated"}
    older = Preprocess(**fields)
    assert older.max_saturated is None
    assert older.to_json() == fields
    assert refusal(encoded(Image.fromarray(BINARY)), older) == ""
