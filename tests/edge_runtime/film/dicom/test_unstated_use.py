"""What a bundle does not state of its use refuses no DICOM file; what it states still does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dicom_films import dicom_film
from edge_runtime.bundle.records import IntendedUse
from edge_runtime.bundle.schema import SchemaError
from edge_runtime.errors import Refusal
from edge_runtime.film.preprocess import film_pixels, standard

GREY = np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)
COLOUR = np.stack([GREY, GREY[::-1], GREY.T], axis=-1)
HEADERS: dict[str, dict[str, Any]] = {
    "a child": {"PatientAge": "004Y"},
    "another part": {"BodyPartExamined": "FOOT"},
    "a lateral view": {"ViewPosition": "LL"},
}


def use(modality: str = "xray", **stated: Any) -> IntendedUse:
    """Return a use of which nothing is stated but what is given."""
    return IntendedUse(**{"modality": modality, "body_parts": (), "views": (), **stated})


@pytest.mark.parametrize("header", HEADERS)
def test_what_is_not_stated_refuses_nothing(header: str) -> None:
    assert film_pixels(dicom_film(GREY, **HEADERS[header]), standard(64, 64), use())


@pytest.mark.parametrize("modality", ["US", "XC", "CR", "CT", "SM", "OT"])
def test_pictures_of_any_kind_are_of_any_modality(modality: str) -> None:
    film, recipe = dicom_film(GREY, Modality=modality), standard(64, 64, modality="other")
    assert film_pixels(film, recipe, use("other"))


def test_what_is_stated_of_pictures_of_any_kind_is_a_rule() -> None:
    recipe = standard(64, 64, modality="other")
    stated = use("other", body_parts=("HAND",), youngest=18, oldest=150)
    with pytest.raises(Refusal, match="shows another part of the body than HAND"):
        film_pixels(dicom_film(GREY, Modality="US", BodyPartExamined="FOOT"), recipe, stated)
    with pytest.raises(Refusal, match="the patient's age lies outside 18 to 150 years"):
        film_pixels(dicom_film(GREY, Modality="US", PatientAge="004Y"), recipe, stated)


def test_an_ultrasound_in_colour_is_read_in_colour() -> None:
    recipe = standard(64, 64, 3, "other")
    film = dicom_film(COLOUR, Modality="US")
    seen = np.frombuffer(film_pixels(film, recipe, use("other")), np.uint8).reshape(64, 64, 3)
    assert np.abs(seen.astype(int) - COLOUR).mean() < 3
    with pytest.raises(Refusal, match="a picture in colour"):
        film_pixels(film, standard(64, 64, 3))


def test_one_age_is_not_stated_without_the_other() -> None:
    with pytest.raises(SchemaError, match="youngest and oldest belong together"):
        use(youngest=18)
    assert "youngest" not in use().to_json()
