"""What the exporter knows of a film: where it lies, what it shows, and in which split it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge_runtime.errors import DataError

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
HELD_OUT: tuple[Split, ...] = ("val", "test")


@dataclass(frozen=True, slots=True)
class Film:
    """One labelled image.

    `label` is the class name as matched (`covid`, `noncovid`, or a folder's own name); films
    of one `group` (a patient, a set of near-duplicates) are always in one `split`. `sha256` is the
    digest of the file's bytes, in hex.
    """

    path: Path
    label: str
    split: Split
    group: str
    sha256: str


def counts_by_split(films: Sequence[Film]) -> dict[str, dict[str, int]]:
    """Return how many films of each class are in each split."""
    counted = Counter((film.split, film.label) for film in films)
    return {
        split: {label: counted[split, label] for label in sorted({film.label for film in films})}
        for split in SPLITS
    }


def require_held_out(films: Sequence[Film]) -> None:
    """Require two films of each class in both held-out splits; intervals need them.

    Raises:
        DataError: there are fewer.
    """
    counts = Counter((film.split, film.label) for film in films)
    for split in HELD_OUT:
        for label in sorted({film.label for film in films}):
            if (count := counts[split, label]) < 2:
                problem = f"{count} {split} films of class {label}, 2 are needed"
                raise DataError("data", problem, "add films of other patients")
