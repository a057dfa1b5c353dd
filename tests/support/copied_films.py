"""A folder with every kind of copy that a scan has to find, and films of other patients."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from PIL import Image, ImageOps

from edge_export.films.phantom import phantom

Film = Image.Image

CHANGES: Mapping[str, Callable[[Film], Film]] = {
    "mirrored": ImageOps.mirror,
    "flipped": ImageOps.flip,
    "turned": lambda film: film.rotate(37, Image.Resampling.BICUBIC),
    "turned whole": lambda film: film.rotate(200, Image.Resampling.BICUBIC, expand=True),
    "cropped": lambda film: film.crop((10, 5, 190, 195)),
    "darker": lambda film: film.point([value * 3 // 5 for value in range(256)]),
    "stretched": lambda film: film.resize((160, 200)),
    "combined": lambda film: (
        ImageOps.mirror(film).rotate(200).crop((8, 8, 195, 195)).point(lambda value: value * 0.8)
    ),
}


@cache
def patient(number: int, view: int = 0) -> Film:
    """Draw a film of one patient; those with an even number are positive."""
    return phantom(number, positive=number % 2 == 0, size=(200, 200), view=view)


def write_copied_films(root: Path) -> Path:
    """Write ten films of six patients by class; the names tell what each is a copy of."""
    for label in ("covid", "normal"):
        (root / label).mkdir(parents=True)
    for number in range(6):
        patient(number).save(root / ("covid", "normal")[number % 2] / f"{number}.png")
    shutil.copyfile(root / "covid/0.png", root / "covid/9-bytes.png")
    patient(1).convert("RGB").save(root / "normal/1-near.jpg", quality=90)
    CHANGES["combined"](patient(2)).save(root / "covid/2-combined.png")
    CHANGES["turned"](patient(3)).save(root / "covid/3-turned.png")
    return root
