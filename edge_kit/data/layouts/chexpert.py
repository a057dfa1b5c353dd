"""CheXpert: `train.csv` and `valid.csv`, films in `train/patient00001/study1/view1_frontal.jpg`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from edge_kit.data.layouts.table_film import FilmFiles, TableFilm, named
from edge_kit.data.table import read_table
from edge_runtime.errors import DataError

TABLES = {"train.csv": "train", "valid.csv": "val", "test.csv": "test"}
COLUMN = "no finding"
"""The first column of findings; all behind it are findings too."""
_YES, _UNCERTAIN = 1.0, -1.0


def films(root: Path, files: FilmFiles) -> Iterator[TableFilm]:
    """Yield the films of the tables that are there, each in the split of its table."""
    tables = [root / name for name in TABLES if (root / name).is_file()]
    if not tables:
        raise DataError(root, "holds no train.csv and no valid.csv", "give CheXpert's own folder")
    for table in tables:
        for line, row in read_table(table, ("path", COLUMN)):
            columns = list(row)
            findings = columns[columns.index(COLUMN) :]
            values = {name: _number(f"{table} line {line}", row[name]) for name in findings}
            positive = [name for name, value in values.items() if value == _YES]
            yield TableFilm(
                path=files.find(f"{table} line {line}", row["path"]),
                findings=tuple(map(named, positive)),
                written="|".join(positive),
                uncertain=tuple(named(name) for name in values if values[name] == _UNCERTAIN),
                patient=next(
                    (p for p in PurePosixPath(row["path"]).parts if p.startswith("patient")), ""
                ),
                split=TABLES[table.name],
                view=_view(row),
            )


def _view(row: dict[str, str]) -> str:
    if row.get("frontal/lateral", "").casefold() == "lateral":
        return "LATERAL"
    return row.get("ap/pa", "")


def _number(subject: str, cell: str) -> float | None:
    try:
        return float(cell) if cell else None
    except ValueError:
        cure = "give CheXpert's table as it was published"
        raise DataError(subject, f"{cell!r} is not 1, 0 or -1", cure) from None
