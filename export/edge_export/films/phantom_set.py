"""A folder of synthetic films, half of either class, with patients and splits."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from edge_export.films.film import Split
from edge_export.films.phantom import draws, phantom
from edge_runtime.errors import CannotWrite, UsageError
from edge_runtime.output import new_folder_at
from edge_runtime.text import CsvTable

COLUMNS = ("path", "label", "split", "patient_id", "group_id", "modality")
"""The columns of the manifest that `write_phantoms` leaves beside the films."""

_SPLIT_CYCLE: tuple[Split, ...] = ("train", "test", "train", "val", "train", "test", "train")
_SMALLEST_COUNT = 2 * 4  # the first four patients of either class reach all three splits


def write_phantoms(
    folder: Path, *, count: int, seed: int, size: tuple[int, int] = (320, 320)
) -> None:
    """Write `count` films, half of either class, and a manifest with patients and splits.

    `size` is their (width, height) in pixels. The new `folder` holds `covid/0000.png` ...,
    `noncovid/0000.png` ... and `manifest.csv` (`COLUMNS`). Every fourth patient has two films. The
    folder appears whole or not at all.

    Raises:
        UsageError: `count` is odd or too small to fill every split, `seed` is negative, or a side
            is shorter than `SMALLEST_SIDE`.
        CannotWrite: `folder` exists, or the disk refused.
    """
    if count < _SMALLEST_COUNT or count % 2:
        cure = f"use an even number from {_SMALLEST_COUNT} on"
        raise UsageError("count", f"{count} films cannot be shared out", cure)
    if seed < 0:
        raise UsageError("seed", f"{seed} is negative", "use 0 or more")
    place = new_folder_at(folder)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        # Written one level down: the scratch folder itself is readable by its owner alone.
        with tempfile.TemporaryDirectory(prefix=f".{place.name}-", dir=place.parent) as scratch:
            draft = Path(scratch) / place.name
            _write(draft, count // 2, seed, size)
            draft.rename(place)
    except OSError as error:
        problem = error.strerror or str(error)
        raise CannotWrite(folder, problem, "nothing was written, name another place") from error


def _write(draft: Path, half: int, seed: int, size: tuple[int, int]) -> None:
    """Write `half` films of either class and their manifest into the new folder `draft`."""
    draft.mkdir()
    with (draft / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        manifest = CsvTable(file, paths=[0])
        manifest.write(COLUMNS)
        for label in ("covid", "noncovid"):
            positive = label == "covid"
            (draft / label).mkdir()
            # Each class has its own random stream, so that no anatomy appears in both classes.
            patient_seeds = draws(seed, positive).integers(2**62, size=half).tolist()
            for number, (patient, view) in zip(range(half), _visits(), strict=False):
                film = phantom(patient_seeds[patient], positive=positive, view=view, size=size)
                path = f"{label}/{number:04}.png"
                film.save(draft / path, compress_level=1)  # grain does not compress
                split = _SPLIT_CYCLE[patient % len(_SPLIT_CYCLE)]
                name = f"{label}-{patient:04}"
                manifest.write((path, label, split, name, name, "xray"))


def _visits() -> Iterator[tuple[int, int]]:
    """Yield (patient, view) without end: every fourth patient comes twice."""
    patient = 0
    while True:
        yield patient, 0
        if patient % 4 == 3:
            yield patient, 1
        patient += 1
