"""Golden films: phantoms whose pixels and logits every bundle records."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from edge_export.films.phantom import phantom

_SEEDS = (101, 102, 103, 104)
_SIZE = (256, 256)


@dataclass(frozen=True, slots=True)
class GoldenImage:
    """A golden film: its name in the bundle and its PNG bytes."""

    file: str
    png: bytes


def golden_images() -> list[GoldenImage]:
    """Return the same few phantoms at every call, half of them with opacities."""
    images = []
    for index, seed in enumerate(_SEEDS):
        stream = BytesIO()
        phantom(seed, positive=index % 2 == 1, size=_SIZE).save(stream, "PNG", optimize=True)
        images.append(GoldenImage(f"golden/{index}.png", stream.getvalue()))
    return images
