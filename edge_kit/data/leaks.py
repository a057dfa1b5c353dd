"""Leaking splits: refused, or compared with a split by groups to measure what they add."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import numpy as np

from edge_export.films.film import Film, Split
from edge_kit.data.dataset import Dataset
from edge_kit.data.fingerprints import group_films
from edge_kit.data.split import assign
from edge_runtime.errors import DataError


def require_no_leaks(dataset: Dataset) -> None:
    """Require that the given splits part no patient, no group and no near-duplicates.

    Raises:
        DataError: they do.
    """
    if not dataset.leaks:
        return
    leak = dataset.leaks[0]
    first, second = leak.films
    # A name alone does not tell two films apart that are called alike in several folders.
    named = first.path if first.path.name == second.path.name else first.path.name
    more = f" ({len(dataset.leaks)} leaks in all)" if len(dataset.leaks) > 1 else ""
    raise DataError(
        second.path,
        f"is {second.split}, but {named} of the same {leak.of} is {first.split}{more}",
        "leave the splits out, or see with --allow-leaks what the leak adds",
    )


def grouped_and_naive(dataset: Dataset, *, seed: int) -> tuple[Dataset, Dataset]:
    """Return the same films split by groups, leaks closed, and split film by film.

    Both have nearly the split sizes of `dataset`, and the same count of each class in each split.
    The second is the customary random split, where copies of a training film may be test films.
    The difference in a model's accuracy between the two is what the leak adds.
    """
    whole = closed(dataset)
    sizes = Counter(film.split for film in whole.films)
    assigned = assign(
        [(film.group, film.label) for film in whole.films],
        seed=seed,
        fractions={split: float(count) for split, count in sizes.items()},
    )
    grouped = tuple(replace(film, split=assigned[film.group]) for film in whole.films)
    return replace(whole, films=grouped), replace(whole, films=_shuffled(grouped, seed))


def closed(dataset: Dataset) -> Dataset:
    """Return `dataset` with the films of each leak in one group, and its splits as they were.

    The splits no longer fit the groups and have to be assigned anew.
    """
    place = {film.sha256: index for index, film in enumerate(dataset.films)}
    pairs = [[place[film.sha256] for film in leak.films] for leak in dataset.leaks]
    groups = group_films(
        list(place),
        [(film.group,) for film in dataset.films],
        np.array(pairs, np.intp).reshape(-1, 2),
    )
    films = [replace(film, group=group) for film, group in zip(dataset.films, groups, strict=True)]
    return replace(dataset, films=tuple(films), leaks=())


def _shuffled(films: tuple[Film, ...], seed: int) -> tuple[Film, ...]:
    """Return `films`, each a group of its own, with the splits of each class assigned anew."""
    left: dict[str, list[Split]] = {}
    for film in sorted(films, key=lambda film: film.sha256):
        left.setdefault(film.label, []).append(film.split)
    random = Random(seed)
    for splits in left.values():
        random.shuffle(splits)
    assigned = {
        film.sha256: left[film.label].pop() for film in sorted(films, key=lambda film: film.sha256)
    }
    return tuple(
        replace(film, split=assigned[film.sha256], group=film.sha256[:16]) for film in films
    )
