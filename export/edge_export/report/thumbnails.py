"""Small grey pictures of films, as the graph sees them: to recognise a film, not to read it."""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence

from PIL import Image

from edge_export.films.pixels import FilmPixels, Pixels

# Large enough to tell two films apart, too small to read what was written on them.
SIDE = 96


def thumbnails(
    digests: Sequence[str], pixels: FilmPixels, selected: Collection[str]
) -> dict[str, bytes]:
    """Return a PNG by digest for those of the `(n, h, w, c)` pixels whose digest is `selected`."""
    return {
        digest: thumbnail(pixels[place])
        for place, digest in enumerate(digests)
        if digest in selected
    }


def thumbnail(pixels: Pixels, side: int = SIDE) -> bytes:
    """Return `(height, width, channels)` uint8 pixels as a PNG of at most `side` pixels.

    It is in colour where the pixels are. The same pixels give the same bytes: a PNG of Pillow's
    holds no date and no name.
    """
    is_grey = bool((pixels == pixels[:, :, :1]).all())
    picture = Image.fromarray(pixels[:, :, 0] if is_grey else pixels)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    encoded = io.BytesIO()
    picture.save(encoded, "PNG", optimize=True)
    return encoded.getvalue()
