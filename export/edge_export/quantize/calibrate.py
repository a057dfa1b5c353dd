"""Which films calibrate the quantizers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import islice, zip_longest

from edge_export.film import Film
from edge_runtime.errors import DataError


def choose_films(films: Sequence[Film], count: int, seed: int) -> list[Film]:
    """Return `count` of the training films, as many of each class, in a seeded order.

    Where a class has too few, the other fills up. The choice depends on digests and the seed,
    not on names or the order given.

    Raises:
        DataError: the training rows hold fewer than two classes.
    """
    by_class: dict[str, list[Film]] = {}
    for film in sorted(films, key=lambda film: film.sha256):
        if film.split == "train":
            by_class.setdefault(film.label, []).append(film)
    if len(by_class) < 2:
        problem = f"training rows of {len(by_class)} classes, two are needed to calibrate"
        raise DataError("calibration", problem, "give --data with a training split")
    shuffled = [by_class[label] for label in sorted(by_class)]
    order = random.Random(seed)
    for rows in shuffled:
        order.shuffle(rows)
    # Taking turns keeps the classes even for as long as both have rows left.
    turns = (film for turn in zip_longest(*shuffled) for film in turn if film is not None)
    return list(islice(turns, count))
