"""The header of a compressed frame, which counts where the DICOM header differs."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pydicom.uid import (
    JPEG2000,
    UID,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    RLELossless,
)

from edge_runtime.film.dicom import jpeg_2000
from edge_runtime.film.limits import MOST_HEADER_SEGMENTS
from edge_runtime.film.refuse import unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import Dataset

    Array = np.ndarray[Any, Any]

_RLE_HEADER = 64  # bytes: a count and fifteen offsets, PS3.5 annex G.5
_SEGMENTS = {1: (1, 8), 2: (1, 16), 3: (3, 8), 6: (3, 16)}  # -> samples and their bits, G.2
_MARKERS = 64  # bytes in which the JFIF and the Adobe segment begin
_FILL, _SCAN, _HIERARCHY = 0xFF, 0xDA, 0xDE
_NO_FRAME = (0xC4, 0xC8, 0xCC)  # tables among the kinds of frames
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as JFIF has it


class FrameHeader(NamedTuple):
    """The size of a frame in pixels, its samples a pixel, and the bits of each."""

    width: int
    height: int
    samples: int
    bits: int


def is_coded_as(frame: bytes, syntax: UID) -> bool:
    """Tell whether a frame begins as those of its transfer syntax do."""
    if syntax == RLELossless:
        count = int.from_bytes(frame[:4], "little")
        return 1 <= count <= 15 and int.from_bytes(frame[4:8], "little") == _RLE_HEADER
    if syntax in (JPEG2000, JPEG2000Lossless):
        # Bare, as it should be, or in the file format that some keep it in.
        return frame[:4] == b"\xff\x4f\xff\x51" or frame[4:8] == b"jP  "
    return frame[:3] == b"\xff\xd8\xff"


def frame_header(frame: bytes, syntax: UID) -> FrameHeader:
    """Return what stands in the SIZ segment of JPEG 2000 or the first frame segment of JPEG.

    By ITU-T T.800, A.5.1; T.81, B.2.2, of which there has to be one; and for JPEG-LS T.87, C.2.2.
    Frames of RLE have a segment for each byte of a pixel, and do not say their size (0 here).

    Raises:
        ValueError, LookupError, struct.error: the header is damaged.
    """
    if syntax == RLELossless:
        return FrameHeader(0, 0, *_SEGMENTS.get(int.from_bytes(frame[:4], "little"), (0, 0)))
    if syntax in (JPEG2000, JPEG2000Lossless):
        place = jpeg_2000.begin(frame) + 8
        right, bottom, left, top = struct.unpack_from(">4I", frame, place)
        samples, bits = struct.unpack_from(">HB", frame, place + 32)
        return FrameHeader(right - left, bottom - top, samples, (bits & 0x7F) + 1)
    found = [frame[begin : begin + 8] for kind, begin in _segments(frame) if _is_frame(kind)]
    if len(found) != 1:
        raise ValueError("not one frame header")
    bits, height, width, samples = struct.unpack_from(">BHHB", found[0], 2)
    return FrameHeader(width, height, samples, bits)


def _is_frame(kind: int) -> bool:
    """Tell whether a segment is a frame header, or that of a hierarchy of frames (T.81, B.3.1)."""
    return kind in (0xF7, _HIERARCHY) or (0xC0 <= kind <= 0xCF and kind not in _NO_FRAME)


def _segments(frame: bytes) -> Iterator[tuple[int, int]]:
    """Yield the kind and the begin of each segment before the data of a JPEG frame.

    Raises:
        ValueError: there are more than any encoder writes, or no data.
    """
    place = 2
    for _ in range(MOST_HEADER_SEGMENTS):
        if place + 4 > len(frame) or frame[place] != _FILL:
            break
        kind = frame[place + 1]
        if kind == _FILL:  # which stands alone
            place += 1
            continue
        yield kind, place + 2
        if kind == _SCAN:
            return
        place += 2 + max(2, *struct.unpack_from(">H", frame, place + 2))
    raise ValueError("no data where a frame header is due")


def adopt_frame_header(film: Dataset, frame: bytes, syntax: UID, subject: str) -> None:
    """Set samples, bits and colours in the DICOM header to those of the frame.

    Raises:
        Refusal: `unreadable`: the frame is of another size than the header says, which was judged.
    """
    seen = frame_header(frame, syntax)
    # A frame of RLE has no size to say.
    if syntax != RLELossless and (seen.width, seen.height) != (film.Columns, film.Rows):
        raise unreadable(subject, "a DICOM file whose pixels are not of the size it says")
    if seen.samples not in (1, 3) or seen.bits > 16:
        raise unreadable(subject, "a DICOM file of other than 1 or 3 samples of up to 16 bits")
    film.SamplesPerPixel, film.PlanarConfiguration = seen.samples, 0
    film.BitsAllocated = 8 if seen.bits <= 8 else 16
    film.BitsStored = min(film.BitsStored, film.BitsAllocated)
    film.HighBit = film.BitsStored - 1
    kind = film.PhotometricInterpretation
    grey = kind in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
    if seen.samples == 1 and not grey:
        film.PhotometricInterpretation = "MONOCHROME2"
    elif seen.samples == 3:
        film.PhotometricInterpretation = _colours("" if grey else kind, frame, syntax)


def _colours(said: str, frame: bytes, syntax: UID) -> str:
    """Return the colours that Pillow gives of a frame, where `said` is what the header says."""
    if syntax not in (JPEGBaseline8Bit, JPEGExtended12Bit):
        return said or ("YBR_RCT" if syntax in (JPEG2000, JPEG2000Lossless) else "RGB")
    if b"Adobe" in frame[:_MARKERS]:  # which tells Pillow what to undo
        return "RGB"
    return "YBR_FULL_422" if b"JFIF" in frame[:_MARKERS] else said or "YBR_FULL_422"


def luma(values: Array, kind: str) -> Array:
    """Return the grey of `(rows, columns, 3)` samples of a film that calls itself grey."""
    grey = values[..., 0] if kind.startswith("YBR") else np.rint(values @ np.array(_LUMA))
    stored: Array = np.ascontiguousarray(grey, values.dtype)
    return stored
