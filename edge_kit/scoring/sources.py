"""The films that a source names, as a stream: a folder, a list, a Parquet of paths, a bucket."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from edge_kit.scoring import remote
from edge_kit.scoring.tables import MONTH, PATH, SITE
from edge_runtime.errors import UsageError
from edge_runtime.film.filelist import listed
from edge_runtime.film.walk import films_below, films_in

_MONTH = re.compile(
    r"(?:^|/)((?:19|20)\d\d)[-_/]?(0[1-9]|1[0-2])(?:[-_/]?(?:0[1-9]|[12]\d|3[01]))?(?=/|$)"
)
_DATE = re.compile(r"((?:19|20)\d\d)-?(0[1-9]|1[0-2])")
_ROWS = 10_000  # of a Parquet file that are held at once


class ListedFilm(NamedTuple):
    """A film's full path or URL, and the site and month (`YYYY-MM`) that are known of it."""

    path: str
    site: str | None = None
    month: str | None = None


def films_of(
    source: str, empty: Callable[[str], None], passed_over: dict[str, int]
) -> Iterator[ListedFilm]:
    """Yield the films that `source` names, in the order of names or of the list.

    `empty` is called with a folder that holds none, `passed_over` counts what is left out.

    Raises:
        UsageError: the source cannot be read, or is none.
    """
    if remote.is_url(source):
        yield from _below(source, remote.films_in(source, passed_over))
        return
    place = local_path(source)
    if os.path.isdir(place):  # noqa: PTH112, its bytes may be no text
        root = os.path.abspath(place)  # noqa: PTH100
        yield from _below(root, films_in([root], empty, passed_over))
    elif _is_parquet(place):
        yield from _of_parquet(place)
    else:
        for line in listed(place):
            below = [line] if remote.is_url(line) else films_below(local_path(line), passed_over)
            for path in below:
                yield ListedFilm(_full(path), None, month_in(os.path.dirname(path)))  # noqa: PTH120


def local_path(source: str) -> str:
    """Return the path of a `file://` URL; anything else is one."""
    return unquote(urlsplit(source).path) if source.startswith("file://") else source


def month_in(folders: str) -> str | None:
    """Return the month that the names of folders state, as 2024/03, 2024-03 or 20240317."""
    match = _MONTH.search(folders.replace(os.sep, "/"))
    return f"{match[1]}-{match[2]}" if match else None


def _full(path: str) -> str:
    return path if remote.is_url(path) else os.path.abspath(path)  # noqa: PTH100


def _below(root: str, paths: Iterator[str]) -> Iterator[ListedFilm]:
    """Yield each film below `root`, whose first level of folders is the site."""
    for path in paths:
        inside = path.removeprefix(root.rstrip("/")).lstrip("/")
        folders, _, _ = inside.rpartition("/")
        site = folders.partition("/")[0] or None
        yield ListedFilm(path, None if site and month_in(site) else site, month_in(folders))


def _is_parquet(path: str) -> bool:
    try:
        with Path(path).open("rb") as stream:
            return stream.read(4) == b"PAR1"
    except OSError as error:
        problem = error.strerror or str(error)
        raise UsageError(path, problem, "give a folder, a list, a Parquet or a URL") from error


def _of_parquet(path: str) -> Iterator[ListedFilm]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            column = next((name for name in (PATH, "file") if name in names), None)
            if column is None:
                raise UsageError(path, "has no column `path`", "name the films in one")
            wanted = [column, *(name for name in (SITE, MONTH) if name in names)]
            for batch in file.iter_batches(_ROWS, columns=wanted):
                for row in batch.to_pylist():
                    yield _of_row(path, row, column)
    except pa.ArrowInvalid as error:
        raise UsageError(path, "is no whole Parquet file", "write it again") from error


def _of_row(source: str, row: dict[str, object], column: str) -> ListedFilm:
    value, site = row[column], row.get(SITE)
    if not isinstance(value, str | bytes) or not value:
        lacks = f"without a {column}" if not value else f"with a {column} that is no text"
        raise UsageError(source, f"has a row {lacks}", "leave it out")
    path = os.fsdecode(value)
    match = _DATE.match(str(row.get(MONTH) or ""))
    month = f"{match[1]}-{match[2]}" if match else None
    return ListedFilm(_full(path), None if site is None else str(site), month)
