"""Generated films, drawn so that no two are near-duplicates unless a test wants them to be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def write_film(path: Path, seed: int, *, brighter: int = 0, gamma: float = 1.0) -> Path:
    """Write a 64x64 grey PNG of coarse noise, the same for the same seed, plus `brighter`.

    A `gamma` under 1 brightens the middle shades, which outlasts any normalisation of the range.
    """
    coarse = np.random.default_rng(seed).integers(0, 200, (8, 8), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(coarse).resize((64, 64), Image.Resampling.BICUBIC)
    shades = [255 * (value / 255) ** gamma for value in range(256)]
    image.point([min(round(shade) + brighter, 255) for shade in shades]).save(path)
    return path


def write_films(root: Path, *folders: str, count: int = 8) -> Path:
    """Fill every folder below `root` with `count` films, all of them different."""
    for place, folder in enumerate(folders):
        for film in range(count):
            write_film(root / folder / f"{film}.png", 1000 * place + film)
    return root
