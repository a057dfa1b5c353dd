"""JPEG files: the segments before the first scan, the scans, and where the picture ends.

On the cold path, where an intact film costs a look at each segment. The code stream itself, which
DICOM has too, is read by `film/jpeg.py`.
"""

from __future__ import annotations

from io import SEEK_END, BytesIO

from edge_runtime.film import limits
from edge_runtime.film.jpeg import (
    FRAMES,
    START_OF_SCAN,
    counted_scans,
    damage,
    frame_size,
    scans_problem,
    segments,
)
from edge_runtime.film.refuse import beyond, judge_size, require_within, unread_kind, unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from edge_runtime.bundle.records import Preprocess

_ARITHMETIC_OR_HIERARCHICAL = (*range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))
_APP1, _EXIF = 0xE1, b"Exif\0\0"


def judge(stream: BinaryIO, subject: str, preprocess: Preprocess) -> BytesIO:
    """Return a stream of the bytes of `stream` that are needed: no more than the largest film has.

    Raises:
        Refusal: `unreadable`, `too_small` or `too_large`.
    """
    size = stream.seek(0, SEEK_END)
    stream.seek(0)
    # No more than there is: a buffer of 4 MiB for each film costs more than looking at one.
    data = stream.read(min(size, limits.JPEG_HEADER_BYTES))
    width, height = _judge_header(data, subject)
    judge_size(width, height, subject, preprocess)
    most = limits.JPEG_BYTES_PER_PIXEL * width * height + limits.JPEG_HEADER_BYTES
    most = min(most, limits.JPEG_FILE_BYTES)
    if len(data) == limits.JPEG_HEADER_BYTES:
        data += stream.read(most - len(data))
    stretches = counted_scans(data)
    if problem := scans_problem(data, stretches):
        raise beyond(subject, problem)
    if problem := damage(data, stretches):
        if len(data) == most and stream.read(1):
            raise beyond(subject, f"its JPEG data do not end within {most} bytes")
        raise unreadable(subject, problem)
    return BytesIO(data)


def _judge_header(data: bytes, subject: str) -> tuple[int, int]:
    """Return width and height, in pixels, if what precedes the first scan is within the limits.

    Raises:
        Refusal: `unreadable` or `too_large`.
    """
    count = exif = kind = end = 0
    sizes = []
    for kind, begin, end in segments(data):
        count += 1
        if kind == _APP1 and data.startswith(_EXIF, begin + 2):
            exif += end - begin
        if kind in FRAMES:
            sizes.append(frame_size(data, begin))
        if kind in _ARITHMETIC_OR_HIERARCHICAL:
            raise unread_kind(subject, "an arithmetic or hierarchical JPEG")
    require_within(
        subject,
        (count, limits.JPEG_SEGMENTS, "JPEG segments before its first scan"),
        (exif, limits.EXIF_BYTES, "bytes of EXIF"),
        (end, limits.JPEG_HEADER_BYTES, "bytes before its first JPEG scan"),
    )
    if kind != START_OF_SCAN:
        raise unreadable(subject, "its JPEG data are torn off")
    if len(sizes) != 1:
        raise unreadable(subject, "its JPEG data are damaged")
    return sizes[0]
