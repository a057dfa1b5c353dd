"""The audit of films from elsewhere, which a model was judged on and never trained on.

They have no training films of their own to find shortcuts on. So the films themselves are dealt
into parts of whole groups, and in each part shortcuts are judged that were fitted on the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edge_export.films.film import Split
from edge_export.films.labels import are_positive
from edge_export.films.pixels import ChangedPixels, FilmPixels
from edge_export.statistics.estimates import Estimate, Floats, auc, proportion
from edge_kit.audit.audit import (
    NO_SOURCE,
    Audit,
    ModelAreas,
    SourceGuess,
    by_source,
    model_auc,
)
from edge_kit.audit.baseline import INVERSE_PENALTY as HOG_PENALTY
from edge_kit.audit.features import (
    INVERSE_PENALTY,
    file_sizes,
    grey_levels,
    only_centre,
    without_centre,
)
from edge_kit.audit.hog import hog
from edge_kit.audit.regression import regression
from edge_kit.data.split import assign
from edge_kit.evaluation.evaluated import Predict
from edge_kit.evaluation.evaluation import JudgedFilms
from edge_kit.training.folds import mean_auc
from edge_runtime.errors import DataError

MOST_PARTS, LEAST = 5, 2
"""Parts that films are dealt into at most, and films of each class that each of them needs."""

Mask = NDArray[np.bool_]


def audit_apart(judged: JudgedFilms, pixels: FilmPixels, predict: Predict) -> Audit:
    """Audit the films that a model was judged on, `(n, height, width, channels)` pixels of them.

    AUCs of shortcuts are means over the parts; those of the model are of all films at once. The
    same films give the same audit, in whatever order.

    Raises:
        DataError: there are too few groups of a class, or a film's file cannot be opened.
    """
    positive = are_positive(judged.films, judged.positive)
    parts = _parts(judged, positive)
    seen, sizes = grey_levels(pixels), file_sizes(judged.films)
    return Audit(
        classes=(judged.negative, judged.positive),
        films={"judged": len(judged.films)},
        size=_separated(sizes, positive, parts),
        grey_levels=_separated(seen, positive, parts),
        model=ModelAreas(
            auc(positive, np.array(judged.logits)),
            model_auc(predict, ChangedPixels(pixels, without_centre), positive),
            model_auc(predict, ChangedPixels(pixels, only_centre), positive),
        ),
        source=_guessed(seen, np.array(judged.sources), parts),
        sources=by_source(judged.films, judged.sources),
        parts=len(parts),
        baseline=_separated(hog(pixels), positive, parts, HOG_PENALTY),
    )


def _parts(judged: JudgedFilms, positive: Mask) -> list[Mask]:
    """Return the films of each part, as many parts as have two films of each class.

    Raises:
        DataError: there are not two such parts.
    """
    members = [(film.group, film.label) for film in judged.films]
    for count in range(MOST_PARTS, 1, -1):
        # To `assign` a split is a name like any other.
        names = [cast("Split", f"part {number}") for number in range(count)]
        dealt = assign(members, seed=0, fractions=dict.fromkeys(names, 1.0))
        column = np.array([dealt[group] for group, _ in members])
        parts = [column == name for name in names]
        classes = [part & kept for part in parts for kept in (positive, ~positive)]
        if min(int(mask.sum()) for mask in classes) >= LEAST:
            return parts
    problem = "are of too few patients of a class to find shortcuts on some and judge on others"
    raise DataError("the films", problem, "add films of other patients")


def _separated(
    features: Floats, positive: Mask, parts: Sequence[Mask], penalty: float = INVERSE_PENALTY
) -> Estimate:
    """Return the mean AUC that features `(n, m)` reach on each part, fitted on the others."""
    outcomes = []
    for part in parts:
        fitted = regression(penalty).fit(features[~part], positive[~part])
        outcomes.append((positive[part], fitted.decision_function(features[part])))
    return mean_auc(outcomes)


def _guessed(
    features: Floats, sources: NDArray[np.str_], parts: Sequence[Mask]
) -> SourceGuess | str:
    """Return how well the sources of the films are guessed, or why that cannot be tried."""
    known = sources != ""
    counts = Counter(sources[known].tolist())
    if not counts:
        return NO_SOURCE
    if any(len(set(sources[~part & known].tolist())) < 2 for part in parts):
        return "the films are of one source, or nearly so"
    right = [
        regression().fit(features[~part & known], sources[~part & known])
        .predict(features[part & known]) == sources[part & known]
        for part in parts
    ]  # fmt: skip
    hits, films = int(sum(part.sum() for part in right)), int(known.sum())
    return SourceGuess(proportion(hits, films), proportion(max(counts.values()), films))
