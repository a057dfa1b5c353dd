"""Labelled films to judge a model on: they need no splits, and may all be of one split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_export.film import Film, Split
from edge_kit.data.facts import Facts, manifest_facts
from edge_kit.data.fingerprints import Fingerprint, group_films, near_duplicates, scan
from edge_kit.data.index import Entry, index_films, select_modality
from edge_kit.data.labels import Classes, match_classes
from edge_runtime.errors import DataError, FilmError


@dataclass(frozen=True, slots=True)
class Labelled:
    """Films with their classes, sorted by path; copies of a film are there once.

    `splits` are those that the folder gives, None where it gives none; `classes` maps every class
    name found to the class it was taken for and its count; `facts` is what the manifest says.
    """

    root: Path
    films: tuple[Film, ...]
    splits: tuple[Split | None, ...]
    facts: tuple[Facts, ...]
    negative: str
    positive: str
    classes: Mapping[str, tuple[str, int]]
    warnings: tuple[str, ...]


def labelled_films(
    root: Path, *, modality: str | None, positive: str, skip_unreadable: bool
) -> Labelled:
    """Return the films of `modality` below `root`, grouped by patient and near-duplicate.

    Raises:
        UsageError: there are films of several modalities and `modality` chooses none.
        DataError: there are not two classes, a film cannot be read and none may be skipped, or
            copies of one film are labelled differently.
    """
    _, entries = select_modality(root, index_films(root, positive=positive), modality)
    classes = match_classes(
        Counter(entry.found for entry in entries), positive=positive, subject=root
    )
    read, skipped = _read(root, entries, skip_unreadable)
    kept = _once(root, read, classes)
    groups = group_films(
        [found.sha256 for _, found in kept],
        [entry.ids for entry, _ in kept],
        near_duplicates([found for _, found in kept]),
    )
    films = tuple(
        Film(root / entry.name, classes.of[entry.found], entry.split or "test", group, found.sha256)
        for (entry, found), group in zip(kept, groups, strict=True)
    )
    counts = Counter(entry.found for entry, _ in kept)
    copies = len(read) - len(kept)
    return Labelled(
        root=root,
        films=films,
        splits=tuple(entry.split for entry, _ in kept),
        facts=manifest_facts(root, films),
        negative=classes.negative,
        positive=classes.positive,
        classes={name: (classes.of[name], counts[name]) for name in sorted(classes.of)},
        warnings=(*skipped, *([f"copies left out: {copies}"] if copies else [])),
    )


def _read(
    root: Path, entries: Sequence[Entry], skip_unreadable: bool
) -> tuple[list[tuple[Entry, Fingerprint]], list[str]]:
    read: list[tuple[Entry, Fingerprint]] = []
    skipped: list[str] = []
    found = scan([root / entry.name for entry in entries])
    for entry, one in zip(entries, found, strict=True):
        if not isinstance(one, FilmError):
            read.append((entry, one))
        elif skip_unreadable:
            skipped.append(f"skipped: {one.subject} {one.problem}")
        else:
            cure = "restore it, or skip with --skip-unreadable"
            raise DataError(one.subject, one.problem, cure) from one
    return read, skipped


def _once(
    root: Path, read: Sequence[tuple[Entry, Fingerprint]], classes: Classes
) -> list[tuple[Entry, Fingerprint]]:
    """Keep one of the films with the same bytes."""
    kept: dict[str, tuple[Entry, Fingerprint]] = {}
    for entry, one in read:
        first = kept.setdefault(one.sha256, (entry, one))[0]
        if classes.of[entry.found] != classes.of[first.found]:
            problem = f"is {entry.found}, but its copy {first.name} is {first.found}"
            raise DataError(root / entry.name, problem, "delete the wrong one")
    return list(kept.values())
