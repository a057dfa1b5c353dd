"""The file of an author's own predictions: which film of the folder each of its rows speaks of."""

from __future__ import annotations

import math
import os
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from edge_export.films.film import Film
from edge_export.proof.predictions import Predictions
from edge_kit.data.film_folders import FilmFolders, Folders, film_folders
from edge_kit.data.table import read_table
from edge_runtime.answer.decide import sigmoid
from edge_runtime.bundle.digest import sha256
from edge_runtime.errors import DataError, FilmError
from edge_runtime.film.decode import open_film
from edge_runtime.film.source import LARGEST

_NAMED_BY = ("sha256", "path", "file")
_SAID_IN = ("probability", "logit")
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def read_predictions(
    path: Path, data: Folders, films: Sequence[Film], tolerance: float
) -> Predictions:
    """Return the predictions in the CSV file `path` for `films` of the folders.

    A row names its film in a column `sha256`, `path` (below the folder; of several, with that
    folder's name before it) or `file` (its name alone), and says the `probability` of the positive
    class or its `logit`.

    Raises:
        DataError: the file is no such table, a row says no prediction or speaks of several films,
            a film has two predictions, or none is of a film that is there.
    """
    folders = film_folders(data)
    known = _KnownFilms(folders, films)
    said: dict[str, float] = {}
    missing = rows = 0
    column = value = ""
    for line, row in read_table(path, ()):
        if not column:
            column, value = _one_of(path, _NAMED_BY, row), _one_of(path, _SAID_IN, row)
        rows += 1
        digest = known.digest(path, line, column, row[column])
        if digest is None:
            missing += 1
            continue
        number = _probability(path, line, value, row[value])
        if said.setdefault(digest, number) != number:
            problem = f"line {line}: the film has another prediction before"
            raise DataError(path, problem, "keep one row for each film")
    if not rows:
        problem = "holds no prediction: it has no row below a first line with the columns"
        raise DataError(path, problem, "write path,probability and below it a row for each film")
    if not said:
        problem = f"none of its {rows} rows is of a film in {folders.title}"
        raise DataError(path, problem, "name films by path below that folder, or by SHA-256")
    return Predictions(said, missing, tolerance)


def _one_of(path: Path, names: Sequence[str], header: Iterable[str]) -> str:
    """Return the one of the columns `names` that the table has."""
    columns = list(header)
    if len(columns) == 1:
        for separator, plural in _SEPARATORS.items():
            if separator in columns[0]:
                problem = f"its columns are separated by {plural}"
                cure = "separate them by commas, and write numbers with a point"
                raise DataError(path, problem, cure)
    found = [name for name in names if name in columns]
    if len(found) != 1:
        has = " and ".join(found) or f"none, only {', '.join(columns)}"
        problem = f"of the columns {', '.join(names)} it has {has}"
        raise DataError(path, problem, "give one of them")
    return found[0]


def _probability(path: Path, line: int, column: str, cell: str) -> float:
    """Return the probability that a cell states, as such or as a logit."""
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if column == "logit" and math.isfinite(number):
        return sigmoid(number)
    if not 0 <= number <= 1:
        problem = f"line {line}: {column} is {cell!r}"
        cure = "give a probability from 0 to 1, or a column logit"
        raise DataError(path, problem, "give a finite number" if column == "logit" else cure)
    return number


class _KnownFilms:
    """The films below a folder, by all that a row may name them by."""

    def __init__(self, folders: FilmFolders, films: Sequence[Film]) -> None:
        self._folders = folders
        self._digests = {film.sha256 for film in films}
        self._by_path = {_composed(folders.name(film.path)): film.sha256 for film in films}
        self._by_name: dict[str, set[str]] = {}
        for film in films:
            self._by_name.setdefault(_composed(film.path.name), set()).add(film.sha256)

    def digest(self, table: Path, line: int, column: str, cell: str) -> str | None:
        """Return the film that a cell names; None where it is not there.

        Raises:
            DataError: it names several.
        """
        if column == "sha256":
            return cell.lower() if cell.lower() in self._digests else None
        name = _composed(PurePosixPath(cell.replace("\\", "/")).as_posix())
        if column == "path":
            return self._by_path.get(name) or self._copy(name)
        found = self._by_name.get(name, set())
        if len(found) > 1:
            problem = f"line {line}: {len(found)} films have that name"
            raise DataError(table, problem, "give a column path, below the folder of films")
        return next(iter(found), None)

    def _copy(self, name: str) -> str | None:
        """Return the film that the file `name` below the folder is a copy of, byte for byte."""
        if PureWindowsPath(name).anchor or ".." in PurePosixPath(name).parts:
            return None  # no film below the folder
        try:
            with open_film(self._folders.path(name)) as file:
                if os.fstat(file.fileno()).st_size > LARGEST:
                    return None
                digest = sha256(file.read())
        except (OSError, ValueError, KeyError, FilmError):
            return None
        return digest if digest in self._digests else None


def _composed(name: str) -> str:
    """Return a name with its accents as one character each, however a disk or a table has them."""
    return unicodedata.normalize("NFC", name)
