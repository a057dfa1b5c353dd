"""RSNA pneumonia challenge: `stage_2_train_images/ID.dcm`, classes in `stage_2_*.csv`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edge_kit.data.layouts.table_film import FilmFiles, TableFilm, named
from edge_kit.data.table import read_table

CLASSES, BOXES = "stage_2_detailed_class_info.csv", "stage_2_train_labels.csv"
FOLDER = "stage_2_train_images"
_TARGETS = {"1": "Lung Opacity", "0": "No Lung Opacity"}


def films(root: Path, files: FilmFiles) -> Iterator[TableFilm]:
    """Yield the films, once for each class that the tables give one; boxes make several rows.

    Without the table of classes, `Target` tells `Lung Opacity` from `No Lung Opacity`.
    """
    detailed = (root / CLASSES).is_file()
    table = root / (CLASSES if detailed else BOXES)
    seen: set[tuple[str, str]] = set()
    for line, row in read_table(table, ("patientid", "class" if detailed else "target")):
        name = row["patientid"]
        label = row["class"] if detailed else _TARGETS.get(row["target"], "")
        if (name, label) in seen:
            continue
        seen.add((name, label))
        names = [f"{name}{ending}" for ending in (".dcm", ".png", ".jpg")]
        candidates = [*(f"{FOLDER}/{name}" for name in names), *names]
        yield TableFilm(
            path=files.find(f"{table} line {line}", *candidates),
            findings=(named(label, *label.split("/")),) if label else (),
            written=label,
            patient=name,
        )
