"""The films that an audit reads, dealt as the model's training had them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edge_kit.data.dataset import Dataset, load_dataset
from edge_kit.evaluation.subject import Subject


def audited_films(
    root: Path,
    subject: Subject | None,
    *,
    modality: str | None = None,
    positive: str | None = None,
    seed: int | None = None,
    skip_unreadable: bool = False,
    cache: Path | None = None,
) -> Dataset:
    """Return the films below `root` to audit, for `subject` if there is one.

    Where some are films of a run, they are those of its split table, as it dealt them. Of other
    films the folder's splits count, or those of the subject's seed.

    Raises:
        UsageError: there are films of several modalities and neither `modality` nor `subject`
            chooses one.
        DataError: the films cannot be read, or a split has too few.
    """
    known = (subject.seed if subject else None) or 0
    dataset = load_dataset(
        root,
        modality=modality or (subject.modality if subject else None),
        positive=positive or (subject.positive if subject else "covid"),
        seed=known if seed is None else seed,
        skip_unreadable=skip_unreadable,
        cache=cache,
    )
    if subject is None or subject.kind != "run":
        return dataset
    table = subject.known
    own = [replace(one, split=table[one.sha256]) for one in dataset.films if one.sha256 in table]
    return replace(dataset, films=tuple(own)) if own else dataset
