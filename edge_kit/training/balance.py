"""How often the films of each class, source or hospital are shown in an epoch of a training."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_export.films.film import Film
from edge_kit.data.film_attributes import FilmAttributes, manifest_attributes
from edge_kit.data.film_folders import Folders
from edge_runtime.errors import DataError

BALANCES = ("none", "class", "source", "hospital")
NOT_STATED = "not stated"
OFTEN = 10
"""Showings of a film in an epoch from which on it is said that it may be learnt by heart."""

_Part = tuple[str, str]
"""A class, and the source or the hospital of its films; empty where only classes count."""


@dataclass(frozen=True, slots=True, eq=False)
class Balance:
    """The part of each training film `(n,)`, and how many films of each part an epoch shows.

    An epoch has as many films as without a balance. Films of a part are shown equally often, to
    within one; of a part that is shown less often than it has films, each epoch draws some.
    """

    by: str
    names: tuple[_Part, ...]
    parts: NDArray[np.intp]
    shown: NDArray[np.intp]
    digest: str

    def order(self, generator: np.random.Generator) -> NDArray[np.intp]:
        """Return which films `(n,)` an epoch shows, in what order, as `generator` draws it."""
        chosen: list[NDArray[np.intp]] = []
        for part, number in enumerate(self.shown.tolist()):
            films = np.flatnonzero(self.parts == part)
            whole, rest = divmod(number, len(films))
            chosen += [films] * whole + [generator.permutation(films)[:rest]]
        return generator.permutation(np.concatenate(chosen))

    def to_json(self) -> dict[str, Any]:
        """Return what a run's configuration says of it, which a training that goes on must meet."""
        return {"by": self.by, "parts": len(self.names), "films": self.digest}

    def lines(self) -> Iterator[str]:
        """Yield for each class how many films its parts have, and how often each is shown."""
        sizes = np.bincount(self.parts)
        told: dict[str, list[str]] = {}
        for (label, name), size, shown in zip(self.names, sizes, self.shown, strict=True):
            part = f"{name or 'all'} {size} films, each {shown / size:.2g} times an epoch"
            told.setdefault(label, []).append(part)
        for label, parts in told.items():
            yield f"balance by {self.by}: {label}: {'; '.join(parts)}"

    def warnings(self) -> list[str]:
        """Return a warning where films are shown so often that they may be learnt by heart."""
        often = int((self.shown > OFTEN * np.bincount(self.parts)).sum())
        if not often:
            return []
        return [
            f"films of {often} of the {len(self.names)} parts that are balanced by {self.by} are "
            f"shown over {OFTEN} times an epoch, and may be learnt by heart: the parts are small"
        ]


def balanced(films: Sequence[Film], data: Folders, by: str) -> Balance:
    """Return the balance of training `films`, whose sources the folders `data` tell.

    By `class`, both classes are shown equally often. By `source` or `hospital`, each class keeps
    its share of an epoch, and its sources or hospitals are shown equally often: so a source tells
    nothing of the class, where all sources have both. A film without a hospital goes by its source.

    Raises:
        DataError: no source of any film is known.
    """
    attributes = manifest_attributes(data, tuple(films))
    found = [
        (film.label, "" if by == "class" else _place(cells, by))
        for film, cells in zip(films, attributes, strict=True)
    ]
    if by != "class" and {name for _, name in found} == {NOT_STATED}:
        problem = f"no {by} of the films is named, by which --balance {by} could go"
        cure = f"give several folders with --data, or a manifest.csv with a column {by}"
        raise DataError(data, problem, cure)
    names = tuple(sorted(set(found)))
    number = {name: place for place, name in enumerate(names)}
    rows = sorted(f"{film.sha256},{part[1]}\n" for film, part in zip(films, found, strict=True))
    return Balance(
        by=by,
        names=names,
        parts=np.array([number[part] for part in found], np.intp),
        shown=np.array(_shown(Counter(found), names, by), np.intp),
        digest=hashlib.sha256("".join(rows).encode()).hexdigest(),
    )


def _place(cells: FilmAttributes, by: str) -> str:
    """Return the source of a film, or its hospital with its source, for two may call one alike."""
    source = cells.get("source", "")
    hospital = cells.get("hospital", "") if by == "hospital" else ""
    return " ".join(filter(None, (source, hospital))) or NOT_STATED


def _shown(counts: Mapping[_Part, int], names: Sequence[_Part], by: str) -> list[int]:
    """Return how many films of each part an epoch shows; together as many as there are."""
    if by == "class":
        return _shares(sum(counts.values()), len(names))
    shown: list[int] = []
    for label in dict.fromkeys(label for label, _ in names):
        own = [name for name in names if name[0] == label]
        shown += _shares(sum(counts[name] for name in own), len(own))
    return shown


def _shares(total: int, parts: int) -> list[int]:
    return [total // parts + (place < total % parts) for place in range(parts)]
