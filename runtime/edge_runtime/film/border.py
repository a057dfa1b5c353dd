"""Dark borders around a film: where the picture within them begins and ends.

Collimators, viewers and digitisers leave black around a film, more or less of it; with the border
in the picture the chest is smaller, and an answer may change. What is cut off is told by levels
alone, relative to the film's own.

On the cold path of `edge-run` for bundles that ask for it, and imported for no others.
"""

from __future__ import annotations

from PIL import Image

from edge_runtime.film.decode import WIDE
from edge_runtime.film.intensity import percentile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edge_runtime.bundle.records import Preprocess

_LINES = 256  # rows and columns that are looked at, if there are so many
_FEW = 31  # of 255: an eighth of a line's pixels may be bright, as letters in a border are
_QUARTER = 4  # of a side is cut off at either end at most


def within_border(
    image: Image.Image, preprocess: Preprocess, trim: float
) -> tuple[int, int, int, int]:
    """Return the box (left, top, right, bottom) in pixels of what lies within a dark border.

    A level up to `trim * high` is dark, where `high` is the film's percentile that is stretched to
    white: black is 0, or the lowest level where there are some below. Rows and columns at the edges
    of which seven eighths are dark are the border, up to a quarter of the side from each edge.
    """
    step = max(1, max(image.size) // _LINES)
    size = max(1, image.width // step), max(1, image.height // step)
    few = image.resize(size, Image.Resampling.NEAREST)
    bright = (_bright_of_wide if few.mode in WIDE else _bright)(few, preprocess, trim)
    left, right = _between(bright.resize((size[0], 1), Image.Resampling.BOX).tobytes())
    top, bottom = _between(bright.resize((1, size[1]), Image.Resampling.BOX).tobytes())
    width, height = image.size
    return (
        left * width // size[0],
        top * height // size[1],
        right * width // size[0],
        bottom * height // size[1],
    )


def _bright(few: Image.Image, preprocess: Preprocess, trim: float) -> Image.Image:
    """Return 255 where a level is not dark, 0 elsewhere."""
    grey = few.convert("L")
    limit = int(trim * percentile(grey.histogram(), preprocess.high_percentile))
    return grey.point([0] * (limit + 1) + [255] * (255 - limit))


def _bright_of_wide(few: Image.Image, preprocess: Preprocess, trim: float) -> Image.Image:
    """Return the same of levels of more than 8 bits, which may lie anywhere."""
    levels = memoryview(few.convert("F").tobytes()).cast("f")
    ordered = sorted(levels)
    high = ordered[round((len(ordered) - 1) * preprocess.high_percentile / 100)]
    black = min(0.0, ordered[0])
    limit = black + trim * (high - black)
    return Image.frombytes("L", few.size, bytes(255 * (level > limit) for level in levels))


def _between(lines: bytes) -> tuple[int, int]:
    """Return the first line and one past the last whose share of bright pixels, 0..255, is more."""
    most = len(lines) // _QUARTER
    bright = [place for place, share in enumerate(lines) if share > _FEW]
    if not bright:
        return 0, len(lines)
    return min(bright[0], most), max(bright[-1] + 1, len(lines) - most)
