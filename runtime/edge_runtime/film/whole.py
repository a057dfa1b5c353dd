"""Pictures whose end was never written: a copy into a preallocated file that was cut off.

What no check sum covers (native DICOM, BMP, PGM, TIFF) is read as a film whose last rows are of one
shade, as are the rows that a collimator left dark. They are told apart by their edge.
"""

from __future__ import annotations

from PIL import Image

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Levels = list[float]

CORNER = (128, 4)
"""Pixels at the lower right end of a picture: sixteen blocks of JPEG, and not all of their rows."""

LEAST = 0.05
"""The share of a picture that is worth a warning where it may never have been written."""

_LEAST_TORN = 5  # rows: fewer may be saturated pixels
_LEAST_PIXELS = 8  # on either side of the place where a row breaks off
_CONTRAST = 0.02  # of the film's range: what differs less is as dark as the border
_KEPT = 0.9  # of the pixels above, before the break
_SAMPLE = (64, 64)
_STRIP = 256  # rows


class Unwritten:
    """How many of the last rows are of one shade, and what that says of them.

    `torn` where they begin within a row, as no border does; `odd` where the shade is neither the
    darkest nor the brightest of the picture, as of few borders.
    """

    __slots__ = ("odd", "rows", "torn")

    def __init__(self, rows: int, *, torn: bool = False, odd: bool = False) -> None:
        self.rows = rows
        self.torn = torn
        self.odd = odd


def ends_evenly(image: Image.Image) -> bool:
    """Tell whether the last pixels are of one shade, as those of 1 real film in 100 are."""
    width, height = image.size
    if not _may_be_even(image):
        return False
    corner = image.crop((width - min(CORNER[0], width), height - CORNER[1], width, height))
    data = corner.tobytes()
    return (
        data == data[: len(data) // (corner.width * corner.height)] * corner.width * corner.height
    )


def _may_be_even(image: Image.Image) -> bool:
    """Look at two pixels at the end, which costs a tenth of looking at a row: most films differ."""
    width, height = image.size
    last, before = (image.getpixel((width - back, height - 1)) for back in (1, min(32, width)))
    return last == before


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
    darkest, brightest = _range(image)
    shade, least = even[0], _CONTRAST * (brightest - darkest)
    odd = darkest + least < shade < brightest - least
    end = max((x + 1 for x in range(width) if row[x] != shade), default=0)
    content = [x for x in range(width) if abs(above[x] - shade) > least]
    kept = [x for x in content if x < end and abs(row[x] - shade) > least]
    lost = [x for x in content if x >= end]
    sharp = len(content) >= width / 2 and len(kept) >= _KEPT * (len(content) - len(lost))
    if sharp and rows >= _LEAST_TORN and min(len(kept), len(lost)) >= _LEAST_PIXELS:
        ends = max((x for x in range(width) if abs(over[x] - shade) > least), default=-1)
        if abs(ends - lost[-1]) <= _LEAST_PIXELS:
            return Unwritten(rows, torn=not _is_framed(image, last, shade), odd=odd)
    return Unwritten(rows, odd=odd) if rows >= LEAST * image.height and (sharp or odd) else None


def _is_framed(image: Image.Image, last: int, shade: float) -> bool:
    """Tell whether a border of this shade runs along another side of the picture, too."""
    sides = (
        (0, 0, image.width, 1),
        (0, 0, 1, last),
        (image.width - 1, 0, image.width, last),
    )
    return any(set(_levels(image.crop(side))) == {shade} for side in sides)


def unwritten_tiles(image: Image.Image, boxes: Sequence[tuple[int, int, int, int]]) -> float:
    """Return the share of a picture that its last tiles of one shade take, 0 to 1."""
    area, shade = 0, b""
    for left, top, right, bottom in reversed(boxes):
        tile = image.crop((left, top, min(right, image.width), min(bottom, image.height)))
        data = tile.tobytes()
        size = len(data) // (tile.width * tile.height)
        shade = shade or data[:size]
        if data != shade * (len(data) // size):
            break
        area += tile.width * tile.height
    return area / (image.width * image.height)


def _even_rows(image: Image.Image) -> int:
    """Return how many of the last rows hold one value alone."""
    width, height = image.size
    if not _may_be_even(image):
        return 0

    def is_even(top: int, bottom: int) -> bool:
        for y in range(top, bottom, _STRIP):  # not all rows of a large picture at once
            data = image.crop((0, y, width, min(y + _STRIP, bottom))).tobytes()
            if data != last[:size] * (len(data) // size):
                return False
        return True

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


def _range(image: Image.Image) -> tuple[float, float]:
    """Return the darkest and the brightest level, without the outermost hundredths, on a grid."""
    levels = sorted(_levels(image.resize(_SAMPLE, Image.Resampling.NEAREST)))
    return levels[len(levels) // 100], levels[-1 - len(levels) // 100]
