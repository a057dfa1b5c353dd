"""The audit: the AUC of shortcuts on the test films, and of the model without the lungs.

A shortcut is fitted on the training films, as a network would find it there, and judged on the test
films, as the network is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge_export.films.film import Film, Split, require_held_out
from edge_export.films.labels import are_positive
from edge_export.films.pixels import ChangedPixels, FilmPixels, load_pixels
from edge_export.statistics.estimates import Estimate, Floats, auc, proportion
from edge_kit.audit.baseline import baseline
from edge_kit.audit.features import (
    DESCRIPTION,
    file_sizes,
    grey_levels,
    only_centre,
    without_centre,
)
from edge_kit.audit.regression import regression
from edge_kit.data.dataset import Dataset
from edge_kit.data.film_attributes import manifest_attributes
from edge_kit.data.film_folders import Folders
from edge_kit.evaluation.evaluated import Predict
from edge_runtime.bundle.records import Preprocess
from edge_runtime.errors import DataError

Conclusion = Literal["no evidence", "undecided", "no shortcut found"]

AUDITED: tuple[Split, ...] = ("train", "test")
NO_SOURCE = "no manifest names the sources of the films"

STRONG = 0.75
"""An AUC over which a shortcut alone makes accuracy doubtful.

A reader who tells three pairs of films in four apart would pass for one who has learnt something;
here it takes no look at the lungs to be that reader.
"""


@dataclass(frozen=True, slots=True)
class ModelAreas:
    """The model's AUC on the test films: as they are, without their centre, with nothing else."""

    whole: Estimate
    without_centre: Estimate
    only_centre: Estimate


@dataclass(frozen=True, slots=True)
class SourceGuess:
    """How often the source of a test film is guessed from grey levels, corners and borders.

    `most_frequent` is how often the most frequent source of the training films is right.
    """

    accuracy: Estimate
    most_frequent: Estimate


@dataclass(frozen=True, slots=True)
class Audit:
    """What shortcuts reach on the test films, as AUC with DeLong's 95 % interval.

    `source` is a reason where the source could not be guessed; `sources` counts all films by source
    and class, and is empty where no manifest names sources. Where there are no training films,
    shortcuts were fitted and judged in so many `parts` of the films themselves. `baseline` is the
    linear model on HOG features, which is no shortcut: it sees the whole film. `elsewhere` is what
    films from elsewhere say, in sentences.
    """

    classes: tuple[str, str]
    films: Mapping[str, int]
    size: Estimate
    grey_levels: Estimate
    model: ModelAreas | None
    source: SourceGuess | str
    sources: Mapping[str, Mapping[str, int]]
    parts: int = 0
    baseline: Estimate | None = None
    elsewhere: tuple[str, ...] = ()

    @property
    def shortcuts(self) -> dict[str, Estimate]:
        """The AUC of each shortcut, by its key."""
        areas = {"size": self.size, "grey_levels": self.grey_levels}
        return areas | ({"without_centre": self.model.without_centre} if self.model else {})

    @property
    def coincide(self) -> bool:
        """Whether every source has films of one class only, so that the source gives the class."""
        return len(self.sources) > 1 and all(len(counts) == 1 for counts in self.sources.values())

    @property
    def found(self) -> list[str]:
        """The shortcuts that make accuracy no evidence.

        They do better than chance (the interval is above one half) and either reach an AUC of
        `STRONG` or their interval reaches the model's: then these films cannot tell the model from
        the shortcut.
        """
        return [
            name
            for name, area in self.shortcuts.items()
            if area.low > 0.5 and (area.value > STRONG or self._reaches(area))
        ]

    @property
    def answer(self) -> Conclusion:
        """What accuracy on these films is worth.

        Undecided is where films are too few to tell: a shortcut that may be chance may also reach
        the model, or without one `STRONG`.
        """
        if self.found or self.coincide:
            return "no evidence"
        unclear = any(self._may_reach(area) for area in self.shortcuts.values())
        return "undecided" if unclear else "no shortcut found"

    def _reaches(self, area: Estimate) -> bool:
        return self.model is not None and area.high >= self.model.whole.low

    def _may_reach(self, area: Estimate) -> bool:
        return self._reaches(area) if self.model else area.high > STRONG

    def to_json(self) -> dict[str, Any]:
        """Return the audit as plain JSON content; it names sources, but no film and no path."""
        guess = self.source if isinstance(self.source, str) else asdict(self.source)
        return {
            "answer": self.answer,
            "baseline": asdict(self.baseline) if self.baseline else None,
            "classes": dict(zip(("negative", "positive"), self.classes, strict=True)),
            "elsewhere": list(self.elsewhere),
            "features": DESCRIPTION,
            "films": dict(self.films),
            "found": self.found,
            "grey_levels": asdict(self.grey_levels),
            "model": asdict(self.model) if self.model else None,
            "size": asdict(self.size),
            "source": guess,
            "sources": {name: dict(counts) for name, counts in self.sources.items()},
        }


