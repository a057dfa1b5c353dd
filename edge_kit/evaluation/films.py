"""Labelled films to judge a model on: they need no splits, and may all be of one split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge_export.films.film import Film, Split
from edge_kit.data.film_attributes import FilmAttributes, manifest_attributes
from edge_kit.data.film_folders import FilmFolders, Folders
from edge_kit.data.films import list_films, read_listed
from edge_kit.data.fingerprints import group_films, near_duplicates
from edge_kit.data.reader import FilmReader


@dataclass(frozen=True, slots=True)
class LabelledFilms:
    """Films with their classes, sorted by path; copies of a film are there once.

    `splits` are those that the folder gives, None where it gives none; `classes` maps every class
    name found to the class it was taken for and its count; `attributes` is what the manifest says.
    `warnings` are for every reader; `skipped`, which names files, and `notes` are for their owner's
    terminal. `class_names` are the names of the positive and the negative classes as chosen.
    """

    folders: FilmFolders
    films: tuple[Film, ...]
    splits: tuple[Split | None, ...]
    attributes: tuple[FilmAttributes, ...]
    negative: str
    positive: str
    classes: Mapping[str, tuple[str, int]]
    warnings: tuple[str, ...]
    skipped: tuple[str, ...]
    notes: tuple[str, ...] = ()
    class_names: tuple[str, str | None] = ("covid", None)


def labelled_films(
    data: Folders,
    *,
    modality: str | None,
    positive: str,
    negative: str | None = None,
    skip_unreadable: bool,
    reader: FilmReader | None = None,
) -> LabelledFilms:
    """Return the films of `modality` in the folders, grouped by patient and near-duplicate.

    Films that `reader` has seen before are not read again.

    Raises:
        UsageError: there are films of several modalities and `modality` chooses none.
        DataError: there are not two classes, a film cannot be read and none may be skipped, or
            copies of one film are labelled differently.
    """
    listed = list_films(data, modality=modality, positive=positive, negative=negative)
    read = read_listed(listed, reader or FilmReader(), skip_unreadable=skip_unreadable)
    groups = group_films(
        [film.fingerprint.sha256 for film in read.films],
        [film.entry.ids for film in read.films],
        near_duplicates([film.fingerprint for film in read.films]),
    )
    films = tuple(
        Film(
            listed.folders.path(film.entry.name),
            film.label,
            film.entry.split or "test",
            group,
            film.fingerprint.sha256,
        )
        for film, group in zip(read.films, groups, strict=True)
    )
    return LabelledFilms(
        folders=listed.folders,
        films=films,
        splits=tuple(film.entry.split for film in read.films),
        attributes=manifest_attributes(listed.folders, films),
        negative=listed.classes.negative,
        positive=listed.classes.positive,
        classes=read.classes(listed),
        warnings=tuple(read.warnings()),
        skipped=tuple(read.skipped()),
        notes=tuple(read.notes),
        class_names=(positive, negative),
    )
