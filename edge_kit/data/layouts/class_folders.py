"""Sets whose class folders tell all: COVID-19 Radiography, and Kaggle's chest_xray."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from edge_kit.data.labels import split_of
from edge_kit.data.layouts.table_film import FilmFiles, TableFilm, named
from edge_kit.data.places import name_patients
from edge_runtime.errors import DataError


def radiography(root: Path, files: FilmFiles) -> Iterator[TableFilm]:
    """Yield the films of `COVID/images/`, `Normal/images/` and so on; no patient is known."""
    for path in files.paths:
        parts = PurePosixPath(path).parts
        if len(parts) < 3 or parts[-2].casefold() != "images":
            cure = "give the folder that holds COVID, Normal and the others"
            raise DataError(root / path, "does not lie in CLASS/images", cure)
        yield TableFilm(path=path, findings=(named(parts[-3]),), written=parts[-3])


def kaggle(root: Path, files: FilmFiles) -> Iterator[TableFilm]:
    """Yield the films of `train/NORMAL/` and so on; their names tell the patients."""
    ways = [PurePosixPath(path) for path in files.paths]
    splits = [split_of(way.parts[-3]) if len(way.parts) > 2 else None for way in ways]
    if missing := [way for way, split in zip(ways, splits, strict=True) if split is None]:
        cure = "give the folder that holds train, val and test"
        raise DataError(root / missing[0], "does not lie in SPLIT/CLASS", cure)
    patients = name_patients([(way.name, split) for way, split in zip(ways, splits, strict=True)])
    for way, split, patient in zip(ways, splits, patients, strict=True):
        yield TableFilm(
            path=way.as_posix(),
            findings=(named(way.parts[-2]),),
            written=way.parts[-2],
            patient=patient,
            split=split or "",
        )
