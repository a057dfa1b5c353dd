"""Copies and near-duplicates in folders of films, also across classes and splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_export.films.film import Split
from edge_kit.data.collection import choose_modality, index_collection
from edge_kit.data.copies import copies
from edge_kit.data.dicom_header import dicom_groups, of_nobody
from edge_kit.data.film_folders import FilmFolders, Folders, film_folders
from edge_kit.data.films import list_films
from edge_kit.data.fingerprints import (
    Fingerprint,
    decode,
    fingerprint_of,
    group_films,
    near_duplicates,
    read_films,
)
from edge_kit.data.index import FOLDER, FilmEntry
from edge_kit.data.keypoints import Keypoints, import_opencv, keypoints
from edge_kit.data.labels import ClassKey, class_names, keys_for
from edge_runtime.errors import DataError, FilmError

Pairs = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A film with its group, and the film that it is a copy of (empty if it is none).

    `path` is below the folder, and begins with the folder's name where there are several. A
    `cluster` is one film and its copies; a `group` is all clusters that a patient or a given group
    ties together. Both are named by their lowest digest. `reason` is the method, of `Survey.links`,
    that tied a film of a cluster to another: the surest of them. `kind` is the key of its class:
    labels of one kind are spellings of one class here.
    """

    path: str
    label: str
    split: Split | None
    patient: str
    sha256: str
    cluster: str
    group: str
    duplicate_of: str
    reason: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    """The readable films by path, how many pairs each method linked, and what was unreadable.

    `left_out` counts in words what is no film, or of no class that was named; `notes` are further
    lines for the owner of the folder. `modality` is the one that all films have, empty where they
    are of several or of none that is known.
    """

    films: tuple[Surveyed, ...]
    links: dict[str, int]
    unreadable: tuple[FilmError, ...]
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    modality: str = ""

    def clusters(self) -> list[tuple[Surveyed, ...]]:
        """Return the films that have copies, by cluster, the worst first.

        Worst is a film in two classes, then in two splits, then the one with the most copies.
        """
        members: defaultdict[str, list[Surveyed]] = defaultdict(list)
        for film in self.films:
            members[film.cluster].append(film)
        clusters = [tuple(films) for films in members.values() if len(films) > 1]
        return sorted(
            clusters,
            key=lambda films: (
                not across_classes(films), not across_splits(films), -len(films), films[0].path
            ),
        )  # fmt: skip

    def parted_groups(self) -> int:
        """Return how many groups the given splits part."""
        splits: defaultdict[str, set[Split | None]] = defaultdict(set)
        for film in self.films:
            splits[film.group].add(film.split)
        return sum(len(group_splits) > 1 for group_splits in splits.values())


def across_classes(films: Sequence[Surveyed]) -> bool:
    """Return whether `films` are of several classes, whatever the spelling."""
    return len({film.kind or film.label for film in films}) > 1


def across_splits(films: Sequence[Surveyed]) -> bool:
    """Return whether `films` are of several splits."""
    return len({film.split for film in films}) > 1


def survey(
    data: Folders,
    *,
    modality: str | None = None,
    positive: str | None = None,
    negative: str | None = None,
) -> Survey:
    """Find the films of the folders, of one modality or of all, and link copies and groups.

    With `negative`, films of other classes than it and `positive` (default covid) are left out.

    Raises:
        UsageError: OpenCV is not installed, or there is no such modality.
        DataError: the folder or its manifest cannot be used, or no film can be read.
    """
    import_opencv()  # before an hour of reading
    folders = film_folders(data)
    entries, left_out, notes = _chosen(folders, modality, positive or "covid", negative)
    read, unreadable = _read(folders, entries)
    if not read:
        raise DataError(folders, "holds no film that can be read", f"see {unreadable[0].subject}")
    # By digest, so that the same films give the same groups whatever they are called.
    read.sort(key=lambda item: (item[1].sha256, item[0].name))
    fingerprints = [fingerprint for _, fingerprint, _ in read]
    links = _links(fingerprints, [points for _, _, points in read])
    ids, lines = dicom_groups(fingerprints)
    known = [
        replace(entry, ids=(*entry.ids, *more))
        for (entry, _, _), more in zip(read, ids, strict=True)
    ]
    lines += of_nobody((entry.name, entry.ids) for entry in known)
    films = _films(known, fingerprints, links, _class_key(entries, positive, negative))
    lines += _across_folders(folders, films)
    counts, told = {name: len(pairs) for name, pairs in links.items()}, (*notes, *lines)
    shared = modality or _shared_modality(entries)
    return Survey(films, counts, tuple(unreadable), left_out, told, shared)


def _links(fingerprints: Sequence[Fingerprint], points: Sequence[Keypoints]) -> dict[str, Pairs]:
    """Return the pairs of films that each method finds, by its name, the surest first."""
    return {
        "exact": _same_bytes(fingerprints),
        # What has the same bytes is near as well, and would be counted twice.
        "near": _without(near_duplicates(fingerprints), fingerprints),
        "geometric": _without(copies(points), fingerprints),
    }


