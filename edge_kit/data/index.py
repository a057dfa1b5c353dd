"""Which films a folder holds and what it says of them, from names alone; no film is opened."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from edge_export.films.film import SPLITS, Split
from edge_kit.data.film_folders import Folders, film_folders
from edge_kit.data.folders import EXTENSIONS, FolderContents, counted, folder_contents
from edge_kit.data.labels import (
    MODALITIES,
    Modality,
    class_names,
    composed,
    listed,
    modality_of,
    split_of,
    stated_modality,
)
from edge_kit.data.places import name_patients, places
from edge_kit.data.table import read_table
from edge_runtime.errors import DataError, UsageError

MANIFEST = "manifest.csv"
FOLDER = "folder"
"""How the id of a film begins that a folder below its class gives."""
_CHOICES = f"{', '.join(MODALITIES[:-1])} or {MODALITIES[-1]}"
_LONGEST_PATH = 4096
# What tools write for an empty cell must not make one patient of all who have none.
NO_ID = frozenset({"", "n/a", "na", "nan", "none", "null", "unknown"})
"""Cells, in small letters, that name no patient and no group."""


@dataclass(frozen=True, slots=True)
class FilmEntry:
    """What the names and the manifest say of a film before it is opened.

    `name` is the POSIX path below the data folder, `class_name` the class as written there and
    `ids` the patient and group it belongs to; `None` where the folder does not say. `source` is
    the one that a manifest names, or empty.
    """

    name: str
    class_name: str
    modality: Modality | None
    split: Split | None
    ids: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class FolderIndex:
    """The films of a folder by name; what is left out, and what else its owner should know.

    `left_out` and `notes` are counts in words, and name no file.
    """

    entries: tuple[FilmEntry, ...]
    left_out: str = ""
    notes: tuple[str, ...] = field(default=())


def index_films(
    root: Path, *, positive: str = "covid", negative: str | None = None
) -> tuple[FilmEntry, ...]:
    """List the films of `root`, as `index_folder` does."""
    return index_folder(root, positive=positive, negative=negative).entries


def index_folder(
    root: Path, *, positive: str = "covid", negative: str | None = None
) -> FolderIndex:
    """List the films of `root`, by its manifest.csv or else by its folders, sorted by name.

    Folders are class, train|val|test and modality in any order, with a wrapper before them and
    patients below the class; the classes that `positive` and `negative` name are never taken for
    a wrapper. Hidden files are passed over; whatever else is no film is counted.

    Raises:
        DataError: there is no such folder, no film, or one whose class, split or modality
            cannot be told.
    """
    if not root.is_dir():
        raise DataError(root, "is no folder", "give the folder that holds the films")
    named = [name for names in (positive, negative or "") for name in (names, *class_names(names))]
    try:
        manifest = root / MANIFEST
        index = _by_manifest(manifest) if manifest.exists() else _by_folder(root, named)
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        raise DataError(error.filename or root, problem, "check the path and the rights") from error
    if not index.entries:
        cure = f"give a {MANIFEST} or class folders with {', '.join(sorted(EXTENSIONS))} files"
        problem = f"holds no films ({index.left_out})" if index.left_out else "holds no films"
        raise DataError(root, problem, cure)
    of_root = modality_of(root.resolve().name)
    marked = (replace(entry, modality=entry.modality or of_root) for entry in index.entries)
    return replace(index, entries=tuple(sorted(marked, key=lambda entry: entry.name)))


def select_modality(
    root: Folders, entries: Sequence[FilmEntry], modality: str | None
) -> tuple[Modality, tuple[FilmEntry, ...]]:
    """Return the modality to train on and its entries.

    Films of which nothing says the modality are what `modality` says; it is not guessed.

    Raises:
        UsageError: `modality` is no modality, or it is `None` and there are several, or nothing
            says what the films are.
        DataError: there are no films of it, or some films are marked and others not.
    """
    counts = Counter(str(entry.modality) for entry in entries)
    known = None if modality is None else stated_modality(modality)
    if modality is not None and known is None:
        raise UsageError("--modality", f"{modality!r} is not known", f"choose {_CHOICES}")
    if counts.keys() == {"None"}:
        if known is None:
            problem = "neither its folders nor a manifest say what the films are"
            raise UsageError(root, problem, f"say --modality {_CHOICES}")
        return known, tuple(entries)
    if "None" in counts:
        unmarked = next(entry.name for entry in entries if entry.modality is None)
        raise DataError(
            film_folders(root).path(unmarked),
            "has no modality, others have",
            "mark all films or none",
        )
    if known is None and len(counts) > 1:
        raise UsageError(root, f"holds {listed(counts)}", "choose one with --modality")
    chosen = next(name for name in MODALITIES if name in counts) if known is None else known
    if chosen not in counts:
        raise DataError(root, f"holds no {chosen}, only {listed(counts)}", "choose that --modality")
    return chosen, tuple(entry for entry in entries if entry.modality == chosen)


def check_splits(root: Folders, entries: Sequence[FilmEntry]) -> None:
    """Require that splits, where given, cover all films, train among them.

    Raises:
        DataError: a film has no split though others have, or there is none to train on.
    """
    named = {entry.split for entry in entries} - {None}
    if not named:
        return
    if unsplit := [entry.name for entry in entries if entry.split is None]:
        raise DataError(
            film_folders(root).path(unsplit[0]),
            f"is in no split ({len(unsplit)} such films), others are",
            "give all films a split or none",
        )
    if "train" not in named:
        problem = f"has only {' and '.join(sorted(filter(None, named)))} films"
        raise DataError(root, problem, "add train films or leave the splits out")


def _by_manifest(manifest: Path) -> FolderIndex:
    entries: dict[str, FilmEntry] = {}
    for line, row in read_table(manifest, ("path", "label")):
        entry = _row(f"{manifest} line {line}", row)
        entry = replace(entry, name=_on_disk(manifest.parent, entry.name))
        if entry.name in entries:
            raise DataError(f"{manifest} line {line}", f"{entry.name} again", "list films once")
        if not (manifest.parent / entry.name).is_file():
            raise DataError(
                manifest.parent / entry.name,
                f"is no file, but line {line} of {MANIFEST} lists it",
                "restore it or delete the line",
            )
        entries[entry.name] = entry
    return FolderIndex(tuple(entries.values()), notes=_unlisted(manifest.parent, entries))


def _on_disk(root: Path, name: str) -> str:
    """Return `name`, with its accents written as those of the file are."""
    forms = (name, *(unicodedata.normalize(form, name) for form in ("NFC", "NFD")))
    return next((form for form in forms if (root / form).is_file()), name)


def _unlisted(root: Path, entries: Mapping[str, FilmEntry]) -> tuple[str, ...]:
    """Return a line that counts the films below `root` which its manifest does not list."""
    with suppress(OSError):  # what is listed was found
        films = folder_contents(root).films
        if number := sum(path.as_posix() not in entries for path in films):
            return (f"films or pictures that {MANIFEST} does not list: {number}",)
    return ()


def _row(subject: str, row: dict[str, str]) -> FilmEntry:
    # Manifests are written on Windows too; both separators mean the same there.
    if len(row["path"]) > _LONGEST_PATH:
        raise DataError(subject, f"has a path of {len(row['path'])} characters", "check its quotes")
    path = PureWindowsPath(row["path"])
    if not path.name or path.anchor or ".." in path.parts:
        problem = f"path {row['path']!r} is not below the folder"
        raise DataError(subject, problem, "give paths relative to the manifest's folder")
    if not row["label"]:
        raise DataError(subject, "has no label", "give its class, such as covid or noncovid")
    split, modality = row.get("split", ""), row.get("modality", "")
    if split and split_of(split) is None:
        raise DataError(subject, f"unknown split {split!r}", f"use {', '.join(SPLITS)} or none")
    if modality and stated_modality(modality) is None:
        raise DataError(subject, f"unknown modality {modality!r}", f"use {_CHOICES}")
    return FilmEntry(
        name=path.as_posix(),
        class_name=composed(row["label"]),
        modality=stated_modality(modality) if modality else modality_of(path.parts[0]),
        split=split_of(split),
        ids=tuple(
            f"{key} {row[key]}"
            for key in ("patient_id", "group_id")
            if row.get(key, "").lower() not in NO_ID
        ),
        source=row.get("source", ""),
    )


def _by_folder(root: Path, named: Sequence[str]) -> FolderIndex:
    contents = folder_contents(root, named)
    by_folder: dict[PurePosixPath, list[Path]] = {}
    for path in contents.films:
        by_folder.setdefault(PurePosixPath(path.parent), []).append(path)
    found, lines = places(root, by_folder, named)
    films = [(path, found[folder]) for folder, paths in by_folder.items() for path in paths]
    persons = name_patients([(path.name, place.split) for path, place in films])
    entries = tuple(
        FilmEntry(
            path.as_posix(),
            place.class_name,
            place.modality,
            place.split,
            tuple(
                f"{what} {name}"
                for what, name in ((FOLDER, place.patient), ("name", person))
                if name
            ),
        )
        for (path, place), person in zip(films, persons, strict=True)
    )
    if number := len({*persons} - {""}):
        lines.append(f"patients that the names of films tell (person1_virus_2): {number}")
    return FolderIndex(entries, counted(contents.left_out), (*lines, *_passed_over(contents)))


def _passed_over(contents: FolderContents) -> Iterable[str]:
    if contents.passed_over:
        yield f"passed over: {counted(contents.passed_over)}"
