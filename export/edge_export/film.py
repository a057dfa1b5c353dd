"""What the exporter knows of a film: where it lies, what it shows, and which rows may see it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Film:
    """One labelled image.

    `label` is the class name as matched (`covid`, `noncovid`, or a folder's own name); `split`
    says which rows it belongs to; films of one `group` (a patient, a set of near-duplicates)
    are always in one split. `sha256` is the digest of the file's bytes, in hex.
    """

    path: Path
    label: str
    split: Split
    group: str
    sha256: str
