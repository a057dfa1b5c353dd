"""The films of one folder or several as one list, told apart by name, and their patients too."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace

from edge_kit.data.film_folders import FilmFolders, Folders, film_folders
from edge_kit.data.index import FilmEntry, FolderIndex, index_folder, select_modality
from edge_kit.data.labels import Modality, listed
from edge_runtime.errors import DataError, UsageError

# The sources that the films of each folder have which share an id; an empty one is not known.
_Sources = Mapping[str, Set[str]]


def index_collection(
    data: Folders, *, positive: str = "covid", negative: str | None = None
) -> FolderIndex:
    """List the films of one folder or several, as `index_folder` does each, sorted by name.

    Equal ids in several folders are one patient, whom no split may part, unless manifests name
    different sources for them. The sources that `data` is to be without are left out, in a line.

    Raises:
        DataError: as `index_folder` does, or no film is of a source that is to be left out.
    """
    folders = film_folders(data)
    indexes = _without(
        folders,
        {
            before: index_folder(path, positive=positive, negative=negative)
            for before, path in folders.parts()
        },
    )
    if not folders.several:
        return indexes[""]
    entries = [
        replace(entry, name=before + entry.name)
        for before, index in indexes.items()
        for entry in index.entries
    ]
    apart, lines = _patients_apart(folders, entries)
    return FolderIndex(
        entries=tuple(sorted(apart, key=lambda entry: entry.name)),
        # Papers have it too, so it names no folder.
        left_out="; ".join(index.left_out for index in indexes.values() if index.left_out),
        notes=(*_notes(indexes), *lines),
    )


def _without(folders: FilmFolders, indexes: Mapping[str, FolderIndex]) -> Mapping[str, FolderIndex]:
    """Return the indexes without the sources that are left out, and a line that counts them."""
    if not folders.without:
        return indexes
    names = {_source(before, entry) for before, index in indexes.items() for entry in index.entries}
    for name in folders.without:
        if name.casefold() not in {known.casefold() for known in names}:
            problem = f"no film is of a source {name!r}, only of {', '.join(sorted(names)[:12])}"
            raise DataError(folders, problem, "name one of these")
    out = {name.casefold() for name in folders.without}

    def kept(before: str, index: FolderIndex) -> FolderIndex:
        entries = tuple(e for e in index.entries if _source(before, e).casefold() not in out)
        number = len(index.entries) - len(entries)
        line = [f"left out with their sources: {number} films"] * bool(number)
        return replace(index, entries=entries, notes=(*index.notes, *line))

    return {before: kept(before, index) for before, index in indexes.items()}


def _source(before: str, entry: FilmEntry) -> str:
    """Return the source of a film: as a manifest names it, else the folder's name."""
    return entry.source or before.removesuffix("/") or "not stated"


def _notes(indexes: Mapping[str, FolderIndex]) -> Iterator[str]:
    """Yield what there is to say of each folder to its owner, by the folder's name."""
    for before, index in indexes.items():
        name = before.removesuffix("/")
        if index.left_out:
            yield f"{name}: left out: {index.left_out}"
        yield from (f"{name}: {note}" for note in index.notes)


def _patients_apart(
    folders: FilmFolders, entries: Sequence[FilmEntry]
) -> tuple[list[FilmEntry], list[str]]:
    """Return the entries with ids that are one patient's each, and lines that count such ids."""
    sources: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for entry in entries:
        for name in entry.ids:
            sources[name][folders.folder(entry.name)].add(entry.source)
    owners = {name: _owners(found) for name, found in sources.items() if len(found) > 1}
    several = {name: len({*found.values()}) for name, found in owners.items()}

    def told(name: str, folder: str) -> str:
        return f"{name} of {owners[name][folder]}" if several.get(name, 1) > 1 else name

    known = [
        replace(entry, ids=tuple(told(name, folders.folder(entry.name)) for name in entry.ids))
        for entry in entries
    ]
    lines = []
    if number := sum(count < len(owners[name]) for name, count in several.items()):
        lines.append(
            f"names of patients or groups that are in several folders, and are taken as the same: "
            f"{number}; where they are not, name different sources in manifests, column source"
        )
    if number := sum(count > 1 for count in several.values()):
        lines.append(
            f"names of patients or groups in several folders whose sources differ, taken as "
            f"different: {number}"
        )
    return known, lines


def _owners(found: _Sources) -> dict[str, str]:
    """Return for each folder the first one that its films with some id belong together with."""
    owner: dict[str, str] = {}
    for folder in sorted(found):
        together = {
            owner[other]
            for other in owner
            if "" in found[other] | found[folder] or found[other] & found[folder]
        }
        first = min(together | {folder})
        owner |= {other: first for other, before in owner.items() if before in together}
        owner[folder] = first
    return owner


def choose_modality(
    data: Folders, entries: Sequence[FilmEntry], modality: str | None
) -> tuple[Modality, tuple[FilmEntry, ...]]:
    """Return the modality to train on, one of all folders, and its entries.

    Raises:
        UsageError, DataError: as `select_modality` does for a folder, or folders hold different
            ones and `modality` chooses none.
    """
    folders = film_folders(data)
    if folders.without and not entries:
        problem = f"holds no film but those left out ({', '.join(folders.without)})"
        raise DataError(folders, problem, "name fewer sources with --without-source")
    if not folders.several:
        return select_modality(folders, entries, modality)
    chosen: dict[str, Modality] = {}
    kept: list[FilmEntry] = []
    for name, path in folders.by_name.items():
        own = [entry for entry in entries if folders.folder(entry.name) == name]
        if not own and folders.without:  # all its films are of sources left out
            continue
        chosen[str(path)], selected = select_modality(folders.holding([f"{name}/"]), own, modality)
        kept += selected
    if len({*chosen.values()}) > 1:
        problem = f"hold {', '.join(f'{what} ({path})' for path, what in chosen.items())}"
        raise UsageError(folders, problem, "choose one with --modality, or give folders of one")
    return next(iter(chosen.values())), tuple(kept)


def modality_in(
    data: Folders, modality: str | None, positive: str, negative: str | None = None
) -> Modality:
    """Return the modality of the films in `data`, or that of them which `modality` chooses.

    Raises:
        UsageError, DataError: as `choose_modality` and `index_collection` do.
    """
    entries = index_collection(data, positive=positive, negative=negative).entries
    return choose_modality(data, entries, modality)[0]


def classes_by_folder(folders: FilmFolders, entries: Sequence[FilmEntry]) -> str:
    """Return which classes each of several folders has, with their films, for one line."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for entry in entries:
        counts[folders.folder(entry.name)][entry.class_name] += 1
    return "; ".join(f"{name} has {listed(found)}" for name, found in sorted(counts.items()))
