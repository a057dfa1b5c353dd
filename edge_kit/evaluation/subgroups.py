"""The same figures for parts of the films: by source, sex, age and view, as the manifest says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge_export.statistics.estimates import Metrics
from edge_kit.data.film_attributes import FilmAttributes
from edge_kit.evaluation.figures import Confusion, Judged, confusion, metrics

NOT_STATED = "not stated"
LEAST = 2
"""Of each class; a smaller part has counts and no figures."""
_MOST = 20  # parts of a kind; a column of patients' numbers is no kind of films
_SEXES = {"m": "male", "f": "female", "o": "other"}  # DICOM's letters, or words
_BANDS = {"0 to 17": (0, 17), "18 to 39": (18, 39), "40 to 64": (40, 64), "65 on": (65, 150)}


@dataclass(frozen=True, slots=True)
class Subgroup:
    """One part of the films that were judged; without `metrics` it is too small for any."""

    kind: str
    name: str
    films: int
    confusion: Confusion
    metrics: Metrics | None


def subgroups(
    films: Judged, attributes: Sequence[FilmAttributes], threshold: float
) -> tuple[Subgroup, ...]:
    """Return the parts of `films` by what `attributes`, one of each, say of them."""
    return tuple(
        part
        for kind, told in _KINDS.items()
        for part in _parts(kind, [told(film) for film in attributes], films, threshold)
    )


def coincide(parts: Sequence[Subgroup], kind: str) -> bool:
    """Tell whether no part of a `kind` has films of both classes: then it may stand for the class.

    A single part says nothing, nor do films of which it is not stated.
    """
    named = [part for part in parts if part.kind == kind and part.name != NOT_STATED]
    return len(named) > 1 and not any(_cases(part) and part.films - _cases(part) for part in named)


def within_sources(parts: Sequence[Subgroup]) -> tuple[list[Subgroup], list[Subgroup]]:
    """Return the sources with figures of their own, and those with films of one class alone.

    Where there are any of the second, the figures of all films compare sources as well.
    """
    named = [part for part in parts if part.kind == "source" and part.name != NOT_STATED]
    single = [part for part in named if _cases(part) in (0, part.films)]
    return [part for part in named if part.metrics], single


def _cases(part: Subgroup) -> int:
    return part.confusion.true_positive + part.confusion.false_negative


def _parts(kind: str, told: Sequence[str], films: Judged, threshold: float) -> Iterator[Subgroup]:
    counts = Counter(told)
    if not 1 <= len(counts - Counter({NOT_STATED: counts[NOT_STATED]})) <= _MOST:
        return
    column = np.array(told)
    for name in sorted(counts, key=lambda label: (label == NOT_STATED, label)):
        part = films.only(column == name)
        cases = int(part.positive.sum())
        enough = min(cases, len(part.positive) - cases) >= LEAST
        yield Subgroup(
            kind=kind,
            name=name,
            films=len(part.positive),
            confusion=confusion(part, threshold),
            metrics=metrics(part, threshold) if enough else None,
        )


def age_band(text: str) -> str:
    """Return the band of an age in whole years, as a table or DICOM (`063Y`) writes it."""
    plain = text.strip().lower().removesuffix("y").removesuffix(".0")
    years = int(plain) if plain.isdecimal() and len(plain) <= 3 else -1
    return next((name for name, (low, high) in _BANDS.items() if low <= years <= high), NOT_STATED)


def _cell(column: str) -> Callable[[FilmAttributes], str]:
    return lambda attributes: attributes.get(column, "").lower() or NOT_STATED


_KINDS: Mapping[str, Callable[[FilmAttributes], str]] = {
    "source": _cell("source"),
    "sex": lambda attributes: _SEXES.get(attributes.get("sex", "").lower()[:1], NOT_STATED),
    "age": lambda attributes: age_band(attributes.get("age", "")),
    "view": _cell("view"),
}
