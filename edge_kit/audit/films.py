"""The films that an audit reads, in the splits of the model's training."""

from __future__ import annotations

from dataclasses import replace

from edge_kit.data.dataset import Dataset, load_dataset
from edge_kit.data.film_folders import Folders
from edge_kit.data.reader import FilmReader
from edge_kit.evaluation.evaluated import EvaluatedModel
from edge_runtime.errors import DataError


def audited_films(
    data: Folders,
    model: EvaluatedModel | None,
    *,
    modality: str | None = None,
    positive: str | None = None,
    negative: str | None = None,
    seed: int | None = None,
    skip_unreadable: bool = False,
    reader: FilmReader | None = None,
) -> Dataset:
    """Return the films of the folders to audit, for `model` if there is one.

    If films of a run are among them, only those are returned, in the splits of the run's table. Of
    other films the folder's splits count, or those of the model's seed.

    Raises:
        UsageError: there are films of several modalities and neither `modality` nor `model`
            chooses one, or `positive` is the model's negative class.
        DataError: the films cannot be read, a split has too few, or these are not the splits by
            which a bundle was made.
    """
    known = (model.seed if model else None) or 0
    names = (
        model.classes_among(data, positive, negative) if model else (positive or "covid", negative)
    )
    dataset = load_dataset(
        data,
        modality=modality or (model.modality if model else None),
        positive=names[0],
        negative=names[1],
        seed=known if seed is None else seed,
        skip_unreadable=skip_unreadable,
        reader=reader,
    )
    if model is None:
        return dataset
    table = model.known
    if model.kind == "bundle":
        if any(
            table.get(film.sha256) == "train" for film in dataset.films if film.split != "train"
        ):
            problem = "are not in the splits by which the bundle was made"
            raise DataError(data, problem, "audit the run it was exported from")
        return dataset
    own = [
        replace(film, split=table[film.sha256]) for film in dataset.films if film.sha256 in table
    ]
    return replace(dataset, films=tuple(own)) if own else dataset
