"""Golden films: phantoms whose pixels and logits every bundle records."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from edge_export.films.phantom import phantom

_SEEDS = (101, 102, 103, 104)
_SIZE = (256, 256)


@dataclass(frozen=True, slots=True)
class GoldenImage:
    """A golden film: its name in the bundle and its PNG bytes."""

    file: str
    png: bytes


def golden_images(*, colour: bool = False) -> list[GoldenImage]:
    """Return the same few phantoms at every call, half of them with opacities.

    In `colour` each channel is another phantom, so that channels in a wrong order are seen.
    """
    images = []
    for index, seed in enumerate(_SEEDS):
        stream = BytesIO()
        _drawn(seed, positive=index % 2 == 1, colour=colour).save(stream, "PNG", optimize=True)
        images.append(GoldenImage(f"golden/{index}.png", stream.getvalue()))
    return images


def _drawn(seed: int, *, positive: bool, colour: bool) -> Image.Image:
    seeds = (seed, seed + 100, seed + 200) if colour else (seed,)
    channels = [phantom(one, positive=positive, size=_SIZE) for one in seeds]
    return Image.merge("RGB", channels) if colour else channels[0]
