"""The labelled films of a site, as a bundle answers for them; which of them a fit may use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge_export.films.labels import are_positive
from edge_export.statistics.estimates import Bools, Floats
from edge_kit.evaluation.evaluated import EvaluatedModel
from edge_kit.evaluation.evaluation import set_digest
from edge_kit.evaluation.films import LabelledFilms
from edge_runtime.bundle.records import Site
from edge_runtime.errors import DataError

LEAST = 2
"""Films of each class without which there is no interval; fewer are refused."""
FEW = 50
"""Films of each class under which an interval is too wide to rely on: it is said."""


@dataclass(frozen=True, slots=True)
class SiteFilms:
    """Films that a bundle judged: whether positive `(n,)`, and its own logits `(n,)` for them.

    `groups` are those of patients and near-duplicates. `refused` counts those it did not judge.
    """

    positive: Bools
    raw: Floats
    groups: tuple[str, ...]
    digests: tuple[str, ...]
    refused: int = 0

    @property
    def counts(self) -> tuple[int, int]:
        """How many films are negative, and how many positive."""
        cases = int(self.positive.sum())
        return len(self.positive) - cases, cases

    def only(self, places: Sequence[int]) -> SiteFilms:
        """Return the films at `places`."""
        return replace(
            self,
            positive=self.positive[places],
            raw=self.raw[places],
            groups=tuple(self.groups[place] for place in places),
            digests=tuple(self.digests[place] for place in places),
        )


def judged_films(model: EvaluatedModel, labelled: LabelledFilms) -> SiteFilms:
    """Return the films that got a logit from `model`."""
    outcomes = model.classify([film.path for film in labelled.films])
    kept = [
        (film, outcome.logit)
        for film, outcome in zip(labelled.films, outcomes, strict=True)
        if outcome.logit is not None
    ]
    return SiteFilms(
        positive=are_positive((film for film, _ in kept), labelled.positive),
        raw=np.array([logit for _, logit in kept], np.float64),
        groups=tuple(film.group for film, _ in kept),
        digests=tuple(film.sha256 for film, _ in kept),
        refused=len(outcomes) - len(kept),
    )


def require_films(films: SiteFilms, labelled: LabelledFilms, least: int, why: str) -> None:
    """Refuse fewer than `least` films of a class; `why` says what these are needed for.

    Raises:
        DataError: there are fewer.
    """
    controls, cases = films.counts
    if min(cases, controls) < least:
        problem = f"{cases} {labelled.positive} and {controls} {labelled.negative} films were {why}"
        raise DataError(labelled.folders, problem, "add films")


def one_a_patient(films: SiteFilms) -> SiteFilms:
    """Return one film of each class of a group, that of the least digest.

    Digests know nothing of answers, so that it is as good as drawn, and the same at every run.
    """
    chosen: dict[tuple[str, bool], int] = {}
    for place in sorted(range(len(films.digests)), key=lambda place: films.digests[place]):
        chosen.setdefault((films.groups[place], bool(films.positive[place])), place)
    return films.only(sorted(chosen.values()))


def site_record(model: EvaluatedModel, films: SiteFilms, fitted: tuple[str, ...]) -> Site:
    """Return what a manifest says of the films of a site, and of what was `fitted` on them."""
    controls, cases = films.counts
    return Site(
        bundle=model.identity or "",
        fitted=fitted,
        films=set_digest(films.digests),
        negative=controls,
        positive=cases,
    )


def of_films(model: EvaluatedModel, films: SiteFilms) -> Iterator[str]:
    """Yield what has to be said of the films that something was fitted on, in sentences."""
    if seen := sum(digest in model.known for digest in films.digests):
        yield f"{seen} of these films calibrated the bundle: fit it on films that it has not seen"
    if films.refused:
        refused = "film was" if films.refused == 1 else "films were"
        yield f"{films.refused} {refused} refused and left out"
    for name, count in zip((model.positive, model.negative), films.counts[::-1], strict=True):
        if count < FEW:
            yield f"{count} films of {name} are few: under {FEW}, mind the width of the intervals"


def of_sources(labelled: LabelledFilms) -> Iterator[str]:
    """Yield that sources have films of one class only, where they do."""
    classes: dict[str, set[str]] = {}
    for film, cells in zip(labelled.films, labelled.attributes, strict=True):
        if source := cells.get("source", ""):
            classes.setdefault(source, set()).add(film.label)
    single = sum(len(labels) == 1 for labels in classes.values())
    if single and len(classes) > 1:
        yield (
            f"{single} of {len(classes)} sources have films of one class only, so that what is "
            "fitted here tells sources apart as well"
        )
