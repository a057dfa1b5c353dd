"""The films that all boxes answer: real ones where they are, else generated ones."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path


def real_films(folder: Path, modality: str) -> Iterator[Path]:
    """Yield the test films of `modality` that `manifest.csv` of `folder` lists, if it is there."""
    if (folder / "manifest.csv").is_file():
        with (folder / "manifest.csv").open(encoding="utf-8", newline="") as table:
            for row in csv.DictReader(table):
                if row["split"] == "test" and Path(row["path"]).parts[0] == modality:
                    yield folder / row["path"]


def drawn_films(folder: Path, count: int) -> Iterator[Path]:
    """Draw `count` films that belong to nobody into `folder`."""
    from edge_export.films.phantom import phantom

    for seed in range(count):
        path = folder / f"{seed}.png"
        phantom(seed, positive=bool(seed % 2), size=(320, 256)).save(path)
        yield path


def sampled(films: list[Path], count: int) -> list[Path]:
    """Return `count` of `films`, evenly spread, or all of them."""
    if count >= len(films):
        return films
    return [films[place * len(films) // count] for place in range(count)]
