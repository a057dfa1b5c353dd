"""groups.csv: which films no split may part, as `edge-kit data scan` found them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING

from edge_kit.data.table import read_table
from edge_runtime.answer.cell import guarded, guarded_path, unguarded
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    from edge_kit.data.survey import Survey, Surveyed

GROUPS = "groups.csv"
COLUMNS = ("path", "label", "group", "patient", "duplicate_of")


def write_groups(survey: Survey, path: Path) -> None:
    """Write the table; it names films and patients, so it stays with the data it is about."""
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(map(_row, survey.films))


def _row(film: Surveyed) -> list[str]:
    """Return the cells of one film, none of which a spreadsheet takes for a formula."""
    paths = (guarded_path(film.path), guarded_path(film.duplicate_of))
    return [paths[0], *map(guarded, (film.label, film.group, film.patient)), paths[1]]


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
