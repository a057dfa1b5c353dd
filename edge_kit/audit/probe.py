"""A linear probe: how well the features of a network name the place that a film comes from.

Alain and Bengio, arXiv:1610.01644. Within each class alone, for where classes and places coincide
whoever tells the classes apart tells the places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edge_export.films.labels import are_positive
from edge_export.statistics.clustered import grouped_proportion
from edge_export.statistics.estimates import Bools, Estimate, Floats
from edge_export.statistics.stratified import mean
from edge_kit.audit.regression import regression
from edge_kit.data.reader import FilmReader
from edge_kit.evaluation.evaluated import EvaluatedModel
from edge_kit.evaluation.evaluation import JudgedFilms
from edge_kit.evaluation.told_apart import ToldApart
from edge_kit.evaluation.yardstick import PLACES, Column
from edge_runtime.errors import EdgeError

PARTS = 5
"""Parts of whole groups; each place has to have at least as many groups of a class."""
OF_A_BUNDLE = "a bundle gives no features, ask the run that it was exported from"
NO_PLACES = f"no class has films of two sources, or hospitals, with {PARTS} groups each"


def probe(
    features: Floats, positive: Bools, groups: Sequence[str], cells: Mapping[Column, Sequence[str]]
) -> tuple[ToldApart, ...] | str:
    """Return how well `features` `(n, m)` name the `cells` of films by kind, or why that is open.

    A logistic regression on standardised features names the films of one part of the `groups`,
    fitted on the others, in turn. The same films give the same answer. Intervals take the fits as
    given, which makes them a little narrow.
    """
    found = [
        one
        for kind, names in cells.items()
        if (one := _probe(kind, features, positive, np.array(groups), np.array(names)))
    ]
    return tuple(found) or NO_PLACES


def _probe(
    kind: str, features: Floats, positive: Bools, groups: NDArray[np.str_], names: NDArray[np.str_]
) -> ToldApart | None:
    shares: dict[str, Estimate] = {}
    told: set[str] = set()
    classes = 0
    for mask in (positive, ~positive):
        kept = mask & np.isin(names, _enough(names[mask], groups[mask]))
        if len(places := set(names[kept].tolist())) < 2:
            continue
        told, classes = told | places, classes + 1
        right = _answers(features[kept], names[kept], groups[kept]) == names[kept]
        for place in sorted(places):
            own = names[kept] == place
            share = grouped_proportion(right[own], groups[kept][own].tolist())
            shares[f"{classes} {place}"] = share
    if not shares:
        return None
    # Of k places guessing is right in 1 / k, so over all places of both classes in 1 / mean k.
    right_on_average = mean(shares, dict.fromkeys(shares, 1.0))
    return ToldApart(kind, len(told), right_on_average, classes / len(shares))


def _enough(names: NDArray[np.str_], groups: NDArray[np.str_]) -> list[str]:
    """Return the places that have a group for each part."""
    pairs = set(zip(names.tolist(), groups.tolist(), strict=True))
    counts = Counter(name for name, _ in pairs if name)
    return [name for name, count in counts.items() if count >= PARTS]


def _answers(
    features: Floats, names: NDArray[np.str_], groups: NDArray[np.str_]
) -> NDArray[np.str_]:
    """Return the place that a probe names for each film, fitted on films of other groups."""
    from sklearn.model_selection import StratifiedGroupKFold

    answered = np.empty_like(names)
    # Without shuffling nothing is drawn.
    for fit, judge in StratifiedGroupKFold(PARTS).split(features, names, groups):
        if len(set(names[fit].tolist())) == 1:
            answered[judge] = names[fit][0]
        else:
            fitted = regression(balanced=True).fit(features[fit], names[fit])
            answered[judge] = fitted.predict(features[judge])
    return answered


def probe_of(
    model: EvaluatedModel, judged: JudgedFilms, reader: FilmReader, by: Sequence[Column] = PLACES
) -> tuple[ToldApart, ...] | str:
    """Return how well `model` tells the places of the `judged` films apart, or why that is open.

    Places are sources and hospitals, as far as they are in `by` and stated.
    """
    cells = {
        kind: [film.get(kind, "").strip().lower() for film in judged.attributes]
        for kind in PLACES
        if kind in by and any(film.get(kind, "").strip() for film in judged.attributes)
    }
    if not cells:
        return ()
    if model.features is None:
        return OF_A_BUNDLE
    try:
        features = model.features(reader.pixels(judged.films, model.preprocess))
    except EdgeError as error:
        return error.problem
    positive = are_positive(judged.films, judged.positive)
    return probe(features, positive, [film.group for film in judged.films], cells)