def _across_folders(folders: FilmFolders, films: Sequence[Surveyed]) -> list[str]:
    """Return a line that counts the clusters with films of more than one of several folders."""
    if not folders.several:
        return []
    held: defaultdict[str, set[str]] = defaultdict(set)
    for film in films:
        held[film.cluster].add(folders.folder(film.path))
    number = sum(len(names) > 1 for names in held.values())
    return [f"clusters of copies with films of several of the folders: {number}"]


def _class_key(
    entries: Sequence[FilmEntry], positive: str | None, negative: str | None
) -> ClassKey:
    """Return what tells classes apart, by the names that are found and those that are said."""
    said = (name for names in (positive, negative) if names for name in class_names(names))
    return keys_for([*(entry.class_name for entry in entries), *said])


def _shared_modality(entries: Sequence[FilmEntry]) -> str:
    first, *others = {entry.modality or "" for entry in entries}
    return "" if others else first


def _chosen(
    folders: FilmFolders, modality: str | None, positive: str, negative: str | None
) -> tuple[Sequence[FilmEntry], tuple[str, ...], tuple[str, ...]]:
    """Return the films to scan, what is left out, and notes."""
    if negative is not None:
        listed = list_films(folders, modality=modality, positive=positive, negative=negative)
        return listed.entries, tuple(listed.left_out), tuple(listed.notes)
    index = index_collection(folders, positive=positive)
    entries: Sequence[FilmEntry] = index.entries
    if modality is not None:
        _, entries = choose_modality(folders, entries, modality)
    left_out = (f"left out: {index.left_out}",) if index.left_out else ()
    return entries, left_out, index.notes


def _read(
    folders: FilmFolders, entries: Sequence[FilmEntry]
) -> tuple[list[tuple[FilmEntry, Fingerprint, Keypoints]], list[FilmError]]:
    def look(path: Path) -> tuple[Fingerprint, Keypoints]:
        data, grey = decode(path)
        return fingerprint_of(data, grey), keypoints(grey)

    read: list[tuple[FilmEntry, Fingerprint, Keypoints]] = []
    unreadable: list[FilmError] = []
    results = read_films([folders.path(entry.name) for entry in entries], look)
    for entry, result in zip(entries, results, strict=True):
        if isinstance(result, FilmError):
            unreadable.append(result)
        else:
            read.append((entry, *result))
    return read, unreadable


def _same_bytes(fingerprints: Sequence[Fingerprint]) -> Pairs:
    """Return the pairs of neighbours with one digest; `fingerprints` are sorted by it."""
    same = [
        (low, high)
        for low, high in pairwise(range(len(fingerprints)))
        if fingerprints[low].sha256 == fingerprints[high].sha256
    ]
    return np.array(same, np.intp).reshape(-1, 2)


def _without(pairs: Pairs, fingerprints: Sequence[Fingerprint]) -> Pairs:
    differ = [fingerprints[low].sha256 != fingerprints[high].sha256 for low, high in pairs]
    return pairs[np.array(differ, np.bool_)]


def _films(
    entries: Sequence[FilmEntry],
    fingerprints: Sequence[Fingerprint],
    links: Mapping[str, Pairs],
    key: ClassKey,
) -> tuple[Surveyed, ...]:
    pairs = np.concatenate([*links.values()])
    digests = [fingerprint.sha256 for fingerprint in fingerprints]
    clusters = group_films(digests, [()] * len(entries), pairs)
    groups = group_films(digests, [entry.ids for entry in entries], pairs)
    reasons: dict[int, str] = {}
    for method, linked in links.items():  # the surest method comes first
        for film in linked.ravel().tolist():
            reasons.setdefault(film, method)
    first: dict[str, str] = {}
    for entry, cluster in sorted(
        zip(entries, clusters, strict=True), key=lambda item: item[0].name
    ):
        first.setdefault(cluster, entry.name)
    films = [
        Surveyed(
            path=entry.name,
            label=entry.class_name,
            split=entry.split,
            patient=_patient(entry),
            sha256=digest,
            cluster=cluster,
            group=group,
            duplicate_of="" if first[cluster] == entry.name else first[cluster],
            reason=reasons.get(place, ""),
            kind=key(entry.class_name),
        )
        for place, (entry, digest, cluster, group) in enumerate(
            zip(entries, digests, clusters, groups, strict=True)
        )
    ]
    return tuple(sorted(films, key=lambda film: film.path))


def _patient(entry: FilmEntry) -> str:
    """Return the patient that a manifest or a folder names; what DICOM says stays unwritten."""
    for key in ("patient_id ", f"{FOLDER} "):
        for name in entry.ids:
            if name.startswith(key):
                return name.removeprefix(key)
    return ""
