"""What a manifest says of its films beside class and split: source, sex, age, view and the like."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PureWindowsPath

from edge_export.films.film import Film
from edge_kit.data.film_folders import Folders, film_folders
from edge_kit.data.index import MANIFEST
from edge_kit.data.labels import composed
from edge_kit.data.table import read_table

FilmAttributes = Mapping[str, str]
"""A film's cells by column, lower case; an empty cell says nothing."""


def manifest_attributes(data: Folders, films: tuple[Film, ...]) -> tuple[FilmAttributes, ...]:
    """Return what the manifests of the folders say of each of `films`; nothing where there is none.

    Of several folders, each is the source of those of its films for which its manifest names none.

    Raises:
        DataError: a manifest cannot be read.
    """
    folders = film_folders(data)
    names = [folders.name(film.path) for film in films]
    rows, wanted = dict[str, FilmAttributes](), {*map(composed, names)}
    for before, path in folders.parts():
        if (path / MANIFEST).is_file():
            for _, row in read_table(path / MANIFEST, ("path", "label")):
                # Accents are written in two ways, in tables as on disks.
                name = composed(before + PureWindowsPath(row["path"]).as_posix())
                if name in wanted:
                    rows[name] = row
    return tuple(_with_source(rows.get(composed(name), {}), folders.folder(name)) for name in names)


def _with_source(row: FilmAttributes, folder: str) -> FilmAttributes:
    return {**row, "source": folder} if folder and not row.get("source") else row
