"""NIH ChestX-ray14: `Data_Entry_2017.csv`, and films in `images_001/images/` and so on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edge_kit.data.layouts.table_film import FilmFiles, TableFilm, named, only
from edge_kit.data.table import read_lines, read_table

TABLES = "Data_Entry_2017*.csv"
_LISTS = {"train_val_list.txt": "train", "test_list.txt": "test"}


def films(root: Path, files: FilmFiles) -> Iterator[TableFilm]:
    """Yield the films of the table, with the splits of the official lists where they are there."""
    table, splits = only(root, root.glob(TABLES), TABLES), _splits(root)
    columns = ("image index", "finding labels", "patient id", "view position")
    for line, row in read_table(table, columns):
        name = row["image index"]
        labels = [label for label in row["finding labels"].split("|") if label.strip()]
        yield TableFilm(
            path=files.find(f"{table} line {line}", name),
            findings=tuple(map(named, labels)),
            written=row["finding labels"],
            patient=row["patient id"],
            split=splits.get(name, ""),
            view=row["view position"],
        )


def _splits(root: Path) -> dict[str, str]:
    """Return the split of each film that the lists name."""
    splits: dict[str, str] = {}
    for name, split in _LISTS.items():
        path = root / name
        lines = read_lines(path) if path.is_file() else ()
        splits |= {film: split for _, line in lines for film in line.split()}
    return splits