def audit(
    dataset: Dataset,
    data: Folders,
    preprocess: Preprocess,
    predict: Predict | None = None,
    *,
    pixels: Mapping[Split, FilmPixels] | None = None,
) -> Audit:
    """Audit `dataset`, read from the folders `data`, and the model `predict` if given.

    `pixels` are those of the train and test films, `(n, height, width, channels)` in the dataset's
    order, for whoever has read them. The same films give the same audit.

    Raises:
        DataError: a film cannot be read, there are too few films of a class, or the model's
            answer is not finite.
    """
    require_held_out(dataset.films)
    train, test = (rows(dataset, split) for split in AUDITED)
    if {film.label for film in train} != {dataset.negative, dataset.positive}:
        problem = "has no training films of both classes to find shortcuts on"
        raise DataError(data, problem, "audit the folder that was trained on")
    if pixels is None:
        pixels = {"train": load_pixels(train, preprocess), "test": load_pixels(test, preprocess)}
    seen, judged = grey_levels(pixels["train"]), grey_levels(pixels["test"])
    truth = are_positive(train, dataset.positive), are_positive(test, dataset.positive)
    sources = [cells.get("source", "") for cells in manifest_attributes(data, dataset.films)]
    by_film = dict(zip(dataset.films, sources, strict=True))
    return Audit(
        classes=(dataset.negative, dataset.positive),
        films={"train": len(train), "test": len(test)},
        size=_separated(file_sizes(train), file_sizes(test), truth),
        grey_levels=_separated(seen, judged, truth),
        model=_areas(predict, pixels["test"], truth[1]) if predict else None,
        source=_guessed(seen, judged, [[by_film[film] for film in part] for part in (train, test)]),
        sources=by_source(dataset.films, sources),
        baseline=auc(truth[1], baseline(pixels["train"], truth[0])(pixels["test"])),
    )


def rows(dataset: Dataset, split: Split) -> tuple[Film, ...]:
    """Return the films of one split, in the dataset's order."""
    return tuple(film for film in dataset.films if film.split == split)


def _separated(
    train: Floats, test: Floats, positive: tuple[NDArray[np.bool_], NDArray[np.bool_]]
) -> Estimate:
    """Return the AUC that features `(n, m)` reach on the test films."""
    fitted = regression().fit(train, positive[0])
    return auc(positive[1], fitted.decision_function(test))


def _areas(predict: Predict, pixels: FilmPixels, positive: NDArray[np.bool_]) -> ModelAreas:
    return ModelAreas(
        model_auc(predict, pixels, positive),
        model_auc(predict, ChangedPixels(pixels, without_centre), positive),
        model_auc(predict, ChangedPixels(pixels, only_centre), positive),
    )


def model_auc(predict: Predict, pixels: FilmPixels, positive: NDArray[np.bool_]) -> Estimate:
    """Return the AUC of the model `predict` on `(n, height, width, channels)` pixels.

    Raises:
        DataError: an answer is not finite.
    """
    score = predict(pixels)
    if not np.isfinite(score).all():
        raise DataError("model", "its answer to a film is not finite", "train it again")
    return auc(positive, score)


def _guessed(seen: Floats, judged: Floats, sources: Sequence[Sequence[str]]) -> SourceGuess | str:
    """Return how well the sources of the test films are guessed, or why that cannot be tried."""
    (train, known), (test, named) = (
        (np.array(part), np.array([bool(source) for source in part])) for part in sources
    )
    counts = Counter(train[known].tolist())
    if not counts or not named.any():
        return NO_SOURCE
    if len(counts) == 1:
        return f"all training films are of one source, {next(iter(counts))}"
    fitted = regression().fit(seen[known], train[known])
    right = fitted.predict(judged[named]) == test[named]
    usual = min(counts, key=lambda name: (-counts[name], name))
    return SourceGuess(
        proportion(int(right.sum()), len(right)),
        proportion(int((test[named] == usual).sum()), len(right)),
    )


def by_source(films: Sequence[Film], sources: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return how many of `films` are of each of their `sources` and class; unnamed ones are not."""
    counts = Counter((name, film.label) for name, film in zip(sources, films, strict=True) if name)
    table: dict[str, dict[str, int]] = {}
    for (name, label), count in sorted(counts.items()):
        table.setdefault(name, {})[label] = count
    return table
