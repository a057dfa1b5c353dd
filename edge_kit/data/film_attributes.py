"""What a manifest says of its films beside class and split: source, sex, age, view and the like."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PureWindowsPath

from edge_export.films.film import Film
from edge_kit.data.index import MANIFEST
from edge_kit.data.table import read_table

FilmAttributes = Mapping[str, str]
"""A film's cells by column, lower case; an empty cell says nothing."""


def manifest_attributes(root: Path, films: tuple[Film, ...]) -> tuple[FilmAttributes, ...]:
    """Return what the manifest of `root` says of each of `films`; nothing where there is none.

    Raises:
        DataError: the manifest cannot be read.
    """
    manifest = root / MANIFEST
    if not manifest.is_file():
        return tuple({} for _ in films)
    names = [film.path.relative_to(root).as_posix() for film in films]
    rows, wanted = dict[str, FilmAttributes](), {*names}
    for _, row in read_table(manifest, ("path", "label")):
        if (name := PureWindowsPath(row["path"]).as_posix()) in wanted:
            rows[name] = row
    return tuple(rows.get(name, {}) for name in names)
