"""WebP files: their chunks. No more of them is read than they say, and no moving picture.

On the cold path.
"""

from __future__ import annotations

from io import SEEK_END, BytesIO

from edge_runtime.film import limits
from edge_runtime.film.refuse import judge_size, require_within, several_pictures, unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from edge_runtime.bundle.records import Preprocess

_FILE_HEADER, _HEAD = 12, 8  # bytes: RIFF, size, WEBP; name and size of a chunk
_SIZES = 10  # bytes at the beginning of a chunk, among which width and height are
_14_BITS = 0x3FFF
_FRAME = b"ANMF"
_LOSSY, _LOSSLESS, _CANVAS = b"VP8 ", b"VP8L", b"VP8X"
_IMAGE = (_LOSSY, _LOSSLESS, b"ALPH", _FRAME)
_CODED_LOSSLESSLY = (_LOSSLESS, b"ALPH")
_BYTES_A_PIXEL = 4  # red, green, blue and transparency
_TORN = "its WebP data are damaged or torn off"


def judge(stream: BinaryIO, subject: str, preprocess: Preprocess) -> BytesIO:
    """Return a stream of the bytes that the file says to have, if its chunks are within the limits.

    Raises:
        Refusal: `unreadable`, `too_small` or `too_large`.
    """
    end = _HEAD + int.from_bytes(stream.read(_FILE_HEADER)[4:8], "little")
    most = pixels = encoded = other = frames = lossless = 0
    for count, (kind, size, data) in enumerate(_chunks(stream, end, subject), start=1):
        if kind in (_LOSSY, _LOSSLESS, _CANVAS):
            width, height = _size(kind, data, subject)
            judge_size(width, height, subject, preprocess)
            pixels = max(pixels, width * height)
            most = limits.ENCODED_TIMES * _BYTES_A_PIXEL * pixels + limits.ENCODED_SLACK
        if kind in _CODED_LOSSLESSLY:
            lossless = max(pixels, 1)
        if kind in _IMAGE:
            encoded, frames = encoded + size, frames + (kind == _FRAME)
        else:
            other += size
        if frames > 1:
            raise several_pictures(subject)
        require_within(
            subject,
            (count, limits.WEBP_CHUNKS, "WebP chunks"),
            (pixels, limits.WEBP_PIXELS, "pixels of WebP"),
            (lossless, limits.WEBP_LOSSLESS_PIXELS, "pixels of lossless WebP"),
            (other, limits.METADATA_BYTES, "bytes of metadata"),
            (encoded, most, "bytes of WebP image data for its size"),
        )
    if not pixels:
        raise unreadable(subject, _TORN)
    stream.seek(0)
    return BytesIO(stream.read(end))


def _chunks(stream: BinaryIO, end: int, subject: str) -> Iterator[tuple[bytes, int, bytes]]:
    """Yield name, size and first bytes of each chunk, if they are where the file ends.

    Raises:
        Refusal: `unreadable`.
    """
    place = _FILE_HEADER
    whole = stream.seek(0, SEEK_END) >= end
    while whole and place < end:
        stream.seek(place)
        head = stream.read(_HEAD + _SIZES)
        size = int.from_bytes(head[4:8], "little")
        yield head[:4], size, head[_HEAD:]
        place += _HEAD + size + size % 2
    if not whole or place > end + 1:  # some writers leave out the last byte of an odd chunk
        raise unreadable(subject, _TORN)


def _size(kind: bytes, data: bytes, subject: str) -> tuple[int, int]:
    """Return width and height, in pixels, as the first bytes of a chunk say them."""

    def number(place: int, size: int) -> int:
        return int.from_bytes(data[place : place + size], "little")

    if kind == _CANVAS:
        return number(4, 3) + 1, number(7, 3) + 1  # RFC 9649, 2.7.1
    if kind == _LOSSY and data[3:6] == b"\x9d\x01\x2a":  # RFC 6386, 9.1
        return number(6, 2) & _14_BITS, number(8, 2) & _14_BITS
    if kind == _LOSSLESS and data[:1] == b"\x2f":  # RFC 9649, 3.4
        return (number(1, 4) & _14_BITS) + 1, (number(1, 4) >> 14 & _14_BITS) + 1
    raise unreadable(subject, _TORN)
