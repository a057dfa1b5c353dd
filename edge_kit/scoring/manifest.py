"""The manifest of an archive: which films there are, in parts, each with its count and digest.

It is written before anything is scored, and is what resuming goes by: a film is scored once because
it stands in the manifest once, whatever has become of its folder since.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_kit.files import json_bytes
from edge_kit.scoring.sources import ListedFilm
from edge_kit.scoring.tables import manifest_table, part_name, read_table, text, write_table
from edge_runtime.bundle.digest import sha256
from edge_runtime.errors import DataError
from edge_runtime.output import as_cannot_write, write_whole

if TYPE_CHECKING:
    import pyarrow as pa

INDEX = "index.json"
SCHEMA = 1
PART_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class ArchivePart:
    """A part of a manifest: its number, its count of films, and its file with the digest."""

    number: int
    rows: int
    sha256: str
    path: Path

    def table(self) -> pa.Table:
        """Return the part's films.

        Raises:
            DataError: the file is not the one that was written.
        """
        return read_table(self.path, self.sha256, cure="list the films again, into a new --out")


@dataclass(frozen=True, slots=True)
class FilmManifest:
    """The parts in `folder`, and the digest of all of them."""

    folder: Path
    source: str
    parts: tuple[tuple[int, str], ...]
    sha256: str

    @property
    def rows(self) -> int:
        """How many films there are."""
        return sum(rows for rows, _ in self.parts)

    def part(self, number: int) -> ArchivePart:
        """Return the part of that number, from 0."""
        rows, digest = self.parts[number]
        return ArchivePart(number, rows, digest, self.folder / part_name(number))


def is_manifest(source: str | Path) -> bool:
    """Tell whether a folder is a manifest, rather than a folder of films."""
    index = Path(source) / INDEX
    try:
        return index.is_file() and "manifest" in json.loads(index.read_bytes())
    except (OSError, ValueError, TypeError):
        return False


def write_manifest(
    films: Iterable[ListedFilm], folder: Path, *, source: str, rows: int = PART_ROWS
) -> FilmManifest:
    """Write the manifest of `films` into `folder`, `rows` films a part; the index comes last.

    Raises:
        CannotWrite: the disk does not take it; without an index nothing is a manifest.
    """
    with as_cannot_write(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():  # of a listing that was killed
            old.unlink()
    parts = [
        (len(chunk), write_table(folder / part_name(number), manifest_table(chunk)))
        for number, chunk in enumerate(_chunks(films, rows))
    ]
    content = {
        "manifest": SCHEMA,
        "source": text(source),
        "rows": sum(count for count, _ in parts),
        "sha256": _digest(parts),
        "parts": [list(part) for part in parts],
    }
    write_whole(folder / INDEX, json_bytes(content))
    return read_manifest(folder)


def read_manifest(folder: Path) -> FilmManifest:
    """Return the manifest in `folder`; its parts are compared when they are read.

    Raises:
        DataError: there is none, or its index is not what was written.
    """
    place = folder / INDEX
    try:
        content: dict[str, Any] = json.loads(place.read_bytes())
        parts = tuple((int(rows), str(digest)) for rows, digest in content["parts"])
        source, schema = str(content["source"]), content["manifest"]
        whole = content["sha256"] == _digest(parts)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(place, "is no index of a manifest", "list the films again") from error
    if schema != SCHEMA or not whole:
        raise DataError(place, "is not the index that was written", "list the films again")
    return FilmManifest(folder.resolve(), source, parts, content["sha256"])


def _chunks(
    films: Iterable[ListedFilm], rows: int
) -> Iterator[list[tuple[bytes, str | None, str | None]]]:
    rest = iter(films)
    while chunk := list(islice(rest, rows)):
        yield [(os.fsencode(film.path), _plain(film.site), film.month) for film in chunk]


def _plain(site: str | None) -> str | None:
    return None if site is None else str(text(site))


def _digest(parts: Iterable[tuple[int, str]]) -> str:
    return sha256(json.dumps([list(part) for part in parts]).encode())
