"""Any other table, whose columns are named by options."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge_kit.data.labels import Modality, split_of
from edge_kit.data.layouts.table_film import FilmFiles, TableFilm, named, only
from edge_kit.data.table import read_table
from edge_runtime.errors import DataError, UsageError


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of a table's columns; `table` is by default the one CSV in the folder.

    `modality` is that of all its films, where it is said.
    """

    path: str | None = None
    label: str | None = None
    patient: str | None = None
    split: str | None = None
    view: str | None = None
    modality: Modality | None = None
    table: Path | None = None


def films(root: Path, files: FilmFiles, columns: Columns) -> Iterator[TableFilm]:
    """Yield the films of a table.

    Raises:
        UsageError: the columns of path and label are not named.
        DataError: the table cannot be read, lacks a column or names an unknown split.
    """
    if not (columns.path and columns.label):
        problem = "the columns of a table have to be named"
        raise UsageError("--from csv", problem, "add --path-column NAME --label-column NAME")
    table = columns.table or only(root, root.glob("*.csv"), "*.csv, unless --table names one")
    wanted = [columns.path, columns.label, columns.patient, columns.split, columns.view]
    path, label, patient, split, view = (name and name.strip().lower() for name in wanted)
    for line, row in read_table(
        table, tuple(name for name in (path, label, patient, split, view) if name)
    ):
        where = f"{table} line {line}"
        told = row[split] if split else ""
        if told and split_of(told) is None:
            raise DataError(where, f"unknown split {told!r}", "use train, val, test or none")
        yield TableFilm(
            path=files.find(where, row[path or ""]),
            findings=(named(row[label or ""]),) if row[label or ""] else (),
            written=row[label or ""],
            patient=row[patient] if patient else "",
            split=split_of(told) or "",
            view=row[view] if view else "",
            modality=columns.modality or "",
        )
