"""What the names of folders say of the films in them: class, split, modality, patient."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path, PurePosixPath

from edge_export.films.film import Split
from edge_kit.data.labels import (
    Modality,
    class_key,
    composed,
    listed,
    modality_of,
    resembles_split,
    split_of,
)
from edge_kit.data.sites import class_below_place, hold_patients, joined, places_told
from edge_runtime.errors import DataError

NEARLY_ALL = 0.9
"""The share of a class's films in one folder from which on it is no patient's."""

# Folders between a class and its films that sort them by kind; nobody is called so.
_BY_KIND = frozenset(
    (
        *("all", "ap", "data", "dcm", "dicom", "dicoms", "film", "films", "frontal", "image"),
        *("images", "img", "imgs", "jpeg", "jpg", "lateral", "original", "originals", "pa"),
        *("photos", "pics", "picture", "pictures", "pngs", "png", "raw", "tif", "tiff"),
    )
)
_YEAR = re.compile(r"(?:19|20)\d\d")
# What a patient has several of; each patient's are called alike.
_STUDY = re.compile(
    r"(?:study|series|se|view|scan|visit|exam|day|session|baseline|follow\W?up|left|right|[lr]|[st])"
    r"[\W_]*\d*|\d{1,3}",
    re.IGNORECASE,
)
_PERSON = re.compile(r"(person\d+)_(?:bacteria|virus)_\d+", re.IGNORECASE)
_SERIES = re.compile(r"((?:NORMAL2-)?IM-\d{4})-\d{4}(?:-\d{4})?")


@dataclass(frozen=True, slots=True)
class FolderPlace:
    """What the folders on the way to a film say of it.

    `patient` is a folder's name, with that of the hospital or the like above it, or empty.
    """

    class_name: str
    modality: Modality | None
    split: Split | None
    patient: str = ""


@dataclass(slots=True)
class _Parsed:
    """A folder's way from the top, without what names a split or a modality.

    `splits_at` is how many names of `way` stand before that of the split.
    """

    way: tuple[str, ...]
    modality: Modality | None
    split: Split | None
    splits_at: int


def places(
    root: Path, films: Mapping[PurePosixPath, Sequence[Path]], named: Collection[str]
) -> tuple[dict[PurePosixPath, FolderPlace], list[str]]:
    """Return what each folder says of its `films`, and what to tell of that.

    Folders are `class`, `split` and `modality` in any order, with a wrapper that all share before
    them, and patients below the class. `named` are known to be classes, never wrappers.

    Raises:
        DataError: a folder is in no class, or contradicts itself or others.
    """
    parsed = {folder: _parsed(root, folder) for folder in films}
    skipped = _wrappers([way.way for way in parsed.values()], named)
    for folder, way in parsed.items():
        if len(way.way) <= skipped:
            cure = "move it into one or write a manifest.csv"
            raise DataError(root / films[folder][0], "is in no class folder", cure)
    _put_class_first(parsed, skipped, _keys(named))
    _require_one_order(root, parsed, skipped)
    _require_class_first(root, parsed, skipped, named)
    _require_known_splits(root, {folder: way.way[skipped + 1 :] for folder, way in parsed.items()})
    patients, lines = _patients(
        {folder: way.way[skipped:] for folder, way in parsed.items()}, films
    )
    found = {
        folder: FolderPlace(way.way[skipped], way.modality, way.split, patients.get(folder, ""))
        for folder, way in parsed.items()
    }
    return found, lines


def name_patients(names: Sequence[tuple[str, Split | None]]) -> list[str]:
    """Return the patient that each film's name tells, given its split, or nothing.

    The names are those of Kaggle's chest_xray: `person12_virus_45.jpeg`, `IM-0115-0001.jpeg`. Its
    test split counts persons from one again, its val split goes on from train.
    """
    if not any(_PERSON.match(name) for name, _ in names):
        return [""] * len(names)
    patients = []
    for name, split in names:
        if person := _PERSON.match(name):
            patients.append(f"{'test ' if split == 'test' else ''}{person[1].lower()}")
        else:
            series = _SERIES.match(name)
            patients.append(series[1] if series else "")
    return patients


def _parsed(root: Path, folder: PurePosixPath) -> _Parsed:
    parsed = _Parsed((), None, None, 0)
    for name in map(composed, folder.parts):
        split, modality = split_of(name), modality_of(name)
        if split:
            _require_alone(root / folder, "split", parsed.split, split)
            parsed.split, parsed.splits_at = split, len(parsed.way)
        elif modality:
            _require_alone(root / folder, "modality", parsed.modality, modality)
            parsed.modality = modality
        else:
            parsed.way = (*parsed.way, name)
    return parsed


def _require_alone(folder: Path, what: str, before: str | None, now: str) -> None:
    if before not in (None, now):
        plural = "splits" if what == "split" else "modalities"
        raise DataError(folder, f"names two {plural}, {before} and {now}", "name one")


def _wrappers(ways: Sequence[tuple[str, ...]], named: Collection[str]) -> int:
    """Count the leading folders that all films share and that say nothing of them."""
    shared = _shared(ways)
    if shared and any(len(way) == len(shared) for way in ways):
        shared = shared[:-1]  # films lie in it, so it is a class
    known = _keys(named)
    return next(
        (depth for depth, name in enumerate(shared) if class_key(name) in known), len(shared)
    )


def _keys(named: Collection[str]) -> frozenset[str]:
    """Return the keys of names that are known to be classes."""
    return frozenset(class_key(name) for name in (*named, "covid", "normal") if name)


def _shared(ways: Collection[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the names that all of `ways` begin with."""
    low, high = min(ways, default=()), max(ways, default=())
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(low, high, strict=False))
    return tuple(name for name, _ in alike)


