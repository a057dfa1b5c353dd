"""CSV tables as people write them: with a BOM, odd headers and short rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from edge_runtime.errors import DataError

LARGEST = 1 << 29
"""The most bytes of a table; the largest that is published for films has 80 MB."""


def read_table(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line number and cells, stripped and by lower-case column name, of every row.

    Raises:
        DataError: the file cannot be read, is too large, is not UTF-8 or not CSV, or lacks one of
            `columns`.
    """
    try:
        if (size := path.stat().st_size) > LARGEST:
            problem = f"has {size >> 20} MiB, {LARGEST >> 20} are the most of a table"
            raise DataError(path, problem, "give the table of the films alone")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(
            path, f"cannot be read ({error.strerror})", "check the path and the rights"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            path, f"is not UTF-8 (byte {error.start})", "save it as CSV UTF-8"
        ) from error
    reader = csv.DictReader(io.StringIO(text, newline=""), restval="", strict=True)
    try:
        reader.fieldnames = header = [name.strip().lower() for name in reader.fieldnames or ()]
        if missing := [name for name in columns if name not in header]:
            raise DataError(
                path,
                f"has no column {missing[0]!r}, only {', '.join(header) or 'an empty first line'}",
                f"write the columns {', '.join(columns)} separated by commas",
            )
        for row in reader:
            yield reader.line_num, {name: row[name].strip() for name in header}
    except csv.Error as error:
        raise DataError(
            path, f"is not CSV after line {reader.line_num} ({error})", "check its quotes"
        ) from error
