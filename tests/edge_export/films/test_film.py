"""Each held-out split has films enough of each class, or one line says where they lack."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from edge_export.films.film import HELD_OUT, SPLITS, Film, require_held_out
from edge_runtime.errors import DataError


def some_films() -> list[Film]:
    return [
        Film(Path(f"{number}.png"), label, split, str(number), f"{number:064x}")
        for number, (split, label, _) in enumerate(product(SPLITS, ("covid", "noncovid"), "ab"))
    ]


def test_two_films_of_each_class_in_each_held_out_split_are_enough() -> None:
    require_held_out(some_films())


@pytest.mark.parametrize(("split", "label"), [*product(HELD_OUT, ("covid", "noncovid"))])
def test_one_is_not_and_the_line_says_where(split: str, label: str) -> None:
    films = some_films()
    films.remove(next(film for film in films if (film.split, film.label) == (split, label)))
    with pytest.raises(DataError, match=f"1 {split} films of class {label}"):
        require_held_out(films)