def _put_class_first(
    parsed: Mapping[PurePosixPath, _Parsed], skipped: int, known: Collection[str]
) -> None:
    """Where folders are hospital, class, patient, read them as class, hospital, patient."""
    if class_below_place([way.way for way in parsed.values()], skipped, known):
        for way in parsed.values():
            wrappers, (place, name, *below) = way.way[:skipped], way.way[skipped:]
            way.way = (*wrappers, name, place, *below)
            if way.splits_at == skipped + 1:  # between the hospital and the class
                way.splits_at = skipped


def _require_one_order(root: Path, parsed: Mapping[PurePosixPath, _Parsed], skipped: int) -> None:
    """Require that splits stand above the classes everywhere, or below them everywhere."""
    above: dict[bool, PurePosixPath] = {}
    for folder, way in parsed.items():
        if way.split:
            above.setdefault(way.splits_at <= skipped, folder)
    if len(above) > 1:
        problem = f"has its split below its class, {above[True]} above"
        raise DataError(root / above[False], problem, "order all folders alike")


def _require_class_first(
    root: Path, parsed: Mapping[PurePosixPath, _Parsed], skipped: int, named: Collection[str]
) -> None:
    """Require that classes do not all stand below other folders, such as those of patients."""
    known = _keys(named)
    if any(class_key(way.way[skipped]) in known for way in parsed.values()):
        return
    for folder, way in parsed.items():
        if any(class_key(name) in known for name in way.way[skipped + 1 :]):
            problem = f"has its class below another folder, {way.way[skipped]!r}"
            cure = "put the folders of classes above those of patients, or write a manifest.csv"
            raise DataError(root / folder, problem, cure)


def _require_known_splits(root: Path, below: Mapping[PurePosixPath, Sequence[str]]) -> None:
    """Require that no folder below a class is called nearly like a split: it is no patient."""
    for folder, names in below.items():
        if like := next(filter(resembles_split, names), ""):
            problem = f"{like!r} below a class may be a split, or not"
            cure = "call it train, val or test, or something else; or write a manifest.csv"
            raise DataError(root / folder, problem, cure)


def _patients(
    ways: Mapping[PurePosixPath, tuple[str, ...]], films: Mapping[PurePosixPath, Sequence[Path]]
) -> tuple[dict[PurePosixPath, str], list[str]]:
    """Return the patient of each folder whose `ways`, from the class down, lead through one's."""
    by_class: dict[str, list[PurePosixPath]] = {}
    for folder, way in ways.items():
        by_class.setdefault(way[0], []).append(folder)
    inner = hold_patients({(way[0], *_below(way[1:])[:2]) for way in ways.values()})
    patients: dict[PurePosixPath, str] = {}
    lines: list[str] = []
    names: dict[str, set[str]] = {}
    for class_name, folders in sorted(by_class.items()):
        below = {folder: _below(ways[folder][1:]) for folder in folders}
        depth = len(_shared(below.values()))
        if inner:
            lines.append(places_told(class_name, below.values()))
            below, depth = {folder: joined(way) for folder, way in below.items()}, 0
        below = _below_years(below, depth)
        lines += _recurring(class_name, below.values(), depth)
        found = {folder: way[depth] for folder, way in below.items() if len(way) > depth}
        sizes = Counter[str]()
        for folder, name in found.items():
            sizes[name] += len(films[folder])
        total = sum(len(films[folder]) for folder in folders)
        if depth:
            lines.append(f"one folder below {class_name} holds all of its films: it is no group")
        if sizes and (largest := max(sizes.values())) >= NEARLY_ALL * total:
            lines.append(
                f"one folder below {class_name} holds {largest} of its {total} films, which no "
                f"patient has: folders below {class_name} are not taken as groups"
            )
        else:
            patients |= found
            names[class_name] = {*found.values()}
    return patients, [*_told(names), *lines]


def _below(way: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in way if name.casefold() not in _BY_KIND)


def _below_years(
    ways: Mapping[PurePosixPath, tuple[str, ...]], depth: int
) -> dict[PurePosixPath, tuple[str, ...]]:
    """Return `ways` without the folder at `depth`, where all there are years with folders below."""
    if all(len(way) > depth + 1 and _YEAR.fullmatch(way[depth]) for way in ways.values()):
        return {folder: (*way[:depth], *way[depth + 1 :]) for folder, way in ways.items()}
    return dict(ways)


def _recurring(class_name: str, ways: Iterable[tuple[str, ...]], depth: int) -> Iterator[str]:
    """Yield a line where folders of one name, a patient's perhaps, lie in several groups."""
    groups: dict[str, set[str]] = {}
    for way in ways:
        if len(way) > depth + 1 and not _STUDY.fullmatch(way[depth + 1]):
            groups.setdefault(way[depth + 1], set()).add(way[depth])
    if number := sum(len(names) > 1 for names in groups.values()):
        yield (
            f"below {class_name}, {number} names of folders are in several groups: if these "
            "are the patients, a split may part them; put them right below their class"
        )


def _told(names: Mapping[str, set[str]]) -> list[str]:
    """Return a line that counts the folders that are taken as patients, and names none."""
    counts = {class_name: len(folders) for class_name, folders in names.items() if folders}
    total = sum(counts.values())
    if not total:
        return []
    line = f"{total} folders below the classes are taken as groups (patients): {listed(counts)}"
    if shared := total - len(set().union(*names.values())):
        line += f"; {shared} have the name of one in another class, and are one group with it"
    return [line]
