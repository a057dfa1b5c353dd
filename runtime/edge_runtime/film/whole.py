"""Pictures whose end was never written: a copy into a preallocated file that was cut off.

What no check sum covers (native DICOM, BMP, PGM, TIFF) is read as a film whose last rows are of one
shade, as are the rows that a collimator left dark. They are told apart by their edge.
"""

from __future__ import annotations

from PIL import Image

TYPE_CHECKING = False
if TYPE_CHECKING:
    Levels = list[float]

_LEAST_WARNED = 0.05  # of the rows
_LEAST_PIXELS = 8  # on either side of the place where a row breaks off
_CONTRAST = 0.02  # of the film's range: what differs less is as dark as the border
_KEPT = 0.9  # of the pixels above, before the break
_SAMPLE = (64, 64)


class Unwritten:
    """The last `rows` rows are of one shade; `torn` if from within a row on, as no border is."""

    __slots__ = ("rows", "torn")

    def __init__(self, rows: int, torn: bool) -> None:
        self.rows = rows
        self.torn = torn


def unwritten_end(image: Image.Image) -> Unwritten | None:
    """Return what may never have been written of `image`, whose rows stand as they were stored.

    A border runs along the rows or, turned by some angle, crosses many of them. Data break off at
    any place of a row, after which the row above still goes on, as far as the ones above it do.
    Where they break off between two rows, nothing tells them from a border with a sharp edge.
    """
    rows = _even_rows(image)
    last = image.height - rows - 1
    if not rows or last < 2:
        return None
    strip = image.crop((0, last - 2, image.width, last + 2))
    levels, width = _levels(strip), image.width
    over, above, row, even = (levels[n * width : (n + 1) * width] for n in range(4))
    shade, least = even[0], _CONTRAST * _range(image)
    content = [x for x in range(width) if abs(above[x] - shade) > least]
    end = max((x + 1 for x in range(width) if row[x] != shade), default=0)
    kept = [x for x in content if x < end and abs(row[x] - shade) > least]
    lost = [x for x in content if x >= end]
    if len(content) < width / 2 or len(kept) < _KEPT * (len(content) - len(lost)):
        return None
    if min(len(kept), len(lost)) >= _LEAST_PIXELS:
        ends = max((x for x in range(width) if abs(over[x] - shade) > least), default=-1)
        if abs(ends - lost[-1]) <= _LEAST_PIXELS:
            return Unwritten(rows, torn=True)
    return Unwritten(rows, torn=False) if rows >= _LEAST_WARNED * image.height else None


def _even_rows(image: Image.Image) -> int:
    """Return how many of the last rows hold one value alone."""
    width, height = image.size

    def is_even(top: int, bottom: int) -> bool:
        data = image.crop((0, top, width, bottom)).tobytes()
        return data == last[:size] * (len(data) // size)

    last = image.crop((0, height - 1, width, height)).tobytes()
    size = max(1, len(last) // width)
    top, step = height, 1
    while step:  # twice as many as long as they are even, then half as many
        if top - step >= 0 and is_even(top - step, top):
            top -= step
            step *= 2
        else:
            step //= 2
    return height - top


def _levels(image: Image.Image) -> Levels:
    """Return the grey levels of a small picture of any mode, row by row."""
    if image.mode not in ("L", "I", "F"):
        image = image.convert("I" if image.mode.startswith("I") else "L")
    return [*memoryview(image.convert("F").tobytes()).cast("f")]


def _range(image: Image.Image) -> float:
    """Return how far the grey levels lie apart, without the outermost hundredths, on a grid."""
    levels = sorted(_levels(image.resize(_SAMPLE, Image.Resampling.NEAREST)))
    return levels[-1 - len(levels) // 100] - levels[len(levels) // 100]
