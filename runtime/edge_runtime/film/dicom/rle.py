"""The values of an RLE frame (PS3.5 annex G), or that it has not as many as its pixels need.

Its runs are those of TIFF's PackBits, which Pillow unpacks in C: a decoder in Python takes a
second for each two million of them.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    Array = np.ndarray[Any, Any]

_HEADER = 64  # bytes: the number of segments, and where each begins


def stored_values(frame: bytes, film: Dataset) -> Array | None:
    """Return the values, `(rows, columns)` or `(rows, columns, 3)`, of a frame of `film`.

    None where a segment does not unpack to a byte for each pixel, and to nothing more.
    """
    pixels, samples = film.Rows * film.Columns, film.SamplesPerPixel
    octets = film.BitsAllocated // 8
    segments = _segments(frame)
    if len(segments) != samples * octets:
        return None
    kind = "i" if film.PixelRepresentation else "u"
    values = np.empty((pixels, samples), f"<{kind}{octets}")
    # The bytes of a sample: its highest is the first segment, and the last in memory (annex G.2).
    planes = values.view("u1").reshape(pixels, samples, octets)
    for number, segment in enumerate(segments):
        unpacked = _unpacked(segment, pixels)
        if unpacked is None:
            return None
        planes[:, number // octets, octets - 1 - number % octets] = np.asarray(unpacked)[0]
    if unused := film.BitsAllocated - film.BitsStored:
        # As pydicom has it: what stands in the unused bits is no value.
        np.left_shift(values, unused, out=values)
        np.right_shift(values, unused, out=values)
    shape = (film.Rows, film.Columns, samples)
    return values.reshape(shape[:2] if samples == 1 else shape)


def _segments(frame: bytes) -> list[memoryview]:
    """Return the segments of a frame, none where its header contradicts itself."""
    if len(frame) < _HEADER:
        return []
    count, *starts = struct.unpack_from("<16L", frame)
    starts = starts[:count]
    ends = [*starts[1:], len(frame)]
    if not all(_HEADER <= start < end for start, end in zip(starts, ends, strict=True)):
        return []
    view = memoryview(frame)
    return [view[start:end] for start, end in zip(starts, ends, strict=True)]


def _unpacked(segment: memoryview, size: int) -> Image.Image | None:
    """Return the row of `size` bytes that a segment unpacks to, None where it is not of that size.

    A segment has an even number of bytes, so that one of them may follow the last run.
    """
    if _row(segment, size + 1) or _row(segment[:-2], size):
        return None
    return _row(segment, size)


def _row(segment: memoryview, size: int) -> Image.Image | None:
    """Return the first `size` bytes of what a segment unpacks to, None where it has fewer."""
    try:
        return Image.frombytes("L", (size, 1), segment, "packbits", "L")
    except ValueError:
        return None
