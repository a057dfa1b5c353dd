"""A drawn film has the size that was asked for, and is as hard to decode as a film is."""

from __future__ import annotations

from edge_runtime.bench.drawn import draw


def test_drawn_films_are_grey_and_of_the_size_asked_for() -> None:
    film = draw(96)
    shades = film.histogram()
    assert (film.mode, film.size) == ("L", (96, 96))
    assert sum(count > 0 for count in shades) > 50
