"""From a folder of films to labelled, grouped and split films, or one line why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_export.films.film import SPLITS, Film, Split
from edge_export.words import counted
from edge_kit.data.collection import index_collection
from edge_kit.data.dicom_header import PATIENT, STUDY
from edge_kit.data.film_folders import FilmFolders, Folders, film_folders
from edge_kit.data.films import ReadFilm, list_films, read_listed
from edge_kit.data.fingerprints import group_films, near_duplicates
from edge_kit.data.groups import read_groups
from edge_kit.data.index import FOLDER, check_splits
from edge_kit.data.labels import Modality
from edge_kit.data.reader import FilmReader
from edge_kit.data.split import FRACTIONS, assign
from edge_runtime.errors import DataError

SCANNED = "scanned group"
NEAR_PAIR = "near-duplicate pair"
Pairs = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Leak:
    """Two films in different splits that belong together.

    `of` is `NEAR_PAIR`, or what kind of id they share; the id may name a patient, and is not there.
    """

    of: str
    films: tuple[Film, Film]


@dataclass(frozen=True, slots=True)
class Dataset:
    """The films to train, select and test on, sorted by their path below the data folder.

    `classes` maps every class name found to the class it was taken for and its count of films;
    `warnings` are for every reader of figures and name no film; `details` name films, and are for
    their owner's terminal alone, as `notes` are, which count what is no film. Films of one group
    are in one split, so where the given splits part what belongs together, those are several groups
    and a leak. `split_seed` dealt what the data does not give, and `class_names` are the names of
    the positive and the negative classes as they were chosen.
    """

    films: tuple[Film, ...]
    modality: Modality
    positive: str
    negative: str
    classes: Mapping[str, tuple[str, int]]
    warnings: tuple[str, ...]
    leaks: tuple[Leak, ...] = ()
    notes: tuple[str, ...] = ()
    split_seed: int = 0
    class_names: tuple[str, str | None] = ("covid", None)
    details: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name of a class, as found and as matched."""
        return (self.negative, self.positive, *self.classes)


def load_dataset(
    data: Folders,
    *,
    modality: str | None = None,
    positive: str = "covid",
    negative: str | None = None,
    seed: int,
    skip_unreadable: bool = False,
    groups: Path | None = None,
    reader: FilmReader | None = None,
) -> Dataset:
    """Find, check, fingerprint, group and split the films of one folder or several.

    `groups` is a table of `edge-kit data scan`, which also finds what no hash can. Films that
    `reader` has seen before are not read again.

    A split the folder does not give is taken from its train films (all films if it gives none),
    by groups: patients, given groups and near-duplicates. Copies of a film count once. The same
    films give the same groups and splits by `seed` wherever they lie and whatever they are called.
    `positive` and `negative` name one class each, or several with commas between.

    Raises:
        UsageError: there are films of several modalities and `modality` chooses none.
        DataError: the folder, its manifest or its films cannot be trained on.
    """
    listed = list_films(data, modality=modality, positive=positive, negative=negative)
    folders = listed.folders
    check_splits(folders, listed.entries)
    read = read_listed(listed, reader or FilmReader(), skip_unreadable=skip_unreadable)
    ids = _ids(folders, read.films, groups)
    pairs = near_duplicates([film.fingerprint for film in read.films])
    films = _split(folders, read.films, _groups(read.films, ids, pairs), seed)
    leaks = tuple(_leaks(read.films, films, ids, pairs))
    classes = listed.classes
    by_folder = any(name.startswith(f"{FOLDER} ") for names in ids for name in names)
    _require_both_classes(folders, films, (classes.positive, classes.negative), by_folder=by_folder)
    return Dataset(
        films=films,
        modality=listed.modality,
        positive=classes.positive,
        negative=classes.negative,
        classes=read.classes(listed),
        warnings=(*read.warnings(), *(warning for warning, _ in _parted(folders, leaks))),
        leaks=leaks,
        notes=tuple(read.notes),
        split_seed=seed,
        class_names=(positive, negative),
        details=(*read.skipped(), *(examples for _, examples in _parted(folders, leaks))),
    )


def other_films(
    data: Folders,
    modality: Modality,
    *,
    positive: str = "covid",
    negative: str | None = None,
    seed: int,
    reader: FilmReader | None = None,
) -> tuple[Film, ...]:
    """Return the films of the folders that are not of `modality`, with their splits.

    Damaged films are left out: counter-examples are needed in number, not each of them.

    Raises:
        DataError: they cannot be told apart or split.
    """
    folders = film_folders(data)
    names: dict[Modality, list[str]] = {}
    for entry in index_collection(folders, positive=positive, negative=negative).entries:
        if entry.modality not in (modality, None):
            names.setdefault(entry.modality, []).append(entry.name)
    return tuple(
        film
        for foreign, named in sorted(names.items())
        for film in load_dataset(
            folders.holding(named),
            modality=foreign,
            positive=positive,
            negative=negative,
            seed=seed,
            skip_unreadable=True,
            reader=reader,
        ).films
    )


