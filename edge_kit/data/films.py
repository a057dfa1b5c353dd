"""The films below a folder: found, labelled, fingerprinted, and each there once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edge_export.films.film import SPLITS
from edge_kit.data.fingerprints import Fingerprint
from edge_kit.data.index import FilmEntry, index_films, select_modality
from edge_kit.data.labels import ClassMapping, Modality, match_classes
from edge_kit.data.reader import FilmReader
from edge_runtime.errors import DataError, FilmError


@dataclass(frozen=True, slots=True)
class Listed:
    """What a folder says it holds of one modality, before any film is opened."""

    root: Path
    modality: Modality
    entries: Sequence[FilmEntry]
    classes: ClassMapping


@dataclass(frozen=True, slots=True)
class ReadFilm:
    """A film that could be decoded, with the class that its class name was matched to."""

    entry: FilmEntry
    label: str
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class ReadFilms:
    """The films by path, one of each set of identical files, and what was left out."""

    films: Sequence[ReadFilm]
    unreadable: Sequence[FilmError]
    copies: int

    def classes(self, listed: Listed) -> Mapping[str, tuple[str, int]]:
        """Return for each class name the class that it was matched to, and its count of films."""
        counts, names = Counter(film.entry.class_name for film in self.films), listed.classes.of
        return {name: (names[name], counts[name]) for name in sorted(names)}

    def skipped(self) -> list[str]:
        """Return which films could not be read, for the terminal of their owner alone."""
        return [f"skipped: {error.subject} {error.problem}" for error in self.unreadable]

    def warnings(self) -> list[str]:
        """Return warnings for the readers of figures; they name no film."""
        left_out = {
            "that cannot be read": len(self.unreadable),
            "byte for byte the same as others": self.copies,
        }
        return [f"{count(n, 'film')} left out, {why}" for why, n in left_out.items() if n]


def list_films(root: Path, *, modality: str | None, positive: str) -> Listed:
    """Return what the folder or its manifest lists.

    Raises:
        UsageError: there are films of several modalities and `modality` chooses none.
        DataError: there is none, or there are not two classes of which one is `positive`.
    """
    chosen, entries = select_modality(root, index_films(root, positive=positive), modality)
    counts = Counter(entry.class_name for entry in entries)
    return Listed(root, chosen, entries, match_classes(counts, positive=positive, subject=root))


def read_listed(listed: Listed, reader: FilmReader, *, skip_unreadable: bool) -> ReadFilms:
    """Decode and fingerprint the films that are listed, but those that `reader` knows.

    Raises:
        DataError: a film cannot be read and none may be skipped, or copies of one film are
            labelled differently.
    """
    read: list[ReadFilm] = []
    unreadable: list[FilmError] = []
    fingerprints = reader.scan([listed.root / entry.name for entry in listed.entries])
    for entry, fingerprint in zip(listed.entries, fingerprints, strict=True):
        if isinstance(fingerprint, FilmError):
            unreadable.append(fingerprint)
        else:
            read.append(ReadFilm(entry, listed.classes.of[entry.class_name], fingerprint))
    if unreadable and not skip_unreadable:
        first, films = unreadable[0], count(len(unreadable), "film")
        problem = f"{first.problem} ({films} of {len(listed.entries)} unreadable)"
        raise DataError(first.subject, problem, "restore them, or skip with --skip-unreadable")
    kept = _without_copies(listed.root, read)
    return ReadFilms(kept, unreadable, len(read) - len(kept))


def _without_copies(root: Path, read: Sequence[ReadFilm]) -> list[ReadFilm]:
    """Keep one of each set of identical files: a test film rather than a training film.

    The film that is kept gets the ids of all its copies.
    """
    kept: dict[str, ReadFilm] = {}
    for film in sorted(read, key=lambda film: -SPLITS.index(film.entry.split or "train")):
        first = kept.setdefault(film.fingerprint.sha256, film)
        if film.label != first.label:
            raise DataError(
                root / film.entry.name,
                f"is {film.label}, but its copy {first.entry.name} is {first.label}",
                "delete the wrong one",
            )
    ids: dict[str, dict[str, None]] = {}
    for film in read:
        ids.setdefault(film.fingerprint.sha256, {}).update(dict.fromkeys(film.entry.ids))
    return [
        replace(film, entry=replace(film.entry, ids=tuple(ids[film.fingerprint.sha256])))
        for film in sorted(kept.values(), key=lambda film: film.entry.name)
    ]


def count(number: int, thing: str) -> str:
    """Return a number of things in words."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
