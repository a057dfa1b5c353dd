"""github.com/ieee8023/covid-chestxray-dataset: `metadata.csv` beside `images/`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edge_kit.data.labels import modality_of
from edge_kit.data.layouts.table_film import UNKNOWN, FilmFiles, TableFilm, named
from edge_kit.data.table import read_table

TABLE = "metadata.csv"


def films(root: Path, files: FilmFiles) -> Iterator[TableFilm]:
    """Yield the films of the table; a finding `A/B/C` goes by each of its parts too."""
    table = root / TABLE
    for line, row in read_table(table, ("patientid", "finding", "view", "modality", "filename")):
        name, finding = row["filename"], row["finding"]
        folder = row.get("folder", "")
        candidates = [f"{folder}/{name}"] if folder else [f"images/{name}", name]
        yield TableFilm(
            path=files.find(f"{table} line {line}", *candidates) if name else "",
            findings=(named(finding, *finding.split("/")),) if finding else (),
            written=finding,
            patient=row["patientid"],
            view=row["view"],
            modality=modality_of(row["modality"]) or UNKNOWN,
        )
