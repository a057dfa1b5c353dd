"""A bundle may leave grey levels what they are; what is refused is refused all the same."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from dicom_films import dicom_film
from edge_runtime.bundle.records import UNSTRETCHED, Preprocess
from edge_runtime.bundle.schema import SchemaError
from edge_runtime.film.preprocess import film_pixels, standard
from film_refusals import refusal_of
from tiny_bundle import encoded, film_array

STRETCHED = standard(64, 64)
LEFT = Preprocess(**STRETCHED.to_json(), stretch=UNSTRETCHED)
DULL = (film_array(64, 64) // 4 + 80).astype("u1")


def test_levels_of_eight_bits_stay_what_they_are() -> None:
    film = encoded(Image.fromarray(DULL))
    assert film_pixels(film, LEFT) == DULL.tobytes()
    assert film_pixels(film, STRETCHED) != DULL.tobytes()
    colour = Preprocess(**{**LEFT.to_json(), "channels": 3})
    pixels = np.frombuffer(film_pixels(film, colour), np.uint8).reshape(64, 64, 3)
    assert (pixels == DULL[..., None]).all()


def test_films_of_more_bits_are_brought_to_eight_by_their_percentiles() -> None:
    wide = dicom_film(DULL.astype("u2") * 4, BitsStored=12)
    pixels = np.frombuffer(film_pixels(wide, LEFT), np.uint8)
    assert pixels.max() - pixels.min() > 200


@pytest.mark.parametrize("array", [np.full((64, 64), 90, "u1"), np.where(DULL > 110, 250, 4)])
def test_what_is_no_film_is_refused_as_ever(array: np.ndarray) -> None:
    film = encoded(Image.fromarray(array.astype("u1")))
    refused = [refusal_of(film, preprocess) for preprocess in (STRETCHED, LEFT)]
    assert [error.reason for error in refused if error] == ["blank", "blank"]


def test_a_bundle_that_stretches_has_no_such_key_and_its_value_has_one_spelling() -> None:
    assert "stretch" not in STRETCHED.to_json()
    assert LEFT.to_json()["stretch"] == "none"
    for value in ("None", False, "no", 0):
        with pytest.raises(SchemaError):
            Preprocess(**{**STRETCHED.to_json(), "stretch": value})
