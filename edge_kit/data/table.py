"""CSV tables as people write them: with a BOM, odd headers and short rows; read row by row.

Nothing of a table is held but the row at hand, and no row, no table and no header is larger than
any that is published for films, with a factor in hand.
"""

from __future__ import annotations

import csv
import os
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO

from edge_runtime.errors import DataError

LARGEST = 1 << 28
"""The most bytes of a table; the largest that is published for films has 80 MB."""
LONGEST = 1 << 18
"""The most bytes of a row, and of a line of a list; published ones have some thousands."""
MOST_COLUMNS = 1024
MOST_ROWS = 1 << 20
"""The most rows of a table; the largest published set has 400,000 films."""

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8, _ALONE = "save it as CSV UTF-8", "give the table of the films alone"


def read_table(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line number and cells, stripped and by lower-case column name, of every row.

    Raises:
        DataError: the file cannot be read, is too large, is not UTF-8 or not CSV, lacks one of
            `columns`, has one twice, or a row has more cells than there are columns.
    """
    with _opened(path) as file:
        lines = _Lines(path, file)
        reader = csv.reader(lines, strict=True)
        try:
            header = _header(path, next(reader, []), columns)
            lines.end_row()
            for rows, cells in enumerate(reader, 1):
                line = lines.number
                lines.end_row()
                if rows > MOST_ROWS:
                    problem = f"{MOST_ROWS} rows are the most of a table"
                    raise DataError(f"{path} line {line}", problem, _ALONE)
                # A single column may be none at all: the table has other separators.
                if len(header) > 1 and any(cell.strip() for cell in cells[len(header) :]):
                    problem = f"has {len(cells)} cells, the first line {len(header)}"
                    cure = "put cells that hold commas in double quotes"
                    raise DataError(f"{path} line {line}", problem, cure)
                if cells:
                    named = zip_longest(header, cells[: len(header)], fillvalue="")
                    yield line, {name: cell.strip() for name, cell in named}
        except csv.Error as error:
            problem = f"is not CSV ({error})"
            raise DataError(lines.here, problem, "check its quotes") from error


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield number and text of the lines of a list, without what ends them.

    Raises:
        DataError: as `read_table` does.
    """
    with _opened(path) as file:
        lines = _Lines(path, file)
        for line in lines:
            if lines.number > MOST_ROWS:
                problem = f"{MOST_ROWS} lines are the most of a list"
                raise DataError(f"{path} line {lines.number}", problem, _ALONE)
            lines.end_row()
            yield lines.number, line.rstrip("\r\n")


class _Lines:
    """The lines of a file as text, each row of a bounded size; an iterator for `csv.reader`."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, file
        self._row = self._offset = 0
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._file.readline(LONGEST + 1)
        if not line:
            raise StopIteration
        self.number += 1
        if self.number == 1 and line.startswith(_UTF16):
            raise DataError(self._path, "is UTF-16, not UTF-8", _UTF8)
        self._row += len(line)
        if self._row > LONGEST:
            problem = f"a row is longer than {LONGEST >> 10} KiB"
            raise DataError(self.here, problem, "check its quotes, and that it is a table")
        if b"\0" in line:
            raise DataError(self.here, "holds a byte that is 0", _UTF8)
        try:
            text = line.decode("utf-8-sig" if self.number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            problem = f"is not UTF-8 (byte {self._offset + error.start})"
            raise DataError(self.here, problem, _UTF8) from error
        self._offset += len(line)
        return text

    @property
    def here(self) -> str:
        """The line that was read last, for a message."""
        return f"{self._path} line {self.number}"

    def end_row(self) -> None:
        """Begin to count anew: a row may be many lines in quotes."""
        self._row = 0


def _header(path: Path, cells: list[str], columns: tuple[str, ...]) -> list[str]:
    """Return the names of the columns, in small letters."""
    if len(cells) > MOST_COLUMNS:
        problem = f"has {len(cells)} columns, {MOST_COLUMNS} are the most"
        raise DataError(path, problem, "keep the columns that are needed")
    header = [name.strip().lower() for name in cells]
    if missing := [name for name in columns if name not in header]:
        found = ", ".join(header[:12]) + (" and more" if len(header) > 12 else "")
        raise DataError(
            path,
            f"has no column {missing[0]!r}, only {found[:500] or 'an empty first line'}",
            f"write the columns {', '.join(columns)} separated by commas",
        )
    if twice := [name for name, count in Counter(header).items() if name and count > 1]:
        problem = f"has the column {twice[0][:64]!r} twice"
        raise DataError(path, problem, "rename one, or delete it")
    return header


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Yield the regular file `path`, which is not larger than a table may be."""
    try:
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115, has an opener
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        raise DataError(path, problem, "check the path and the rights") from error
    except ValueError as error:  # a name that no file can have
        raise DataError(path, f"cannot be read ({error})", "check the path") from error
    with file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise DataError(path, "is no file", "give the name of a table")
        if (size := status.st_size) > LARGEST:
            problem = f"has {size >> 20} MiB, {LARGEST >> 20} are the most of a table"
            raise DataError(path, problem, _ALONE)
        try:
            yield file
        except OSError as error:
            problem = f"cannot be read ({error.strerror})"
            raise DataError(path, problem, "copy it again") from error


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
