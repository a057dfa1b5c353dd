"""Which films a folder holds and what it says of them, from names alone; no film is opened."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from edge_export.films.film import SPLITS, Split
from edge_kit.data.labels import (
    MODALITIES,
    Modality,
    class_key,
    listed,
    modality_of,
    split_of,
    stated_modality,
)
from edge_kit.data.table import read_table
from edge_runtime.errors import DataError, UsageError

MANIFEST = "manifest.csv"
EXTENSIONS = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".tif", ".tiff", ".webp"})
# The best known COVID set keeps lung masks, which are images too, beside its films.
_NOT_FILMS = frozenset({"mask", "masks"})
_CHOICES = f"{', '.join(MODALITIES[:-1])} or {MODALITIES[-1]}"
# What tools write for an empty cell must not make one patient of all who have none.
_NO_ID = frozenset({"", "n/a", "na", "nan", "none", "null", "unknown"})


@dataclass(frozen=True, slots=True)
class FilmEntry:
    """What the names and the manifest say of a film before it is opened.

    `name` is the POSIX path below the data folder, `class_name` the class as written there and
    `ids` the patient and group it belongs to; `None` where the folder does not say.
    """

    name: str
    class_name: str
    modality: Modality | None
    split: Split | None
    ids: tuple[str, ...] = ()


def index_films(root: Path, *, positive: str = "covid") -> tuple[FilmEntry, ...]:
    """List the films of `root`, by its manifest.csv or else by its folders, sorted by name.

    Folders are read as [wrapper/][train|val|test/][modality/]class/...; `positive` is known to
    be a class and never taken for a wrapper. Hidden files, masks and files without an image
    extension are passed over.

    Raises:
        DataError: there is no such folder, no film, or one whose class, split or modality
            cannot be told.
    """
    if not root.is_dir():
        raise DataError(root, "is no folder", "give the folder that holds the films")
    try:
        manifest = root / MANIFEST
        entries = _by_manifest(manifest) if manifest.exists() else _by_folder(root, positive)
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        raise DataError(error.filename or root, problem, "check the path and the rights") from error
    if not entries:
        cure = f"give a {MANIFEST} or class folders with {', '.join(sorted(EXTENSIONS))} files"
        raise DataError(root, "holds no films", cure)
    of_root = modality_of(root.resolve().name)
    marked = (replace(entry, modality=entry.modality or of_root) for entry in entries)
    return tuple(sorted(marked, key=lambda entry: entry.name))


def select_modality(
    root: Path, entries: Sequence[FilmEntry], modality: str | None
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
        raise DataError(root / unmarked, "has no modality, others have", "mark all films or none")
    if known is None and len(counts) > 1:
        raise UsageError(root, f"holds {listed(counts)}", "choose one with --modality")
    chosen = next(name for name in MODALITIES if name in counts) if known is None else known
    if chosen not in counts:
        raise DataError(root, f"holds no {chosen}, only {listed(counts)}", "choose that --modality")
    return chosen, tuple(entry for entry in entries if entry.modality == chosen)


def modality_in(root: Path, modality: str | None, *, positive: str) -> Modality:
    """Return the modality of the films below `root`, or that of them which `modality` chooses.

    Raises:
        UsageError, DataError: as `select_modality` and `index_films` do.
    """
    return select_modality(root, index_films(root, positive=positive), modality)[0]


def check_splits(root: Path, entries: Sequence[FilmEntry]) -> None:
    """Require that splits, where given, cover all films, train among them.

    Raises:
        DataError: a film has no split though others have, or there is none to train on.
    """
    named = {entry.split for entry in entries} - {None}
    if not named:
        return
    if unsplit := [entry.name for entry in entries if entry.split is None]:
        raise DataError(
            root / unsplit[0],
            f"is in no split ({len(unsplit)} such films), others are",
            "give all films a split or none",
        )
    if "train" not in named:
        problem = f"has only {' and '.join(sorted(filter(None, named)))} films"
        raise DataError(root, problem, "add train films or leave the splits out")


def _by_manifest(manifest: Path) -> list[FilmEntry]:
    entries: dict[str, FilmEntry] = {}
    for line, row in read_table(manifest, ("path", "label")):
        entry = _row(f"{manifest} line {line}", row)
        if entry.name in entries:
            raise DataError(f"{manifest} line {line}", f"{entry.name} again", "list films once")
        if not (manifest.parent / entry.name).is_file():
            raise DataError(
                manifest.parent / entry.name,
                f"is no file, but line {line} of {MANIFEST} lists it",
                "restore it or delete the line",
            )
        entries[entry.name] = entry
    return list(entries.values())


def _row(subject: str, row: dict[str, str]) -> FilmEntry:
    # Manifests are written on Windows too; both separators mean the same there.
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
        class_name=row["label"],
        modality=stated_modality(modality) if modality else modality_of(path.parts[0]),
        split=split_of(split),
        ids=tuple(
            f"{key} {row[key]}"
            for key in ("patient_id", "group_id")
            if row.get(key, "").lower() not in _NO_ID
        ),
    )


def _by_folder(root: Path, positive: str) -> list[FilmEntry]:
    paths = [path.relative_to(root) for path in _images(root, frozenset(root.resolve().parents))]
    skipped = _wrappers(paths, positive)
    return [_placed(root, PurePosixPath(path), skipped) for path in paths]


def _images(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    # Links to folders are followed, for class folders are often linked together, but never back
    # to a folder on the way here.
    here = folder.resolve()
    if here in above:
        return
    with os.scandir(folder) as listing:
        visible = [item for item in listing if not item.name.startswith(".")]
    for item in visible:
        path = folder / item.name
        if item.is_dir():
            if item.name.lower() not in _NOT_FILMS:
                yield from _images(path, above | {here, *here.parents})
        elif path.suffix.lower() in EXTENSIONS:
            yield path


def _wrappers(paths: Sequence[Path], positive: str) -> int:
    """Count the leading folders that all films share and that say nothing of them."""
    shared = Path(os.path.commonpath(path.parent for path in paths)).parts if paths else ()
    if shared and any(len(path.parent.parts) == len(shared) for path in paths):
        shared = shared[:-1]  # films lie in it, so it is a class
    known = {class_key(name) for name in (positive, "covid", "normal")}
    for depth, name in enumerate(shared):
        if class_key(name) in known or modality_of(name) or split_of(name):
            return depth
    return len(shared)


def _placed(root: Path, path: PurePosixPath, skipped: int) -> FilmEntry:
    split: Split | None = None
    modality: Modality | None = None
    for name in path.parent.parts[skipped:]:
        if split is None and split_of(name):
            split = split_of(name)
        elif modality is None and modality_of(name):
            modality = modality_of(name)
        else:
            return FilmEntry(str(path), name, modality, split)
    raise DataError(root / path, "is in no class folder", f"move it into one or write a {MANIFEST}")