def _ids(
    folders: FilmFolders, kept: Sequence[ReadFilm], table: Path | None
) -> list[tuple[str, ...]]:
    """Return for each film the ids that it shares with others: patient, given and scanned group."""
    if table is None:
        return [item.entry.ids for item in kept]
    scanned = read_groups(table)
    names = [item.entry.name for item in kept]
    if missing := [name for name in names if name not in scanned]:
        problem = f"is not in {table} ({counted(len(missing), 'such film')})"
        raise DataError(folders.path(missing[0]), problem, "scan again: edge-kit data scan")
    return [
        (*item.entry.ids, f"{SCANNED} {scanned[name]}")
        for item, name in zip(kept, names, strict=True)
    ]


def _groups(kept: Sequence[ReadFilm], ids: Sequence[tuple[str, ...]], pairs: Pairs) -> list[str]:
    """Return the group of every film; what the given splits part is in several groups."""
    together = [kept[low].entry.split == kept[high].entry.split for low, high in pairs]
    return group_films(
        [item.fingerprint.sha256 for item in kept],
        [
            [f"{item.entry.split} {name}" for name in names]
            for item, names in zip(kept, ids, strict=True)
        ],
        pairs[np.array(together, np.bool_)],
    )


def _leaks(
    kept: Sequence[ReadFilm], films: Sequence[Film], ids: Sequence[tuple[str, ...]], pairs: Pairs
) -> Iterator[Leak]:
    """Yield one leak for every near-duplicate pair and every further split of an id."""
    first: dict[str, tuple[int, set[Split | None]]] = {}
    for place, (item, names) in enumerate(zip(kept, ids, strict=True)):
        for name in names:
            start, seen = first.setdefault(name, (place, {item.entry.split}))
            if item.entry.split not in seen:
                seen.add(item.entry.split)
                yield Leak(_spoken(name), (films[start], films[place]))
    for low, high in pairs.tolist():
        if kept[low].entry.split != kept[high].entry.split:
            yield Leak(NEAR_PAIR, (films[low], films[high]))


def _spoken(name: str) -> str:
    """Return what an id is of, without the id: that may be a patient's name."""
    kinds = {"patient_id": "patient", "group_id": "group", FOLDER: "folder", "name": "patient"}
    return (
        next((what for what in (PATIENT, STUDY, SCANNED) if name.startswith(what)), "")
        or kinds[name.partition(" ")[0]]
    )


def _split(
    folders: FilmFolders, kept: Sequence[ReadFilm], groups: Sequence[str], seed: int
) -> tuple[Film, ...]:
    given_splits = {item.entry.split for item in kept}
    missing: list[Split] = ["train", *(split for split in SPLITS[1:] if split not in given_splits)]
    pool = [
        (group, item.label)
        for group, item in zip(groups, kept, strict=True)
        if item.entry.split in (None, "train")
    ]
    assigned = assign(pool, seed=seed, fractions={split: FRACTIONS[split] for split in missing})
    return tuple(
        Film(
            path=folders.path(item.entry.name),
            label=item.label,
            split=assigned.get(group) or item.entry.split or "train",
            group=group,
            sha256=item.fingerprint.sha256,
        )
        for group, item in zip(groups, kept, strict=True)
    )


def _require_both_classes(
    folders: FilmFolders, films: Sequence[Film], classes: tuple[str, str], *, by_folder: bool
) -> None:
    cure = "add films of other patients until train, val and test have both classes"
    if by_folder:
        cure += "; folders below the classes count as patients: where they are none, take them away"
    present = {(film.split, film.label) for film in films}
    groups = Counter(label for label, _ in {(film.label, film.group) for film in films})
    for split in SPLITS:
        for label in classes:
            if (split, label) not in present:
                counts = " and ".join(f"{groups[name]} {name}" for name in classes)
                raise DataError(
                    folders,
                    f"the {split} split has no {label} film (groups: {counts})",
                    cure,
                )


def _parted(folders: FilmFolders, leaks: Sequence[Leak]) -> Iterator[tuple[str, str]]:
    """Yield a warning where the given splits part what belongs together, and examples by name."""
    for thing in (NEAR_PAIR, "group"):
        parted = [leak for leak in leaks if (leak.of == NEAR_PAIR) == (thing == NEAR_PAIR)]
        if parted:
            examples = "; ".join(
                " and ".join(folders.name(film.path) for film in leak.films) for leak in parted[:2]
            )
            yield f"the given splits part {counted(len(parted), thing)}", f"parted: {examples}"
