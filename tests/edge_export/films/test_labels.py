"""The labels of films become truth by film, in their order, also where there is no film."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge_export.films.film import Film
from edge_export.films.labels import are_positive


def film(label: str) -> Film:
    return Film(Path("film.png"), label, "test", "group", "0" * 64)


def test_films_of_the_positive_class_alone_are_positive() -> None:
    truth = are_positive(map(film, ["covid", "noncovid", "covid19", "covid"]), "covid")
    assert truth.dtype == np.bool_
    assert truth.tolist() == [True, False, False, True]


def test_of_no_films_there_is_an_empty_array_of_truth() -> None:
    truth = are_positive([], "covid")
    assert truth.dtype == np.bool_
    assert truth.shape == (0,)
