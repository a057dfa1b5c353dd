"""The films that an audit reads, dealt as the model's training had them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edge_kit.data.dataset import Dataset, load_dataset
from edge_kit.data.reader import FilmReader
from edge_kit.evaluation.subject import Subject
from edge_runtime.errors import DataError


def audited_films(
    root: Path,
    subject: Subject | None,
    *,
    modality: str | None = None,
    positive: str | None = None,
    seed: int | None = None,
    skip_unreadable: bool = False,
    reader: FilmReader | None = None,
) -> Dataset:
    """Return the films below `root` to audit, for `subject` if there is one.

    Where some are films of a run, they are those of its split table, as it dealt them. Of other
    films the folder's splits count, or those of the subject's seed.

    Raises:
        UsageError: there are films of several modalities and neither `modality` nor `subject`
            chooses one, or `positive` is the subject's negative class.
        DataError: the films cannot be read, a split has too few, or these are not the splits by
            which a bundle was made.
    """
    known = (subject.seed if subject else None) or 0
    dataset = load_dataset(
        root,
        modality=modality or (subject.modality if subject else None),
        positive=subject.positive_among(positive) if subject else positive or "covid",
        seed=known if seed is None else seed,
        skip_unreadable=skip_unreadable,
        reader=reader,
    )
    if subject is None:
        return dataset
    table = subject.known
    if subject.kind == "bundle":
        if any(
            table.get(film.sha256) == "train" for film in dataset.films if film.split != "train"
        ):
            problem = "are not in the splits by which the bundle was made"
            raise DataError(root, problem, "audit the run it was exported from")
        return dataset
    own = [
        replace(film, split=table[film.sha256]) for film in dataset.films if film.sha256 in table
    ]
    return replace(dataset, films=tuple(own)) if own else dataset
