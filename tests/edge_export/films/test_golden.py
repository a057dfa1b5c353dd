"""Golden films are the same bytes every time, and films to the runtime."""

from __future__ import annotations

from edge_export.films.golden import golden_images
from edge_runtime.film.preprocess import film_pixels, standard


def test_golden_films_are_the_same_bytes_at_every_call() -> None:
    assert golden_images() == golden_images()


def test_golden_films_differ_and_are_films_to_the_runtime() -> None:
    images = golden_images()
    assert [one.file for one in images] == [f"golden/{place}.png" for place in range(4)]
    assert len({film_pixels(one.png, standard()) for one in images}) == len(images)


def test_golden_films_in_colour_have_other_pixels_in_each_channel() -> None:
    recipe = standard(64, 64, 3, "other")
    for one in golden_images(colour=True):
        red, green, blue = (film_pixels(one.png, recipe)[channel::3] for channel in range(3))
        assert len({red, green, blue}) == 3
