"""Local normalisation takes away what is slow in space, in integers that are equal everywhere."""

from __future__ import annotations

import hashlib
from math import trunc

import pytest
from PIL import Image

from edge_runtime.bundle.records import Preprocess
from edge_runtime.bundle.schema import SchemaError
from edge_runtime.film.local_contrast import local_contrast
from edge_runtime.film.preprocess import film_pixels, middle, standard

LOCAL = {"local_radius": 5, "local_gain": 38, "local_floor": 4}


def recipe(**changes: object) -> Preprocess:
    return Preprocess(**standard(64, 64).to_json() | changes)


def chequered(side: int = 64, low: int = 90, high: int = 140) -> Image.Image:
    image = Image.new("L", (side, side), low)
    for row in range(0, side, 8):
        for column in range(row % 16, side, 16):
            image.paste(high, (column, row, column + 8, row + 8))
    return image


def drawn() -> Image.Image:
    """Return squares on a slope of grey."""
    return Image.blend(Image.linear_gradient("L").resize((64, 64)), chequered(), 0.5)


def test_an_even_field_becomes_middle_grey() -> None:
    for level in (0, 77, 255):
        picture = local_contrast(Image.new("L", (40, 30), level), 6, 38, 4)
        assert set(picture.tobytes()) == {128}


def test_what_the_whole_film_has_in_common_changes_nothing() -> None:
    brighter = chequered(low=120, high=170)
    assert local_contrast(chequered(), 5, 38, 4).tobytes() == (
        local_contrast(brighter, 5, 38, 4).tobytes()
    )


def test_each_level_is_what_the_formula_says() -> None:
    """By Pillow's own means, read pixel by pixel, in plain integers."""
    from PIL import ImageFilter

    film, box = Image.effect_noise((32, 24), 60).convert("L"), ImageFilter.BoxBlur(3)
    mean = film.filter(box).filter(box)
    apart = [g - m for g, m in zip(film.tobytes(), mean.tobytes(), strict=True)]
    distances = Image.frombytes("L", film.size, bytes(map(abs, apart)))
    spread = distances.filter(box).filter(box).tobytes()
    expected = bytes(
        max(0, min(255, trunc(max(-128, min(127, a)) * 38 / (d + 4)) + 128))
        for a, d in zip(apart, spread, strict=True)
    )
    assert local_contrast(film, 3, 38, 4).tobytes() == expected


def test_the_pixels_of_a_drawn_film_are_the_same_bytes_on_every_processor() -> None:
    digest = hashlib.sha256(film_pixels(drawn(), recipe(**LOCAL, crop=0.9))).hexdigest()
    assert digest == "2ee773b7f44aba27c4704c0dba3f85402ea3c98d7b1fe444020edb167487bca8"


def test_without_a_radius_the_pixels_are_as_before() -> None:
    film = drawn()
    assert film_pixels(film, recipe()) == film_pixels(film, recipe(crop=1.0))
    assert film_pixels(film, recipe()) != film_pixels(film, recipe(**LOCAL))


def test_a_crop_keeps_the_middle_of_the_film() -> None:
    assert middle((200, 100), 0.5) == (50, 25, 150, 75)
    assert middle((200, 100), None) == (0, 0, 200, 100)
    framed = Image.effect_noise((128, 128), 60).convert("L")
    framed.paste(drawn(), (32, 32))
    assert film_pixels(framed, recipe(crop=0.5)) == film_pixels(drawn(), recipe())


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"local_radius": 5}, "belong together"),
        ({"local_gain": 5, "local_floor": 4}, "belong together"),
        ({**LOCAL, "channels": 3}, "one channel"),
        ({**LOCAL, "local_radius": 0}, "from 1 to 255"),
        ({"crop": 0.05}, "between 0.1 and 1"),
    ],
)
def test_half_a_local_normalisation_and_senseless_crops_are_refused(
    changes: dict[str, object], problem: str
) -> None:
    with pytest.raises(SchemaError, match=problem):
        recipe(**changes)
