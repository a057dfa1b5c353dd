"""COVIDx (COVID-Net): lists such as `train_split.txt`, and films in `train/` and `test/`.

A line is `patientid filename class` and, in later versions, the source; with spaces between.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from edge_kit.data.labels import split_of
from edge_kit.data.layouts.table_film import FilmFiles, TableFilm, named, only
from edge_kit.data.table import read_lines
from edge_runtime.errors import DataError

CLASSES = ("COVID-19", "normal", "pneumonia", "positive", "negative")
_NAMES = {name.casefold() for name in CLASSES}


def films(root: Path, files: FilmFiles) -> Iterator[TableFilm]:
    """Yield the films of the lists, each in the split of its list."""
    for split in ("train", "val", "test"):
        lists = sorted(root.glob(f"{split}*.txt"))
        if lists or split == "train":
            table = only(root, lists, f"{split}*.txt")
            for line, (patient, name, label) in rows(table):
                candidates = (f"{split}/{name}", f"data/{split}/{name}", name)
                yield TableFilm(
                    path=_of_split(files.find(f"{table} line {line}", *candidates), split),
                    findings=(named(label),),
                    written=label,
                    patient=patient,
                    split=split,
                )


def _of_split(path: str, split: str) -> str:
    """Return `path`, or nothing where its folders say that it is a film of another split."""
    parts = PurePosixPath(path).parts[:-1]
    return path if all(split_of(part) in (None, split) for part in parts) else ""


def rows(table: Path) -> Iterator[tuple[int, tuple[str, str, str]]]:
    """Yield number, patient, file name and class of each line of a list.

    Raises:
        DataError: the list cannot be read, or a line is none of a list.
    """
    for number, line in read_lines(table):
        words = line.split()
        at = next((-n for n in (1, 2) if len(words) > n and words[-n].casefold() in _NAMES), 0)
        if words and (not at or len(words[:at]) < 2):
            problem = "is not 'patientid filename class [source]'"
            raise DataError(f"{table} line {number}", problem, "give a list of COVIDx")
        if words:
            yield number, (words[0], " ".join(words[1:at]), words[at])
