"""Which of the films a model is judged on, and whether it has seen them before."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Literal

from edge_export.films.film import Split
from edge_export.words import counted
from edge_kit.data.dataset import load_dataset
from edge_kit.data.reader import FilmReader
from edge_kit.evaluation.evaluated import EvaluatedModel
from edge_kit.evaluation.films import LabelledFilms
from edge_kit.training.shortfalls import CHOSEN
from edge_runtime.errors import DataError, UsageError

SplitChoice = Literal["val", "test", "all"]


@dataclass(frozen=True, slots=True)
class Selection:
    """The places of the chosen films, what they are called, and what should be known of them."""

    places: tuple[int, ...]
    name: SplitChoice
    warnings: tuple[str, ...]


def select_films(
    model: EvaluatedModel,
    labelled: LabelledFilms,
    split: SplitChoice | None,
    reader: FilmReader | None = None,
) -> Selection:
    """Return the films to judge `model` on: by default its test films, or all of other data.

    A run's own split table counts for its own films; for a bundle, whose manifest tells only which
    films calibrated it, the folder's splits do, or those that its seed gives. Films that calibrated
    it were training films; where these splits put one elsewhere, it was made by others, and then
    all films are judged, with a warning.

    Raises:
        UsageError: a split is wanted of films that have none, or not those it was made by.
        DataError: no film is in it.
    """
    seen = [model.known.get(film.sha256) for film in labelled.films]
    name: SplitChoice = split or ("test" if any(seen) else "all")
    splits = _splits(model, labelled, seen, reader) if name != "all" else seen
    if name != "all" and not any(splits):
        problem = "these films have no splits, and are not those it was made with"
        raise UsageError("--split", problem, "leave it out: all films are new")
    warnings = []
    if _contradict(seen, splits):
        if split:
            problem = "these films are not in the splits by which the bundle was made"
            raise UsageError("--split", problem, "judge the run it was exported from")
        warnings = ["by which splits it was made is not known: most of these films may be its own"]
        name, splits = "all", seen
    places = tuple(place for place, split in enumerate(splits) if name in ("all", split))
    if not places:
        raise DataError(labelled.folders, f"holds no film of the {name} split", "choose another")
    if name != "all" and splits is not seen and (left := sum(not split for split in splits)):
        warnings.append(f"{counted(left, 'film')} left out, in no split though others are")
    own = labelled.splits if model.kind == "bundle" and name == "all" else splits
    warnings += _of_validation(model, seen, {own[place] for place in places})
    return Selection(places, name, (*warnings, *_warnings(model, labelled, seen, places)))


def _contradict(seen: Sequence[Split | None], splits: Sequence[Split | None]) -> bool:
    """Tell whether a film that calibrated the model is in another split than train by `splits`."""
    pairs = zip(seen, splits, strict=True)
    return any(known == "train" != split for known, split in pairs if split)


def _splits(
    model: EvaluatedModel,
    labelled: LabelledFilms,
    seen: Sequence[Split | None],
    reader: FilmReader | None,
) -> Sequence[Split | None]:
    if model.kind == "run" and any(seen):
        return seen
    if any(labelled.splits) or not any(seen) or model.seed is None:
        return labelled.splits
    # The command of its maker would assign these films alike, so these were its splits.
    positive, negative = labelled.class_names
    dataset = load_dataset(
        labelled.folders,
        modality=model.modality,
        positive=positive,
        negative=negative,
        seed=model.seed,
        skip_unreadable=True,
        reader=reader,
    )
    assigned = {film.sha256: film.split for film in dataset.films}
    return [assigned.get(film.sha256) for film in labelled.films]


def _of_validation(
    model: EvaluatedModel, seen: Sequence[Split | None], judged: Set[Split | None]
) -> list[str]:
    """Return what its validation films chose of `model`, if these are among the splits `judged`."""
    if "val" not in judged or not any(seen):
        return []
    sentences = [CHOSEN] if model.keep == "best" else []
    if model.fitted:
        parts = " and the ".join(model.fitted)
        sentences.append(
            f"the validation films chose the {parts}: their figures are too optimistic"
        )
    return sentences


def _warnings(
    model: EvaluatedModel,
    labelled: LabelledFilms,
    seen: Sequence[Split | None],
    places: Sequence[int],
) -> list[str]:
    films = labelled.films
    trained = {films[place].group for place, split in enumerate(seen) if split == "train"}
    itself = sum(seen[place] == "train" for place in places)
    akin = sum(films[place].group in trained for place in places) - itself
    done = "trained" if model.kind == "run" else "calibrated"
    sentences = []
    if itself:
        sentences.append(
            f"{itself} of these {len(places)} films {done} it: its figures are too optimistic"
        )
    if akin:
        sentences.append(
            f"{akin} of these films share a patient or a near-duplicate with films that {done} it"
        )
    if model.kind == "run" and (new := sum(split is None for split in seen)) < len(seen) and new:
        verb = "film is" if new == 1 else "films are"
        sentences.append(f"{new} {verb} not in the run's split table")
    return sentences
