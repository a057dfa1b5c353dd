"""PNG files: their chunks, which have to reach to the last one, and may be neither many nor large.

On the cold path, where an intact film costs a look at the head of each chunk.
"""

from __future__ import annotations

from edge_runtime.film import limits
from edge_runtime.film.refuse import judge_size, require_within, unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from edge_runtime.bundle.records import Preprocess
    from edge_runtime.errors import Refusal

_SIGNATURE = 8  # bytes before the first chunk (PNG, 5.2)
_HEAD, _CHECK_SUM = 8, 4  # bytes around the data of a chunk (PNG, 5.3)
_HEADER = 13  # bytes of IHDR (PNG, 11.2.2)
_BEGIN = _HEADER.to_bytes(4, "big") + b"IHDR"
_TWO_HEADERS = "its PNG data do not begin with their header, or have two"
_SAMPLES = {2: 3, 4: 2, 6: 4}  # colour type -> samples a pixel, 1 in the others (PNG, 11.2.2)
_PACKED = (b"zTXt", b"iTXt", b"iCCP")  # text and profiles, which Pillow inflates


def judge(stream: BinaryIO, subject: str, preprocess: Preprocess) -> BinaryIO:
    """Return `stream`, at its beginning, if its chunks reach to IEND and are within the limits.

    Raises:
        Refusal: `unreadable`, `too_small` or `too_large`.
    """
    encoded = images = other = others = packed = 0
    header = _header(stream, subject)
    inflated = _inflated(header)
    most = limits.ENCODED_TIMES * inflated + limits.ENCODED_SLACK
    for kind, size in _chunks(stream, subject):
        if kind == b"IDAT":
            images, encoded = images + 1, encoded + size
        else:
            others, other, packed = others + 1, other + size, packed + (kind in _PACKED)
        require_within(
            subject,
            (images, limits.PNG_IMAGE_CHUNKS, "PNG image chunks"),
            (encoded, most, "bytes of PNG image data for its size"),
            (others, limits.PNG_OTHER_CHUNKS, "PNG chunks beside its image"),
            (packed, limits.PNG_PACKED_CHUNKS, "compressed PNG texts"),
            (other, limits.METADATA_BYTES, "bytes of metadata"),
        )
    judge_size(*_size(header), subject, preprocess)
    require_within(subject, (inflated, limits.PNG_INFLATED_BYTES, "bytes of PNG pixels"))
    stream.seek(0)
    return stream


def _header(stream: BinaryIO, subject: str) -> bytes:
    """Return what is in the first chunk, which says the size of the picture."""
    stream.seek(_SIGNATURE)
    head = stream.read(_HEAD)
    if head != _BEGIN:
        raise _torn(subject) if len(head) < _HEAD else unreadable(subject, _TWO_HEADERS)
    return stream.read(_HEADER)


def _chunks(stream: BinaryIO, subject: str) -> Iterator[tuple[bytes, int]]:
    """Yield kind and length, in bytes, of each chunk between the header and IEND."""
    place = _SIGNATURE + _HEAD + _HEADER + _CHECK_SUM
    while True:
        stream.seek(place)
        head = stream.read(_HEAD)
        size, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == b"IEND":
            return
        if len(head) < _HEAD or not kind.isalpha():
            raise _torn(subject)
        if kind == b"IHDR":
            raise unreadable(subject, _TWO_HEADERS)
        yield kind, size
        place += _HEAD + size + _CHECK_SUM


def _torn(subject: str) -> Refusal:
    return unreadable(subject, "its PNG data are torn off")


def _size(header: bytes) -> tuple[int, int]:
    """Return width and height, in pixels."""
    return int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")


def _inflated(header: bytes) -> int:
    """Return how many bytes the pixels of a film with this header are, with a filter a row."""
    width, height = _size(header)
    bits = header[8] * _SAMPLES.get(header[9], 1) if len(header) == _HEADER else 0
    return (width * bits // 8 + 2) * height
