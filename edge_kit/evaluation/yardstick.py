"""Figures that no difference between sources of films can flatter.

Where the films of one class come from other places than those of the other, an AUC of them all is
one of telling places apart as well. So a pair of films counts here only where both are of one
source (or hospital), and films without a finding are kept apart from those with another one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge_export.statistics.clustered import grouped_auc, grouped_proportion
from edge_export.statistics.estimates import Bools, Estimate
from edge_export.statistics.stratified import LEAST, mean, weights, within
from edge_kit.data.film_attributes import FilmAttributes
from edge_kit.data.index import MANIFEST
from edge_kit.data.labels import class_key
from edge_kit.evaluation.figures import Judged
from edge_runtime.errors import UsageError

Column = Literal["source", "hospital", "finding"]
PLACES: tuple[Column, ...] = ("source", "hospital")
KINDS: tuple[Column, ...] = (*PLACES, "finding")
"""The columns of a manifest that films may be judged by."""
FEW = 5
"""Fewer films of a class from one place than this have no share of right decisions."""
NO_FINDING, OTHER_FINDINGS = "no finding", "other findings"
NOT_STATED = "findings that are not stated"
_NOTHING = frozenset(("nofinding", "nofindings", "normal", "healthy"))


@dataclass(frozen=True, slots=True)
class WorstGroup:
    """The films of one class from one place of which the smallest `share` is decided right."""

    place: str
    positive: bool
    share: Estimate


@dataclass(frozen=True, slots=True)
class Places:
    """The films by the places that they come from: sources, or hospitals, as `kind` says.

    `within` has the AUC of each place with two films or more of each class, `mean` their mean, or
    None without any. `one_class` counts the places whose films are all of one class, `few` those
    that have both and too few of one. `counted` films are in the mean, of `films`; of `unnamed`
    ones the place is not stated. `worst` is by (place, class): Sagawa et al., ICLR 2020.
    """

    kind: Column
    within: Mapping[str, Estimate]
    mean: Estimate | None
    one_class: int
    few: int
    counted: int
    films: int
    unnamed: int
    worst: WorstGroup | None

    @property
    def lowest(self) -> tuple[str, Estimate] | None:
        """The place within which the AUC is lowest, and this AUC."""
        return min(self.within.items(), key=lambda item: item[1].value, default=None)


@dataclass(frozen=True, slots=True)
class Contrast:
    """All positive films against the negative ones of one kind of finding.

    `auc` is of all of them; `within` is the mean within the sources that have both, or None.
    """

    against: str
    positive: int
    negative: int
    auc: Estimate
    within: Estimate | None


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What films tell of a model by what their manifest says of them; nothing without one."""

    places: tuple[Places, ...] = ()
    contrasts: tuple[Contrast, ...] = ()

    @property
    def first(self) -> Places | None:
        """The places by which films are told apart best: sources, or hospitals without any."""
        return next((one for one in self.places if one.mean), None)


def columns(
    folder: str, attributes: Sequence[FilmAttributes], by: Sequence[Column] | None
) -> tuple[Column, ...]:
    """Return the columns to judge films of `folder` by: those of `by`, or all that there are.

    Raises:
        UsageError: a column is asked for of which no film has a cell.
    """
    stated = tuple(kind for kind in KINDS if any(_cells(attributes, kind)))
    for kind in by or ():
        if kind not in stated:
            problem = f"{MANIFEST} of {folder} states the {kind} of no film"
            raise UsageError("--by", problem, f"add a column {kind}, or leave it out")
    return stated if by is None else tuple(kind for kind in KINDS if kind in by)


def yardstick(
    films: Judged, attributes: Sequence[FilmAttributes], threshold: float, by: Sequence[Column]
) -> Yardstick:
    """Return what `films` tell by the columns `by` of their `attributes`, one of each film.

    Decisions are at the `threshold`. Intervals are by group.
    """
    places = [
        _places(kind, films, _cells(attributes, kind), threshold) for kind in PLACES if kind in by
    ]
    found = contrasts(films, attributes) if "finding" in by else ()
    return Yardstick(tuple(places), found)


def contrasts(films: Judged, attributes: Sequence[FilmAttributes]) -> tuple[Contrast, ...]:
    """Return the positive films against each kind of negative ones that there are two of."""
    kinds = np.array([finding_kind(film.get("finding", "")) for film in attributes])
    sources = _cells(attributes, "source")
    found = []
    for against in (NO_FINDING, OTHER_FINDINGS, NOT_STATED):
        mask = films.positive | (kinds == against)
        part = films.only(mask)
        cases, controls = int(part.positive.sum()), int((~part.positive).sum())
        if min(cases, controls) < LEAST:
            continue
        own = [source for source, kept in zip(sources, mask, strict=True) if kept]
        areas = within(part.positive, part.logits, part.groups, own)
        found.append(
            Contrast(
                against=against,
                positive=cases,
                negative=controls,
                auc=grouped_auc(part.positive, part.logits, part.groups),
                within=mean(areas, weights(part.positive, own, list(areas))) if areas else None,
            )
        )
    return tuple(found)


def finding_kind(text: str) -> str:
    """Return what a cell of the column `finding` says of a negative film.

    A cell that repeats the class, as `non-covid`, says no more than an empty one.
    """
    if (plain := re.sub(r"[\W_]+", "", text.casefold())) in _NOTHING:
        return NO_FINDING
    return OTHER_FINDINGS if plain and class_key(text) != "noncovid" else NOT_STATED


def _cells(attributes: Sequence[FilmAttributes], kind: str) -> list[str]:
    return [film.get(kind, "").strip().lower() for film in attributes]


def _places(kind: Column, films: Judged, cells: Sequence[str], threshold: float) -> Places:
    areas = within(films.positive, films.logits, films.groups, cells)
    cases = Counter(cell for cell, case in zip(cells, films.positive, strict=True) if case)
    counts = Counter(cell for cell in cells if cell)
    both = [name for name, count in counts.items() if 0 < cases[name] < count]
    return Places(
        kind=kind,
        within=areas,
        mean=mean(areas, weights(films.positive, cells, list(areas))) if areas else None,
        one_class=len(counts) - len(both),
        few=len(both) - len(areas),
        counted=sum(counts[name] for name in areas),
        films=len(cells),
        unnamed=len(cells) - counts.total(),
        worst=_worst(films, np.array(cells), threshold),
    )


def _worst(films: Judged, cells: NDArray[np.str_], threshold: float) -> WorstGroup | None:
    right: Bools = (films.probability >= threshold) == films.positive
    groups = np.array(films.groups)
    found = []
    for name in sorted(set(cells.tolist()) - {""}):
        for positive in (True, False):
            mask = (cells == name) & (films.positive == positive)
            if mask.sum() >= FEW:
                share = grouped_proportion(right[mask], groups[mask].tolist())
                found.append(WorstGroup(name, positive, share))
    return min(found, key=lambda group: group.share.value, default=None)
