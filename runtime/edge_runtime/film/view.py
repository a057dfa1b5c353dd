"""A film for people to look at: upright, grey and small enough for a page, nothing cropped.

The graph sees another picture, see `preprocess`; this one is for formats that browsers do not show.
"""

from __future__ import annotations

from typing import cast

from PIL import Image

from edge_runtime.film.preprocess import film_stages, to_channels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edge_runtime.bundle.records import Preprocess
    from edge_runtime.film.preprocess import FilmInput


def film_view(film: FilmInput, preprocess: Preprocess, side: int) -> Image.Image:
    """Return `film` in 8 bits of grey, its longer side at most `side` pixels.

    More than 8 bits a pixel are scaled from the darkest to the brightest of the film.

    Raises:
        FilmError, Refusal: as `film_pixels` does before it resizes a film.
    """
    stages = film_stages(film, preprocess)
    next(stages)  # not kept: two stages of a large film would be in memory at once
    image = to_channels(next(stages)[1], 1)
    del stages  # with the picture in colour, and the stream
    ratio = min(1.0, side / max(image.size))
    width, height = (max(1, round(ratio * length)) for length in image.size)
    image = image.resize((width, height), Image.Resampling.BOX if ratio < 1 else None)
    return image if image.mode == "L" else _scaled(image)


def _scaled(image: Image.Image) -> Image.Image:
    """Return a picture of more than 8 bits in 8."""
    image = image.convert("F")
    low, high = cast("tuple[float, float]", image.getextrema())
    scale = 255.0 / (high - low) if high > low else 1.0
    return image.point(lambda level: level * scale + -low * scale).convert("L")
