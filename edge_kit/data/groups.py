"""groups.csv: which films no split may part, as `edge-kit data scan` found them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING

from edge_kit.data.table import read_table
from edge_runtime.errors import DataError
from edge_runtime.text import CsvTable, unguarded

if TYPE_CHECKING:
    from edge_kit.data.survey import Survey

GROUPS = "groups.csv"
COLUMNS = ("path", "label", "group", "patient", "duplicate_of")


def write_groups(survey: Survey, path: Path) -> None:
    """Write the table; it names films and patients, so it stays with the data it is about."""
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        table = CsvTable(file, paths=[COLUMNS.index("path"), COLUMNS.index("duplicate_of")])
        table.write(COLUMNS)
        for film in survey.films:
            table.write([film.path, film.label, film.group, film.patient, film.duplicate_of])


def read_groups(path: Path) -> Mapping[str, str]:
    """Return the group of every film by its POSIX path below the data folder.

    Raises:
        DataError: the table is damaged, has a film twice or a film without a group.
    """
    groups: dict[str, str] = {}
    for line, row in read_table(path, ("path", "group")):
        name = PureWindowsPath(row["path"]).as_posix()
        if not row["group"] or name in groups:
            problem = f"{name} again" if name in groups else f"{name} has no group"
            raise DataError(f"{path} line {line}", problem, "give every film one group")
        groups[name] = unguarded(row["group"])
    return groups
