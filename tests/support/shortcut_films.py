"""Films of noise, with or without something that gives their class away."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge_export.films.film import SPLITS, Film
from edge_kit.data.dataset import Dataset
from tiny_network import SIDE

Draw = Callable[[NDArray[np.uint8], bool], NDArray[np.uint8]]
LABELS = ("covid", "noncovid")


def plain(film: NDArray[np.uint8], positive: bool) -> NDArray[np.uint8]:
    del positive
    return film


def bright_corner(film: NDArray[np.uint8], positive: bool) -> NDArray[np.uint8]:
    """Burn a marker over one corner of the positive films."""
    film[:8, :8] = 255 if positive else 0
    return film


def bright_centre(film: NDArray[np.uint8], positive: bool) -> NDArray[np.uint8]:
    """Brighten the middle of the positive films, darken that of the others."""
    film[28:36, 28:36] = 255 if positive else 0
    return film


def wide(film: NDArray[np.uint8], positive: bool) -> NDArray[np.uint8]:
    """Give the positive films another format."""
    return np.hstack([film, film]) if positive else film


def write_dataset(root: Path, draw: Draw = plain, count: int = 72, seed: int = 5) -> Dataset:
    """Write films of noise, changed by `draw`, below `root`; each is a patient of its own."""
    rng = np.random.default_rng(seed)
    films = []
    for number in range(count):
        label, split = LABELS[number % 2], SPLITS[number // 2 % 3]
        grey = draw(rng.integers(0, 256, (SIDE, SIDE), np.uint8), label == "covid")
        path = root / f"patient-{number:03}.png"
        root.mkdir(parents=True, exist_ok=True)
        Image.fromarray(grey).save(path, compress_level=1)
        digest = sha256(path.read_bytes()).hexdigest()
        films.append(Film(path, label, split, f"g{number}", digest))
    return Dataset(tuple(films), "xray", "covid", "noncovid", {}, ())


def write_sources(root: Path, dataset: Dataset, source: Callable[[int, Film], str]) -> None:
    """Write a manifest that names the source of each film."""
    rows = [
        f"{film.path.name},{film.label},{source(number, film)}\n"
        for number, film in enumerate(dataset.films)
    ]
    (root / "manifest.csv").write_text("path,label,source\n" + "".join(rows), encoding="utf-8")
