"""The films below a folder: found, labelled, fingerprinted, and each there once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from edge_export.films.film import SPLITS
from edge_export.words import counted
from edge_kit.data.collection import choose_modality, classes_by_folder, index_collection
from edge_kit.data.dicom_header import dicom_groups, of_nobody
from edge_kit.data.film_folders import FilmFolders, Folders, film_folders
from edge_kit.data.fingerprints import Fingerprint
from edge_kit.data.index import FilmEntry, FolderIndex
from edge_kit.data.labels import ClassMapping, Modality, listed, match_classes, says_covid
from edge_kit.data.layouts.offer import offered
from edge_kit.data.reader import FilmReader
from edge_runtime.errors import DataError, FilmError


@dataclass(frozen=True, slots=True)
class Listed:
    """What folders say they hold of one modality, before any film is opened.

    `left_out` counts in words what is no film or of neither class, for the readers of figures;
    `notes` are for the owner of the folder.
    """

    folders: FilmFolders
    modality: Modality
    entries: Sequence[FilmEntry]
    classes: ClassMapping
    left_out: Sequence[str] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ReadFilm:
    """A film that could be decoded, with the class that its class name was matched to."""

    entry: FilmEntry
    label: str
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class ReadFilms:
    """The films by path, one of each set of identical files, and what was left out.

    `left_out` and `notes` are those of the listing; of notes there may be more.
    """

    films: Sequence[ReadFilm]
    unreadable: Sequence[FilmError]
    copies: int
    left_out: Sequence[str] = ()
    notes: Sequence[str] = ()

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
        films = [f"{counted(n, 'film')} left out, {why}" for why, n in left_out.items() if n]
        return [*self.left_out, *films]


def list_films(
    data: Folders, *, modality: str | None, positive: str, negative: str | None = None
) -> Listed:
    """Return what the folders or their manifests list of the classes that the last two name.

    Raises:
        UsageError: there are films of several modalities and `modality` chooses none.
        DataError: there is none, or there are not two classes of which one is `positive`.
    """
    folders = film_folders(data)
    try:
        index = index_collection(folders, positive=positive, negative=negative)
    except DataError as error:
        raise _with_offer(folders, error, any_table=True) from error
    chosen, entries = choose_modality(folders, index.entries, modality)
    counts = Counter(entry.class_name for entry in entries)
    try:
        if chosen == "other" and says_covid(positive) and not any(map(says_covid, counts)):
            problem = f"no class is named {positive!r}, found: {listed(counts)}"
            raise DataError(folders, problem, "name the positive class with --positive")
        classes = match_classes(counts, positive=positive, negative=negative, subject=folders)
    except DataError as error:
        beside = f"; {classes_by_folder(folders, entries)}" if folders.several else ""
        beside += f" (left out: {index.left_out})" if index.left_out else ""
        told = DataError(error.subject, error.problem + beside, error.cure)
        raise _with_offer(folders, told, any_table=len(counts) == 1) from error
    kept = tuple(entry for entry in entries if entry.class_name in classes.of)
    left_out, notes = _said(index, entries, kept)
    notes += [classes_by_folder(folders, kept)] if folders.several else []
    return Listed(folders, chosen, kept, classes, left_out, notes)


def _with_offer(folders: FilmFolders, error: DataError, *, any_table: bool) -> DataError:
    """Return `error` with what to do where the folder it is about has a layout that is known."""
    for root in folders.by_name.values():
        about = not folders.several or str(root) in error.subject
        if about and root.is_dir() and (command := offered(root, any_table=any_table)):
            return DataError(error.subject, error.problem, command)
    return error


def _said(
    index: FolderIndex, entries: Sequence[FilmEntry], kept: Sequence[FilmEntry]
) -> tuple[list[str], list[str]]:
    """Return what was left out, and what else is to be said of the films that are kept."""
    left_out = [f"left out: {index.left_out}"] if index.left_out else []
    if len(kept) < len(entries):
        others = Counter(entry.class_name for entry in entries) - Counter(
            entry.class_name for entry in kept
        )
        left_out.append(f"left out, of neither class: {listed(others)}")
    notes = [*index.notes]
    if foreign := Counter(str(entry.modality) for entry in index.entries) - Counter(
        str(entry.modality) for entry in entries
    ):
        notes.append(f"of another modality: {listed(foreign)}")
    return left_out, notes


def read_listed(listed: Listed, reader: FilmReader, *, skip_unreadable: bool) -> ReadFilms:
    """Decode and fingerprint the films that are listed, but those that `reader` knows.

    Raises:
        DataError: a film cannot be read and none may be skipped, or copies of one film are
            labelled differently.
    """
    read: list[ReadFilm] = []
    unreadable: list[FilmError] = []
    fingerprints = reader.scan([listed.folders.path(entry.name) for entry in listed.entries])
    for entry, fingerprint in zip(listed.entries, fingerprints, strict=True):
        if isinstance(fingerprint, FilmError):
            unreadable.append(fingerprint)
        else:
            read.append(ReadFilm(entry, listed.classes.of[entry.class_name], fingerprint))
    if unreadable and not skip_unreadable:
        first, films = unreadable[0], counted(len(unreadable), "film")
        problem = f"{first.problem} ({films} of {len(listed.entries)} unreadable)"
        raise DataError(first.subject, problem, "restore them, or skip with --skip-unreadable")
    read, notes = _with_dicom_ids(read)
    kept = _without_copies(listed.folders, read)
    return ReadFilms(
        kept, unreadable, len(read) - len(kept), listed.left_out, (*listed.notes, *notes)
    )


def _with_dicom_ids(read: Sequence[ReadFilm]) -> tuple[list[ReadFilm], list[str]]:
    """Return the films with the ids that DICOM headers give, and lines that count them."""
    ids, lines = dicom_groups([film.fingerprint for film in read])
    films = [
        replace(film, entry=replace(film.entry, ids=(*film.entry.ids, *more))) if more else film
        for film, more in zip(read, ids, strict=True)
    ]
    return films, [*lines, *of_nobody((film.entry.name, film.entry.ids) for film in films)]


def _without_copies(folders: FilmFolders, read: Sequence[ReadFilm]) -> list[ReadFilm]:
    """Keep one of each set of identical files: a test film rather than a training film.

    The film that is kept gets the ids of all its copies.
    """
    kept: dict[str, ReadFilm] = {}
    for film in sorted(read, key=lambda film: -SPLITS.index(film.entry.split or "train")):
        first = kept.setdefault(film.fingerprint.sha256, film)
        if film.label != first.label:
            raise DataError(
                folders.path(film.entry.name),
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
