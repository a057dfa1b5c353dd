"""JPEG 2000 code streams that are not whole (ITU-T T.800, annex A): decoders give what is there."""

from __future__ import annotations

import re
import struct
from math import ceil
from typing import TYPE_CHECKING

from edge_runtime.film.limits import MOST_HEADER_SEGMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOLE = 64
"""Zero bytes in a row: empty packets are a zero each, one a layer, resolution and component."""
_START, _SIZE, _END = b"\xff\x4f", b"\xff\x51", b"\xff\xd9"
_TILE_PART, _DATA = b"\xff\x90", b"\xff\x93"
_MOST_BOXES = 64  # before the code stream; the file format has seven kinds of them
# In packets 0xFF is followed by less than 0x90, but for the markers of a packet (B.10.1, A.8).
_MARKER = re.compile(rb"\xff[\x90\x93-\xff]")
_TORN = "its JPEG 2000 data are torn off"


def begin(frame: bytes) -> int:
    """Return where the code stream begins: at once, or in the box of it (ITU-T T.800, I.4 and I.5).

    Raises:
        ValueError: it does not begin there.
    """
    place = 0
    for _ in range(_MOST_BOXES):
        if frame.startswith(_START + _SIZE, place):
            return place
        length, kind = struct.unpack_from(">I4s", frame, place)
        if kind == b"jp2c":
            place += 16 if length == 1 else 8
        elif length < 8:  # to the end of the file, or longer than 4 GiB
            break
        else:
            place += length
    raise ValueError("no JPEG 2000 code stream")


def header_end(frame: bytes, start: int) -> int:
    """Return where the first tile-part begins, 0 where the segments before it break off."""
    place = start + len(_START)
    for _ in range(MOST_HEADER_SEGMENTS):
        if frame[place : place + 2] == _TILE_PART:
            return place
        if frame[place : place + 1] != b"\xff" or place + 4 > len(frame):
            return 0
        place += 2 + int.from_bytes(frame[place + 2 : place + 4], "big")
    return 0


def damage(frame: bytes) -> str:
    """Return what the structure of a code stream says against it, or nothing.

    Each tile-part has to end where the next one begins (A.4.2), and no tile may lack a part. After
    the last one stands the end of the code stream, which some encoders leave out.
    """
    start = begin(frame)
    first = place = header_end(frame, start)
    if not place:
        return _TORN
    parts, place = _walk(frame, place)
    is_missing = any(present < count for present, count in parts.values())
    if is_missing or len(parts) < _tiles(frame, start):
        return "a part of its JPEG 2000 data is missing"
    if frame[place : place + 2] not in (b"", b"\0", _END):
        return _TORN
    if _START + _SIZE in frame[place + 2 :]:
        return "it holds more JPEG 2000 data than one frame"
    if bytes(_HOLE) in frame[first:place] or _MARKER.search(
        b"".join(_packets(frame, first, place))
    ):
        return "a part of its JPEG 2000 data was overwritten"
    return ""


def _packets(frame: bytes, place: int, last: int) -> Iterator[bytes]:
    """Yield the data of each tile-part, which stand behind its header (A.4.3)."""
    while place < last:
        length = int.from_bytes(frame[place + 6 : place + 10], "big")
        end, begin = place + length if length else last, place
        while frame[begin : begin + 2] != _DATA and begin < end:
            begin += 2 + int.from_bytes(frame[begin + 2 : begin + 4], "big")
        yield frame[begin + 2 : end]
        place = end


def _walk(frame: bytes, place: int) -> tuple[dict[int, tuple[int, int]], int]:
    """Return how many parts of each tile there are and should be, and where the last one ends.

    A tile-part that is torn off counts as none; the number that should be is 0 if nobody says.
    """
    parts: dict[int, tuple[int, int]] = {}
    while frame[place : place + 2] == _TILE_PART and place + 12 <= len(frame):
        tile, length, part, count = struct.unpack_from(">HIBB", frame, place + 4)
        end = place + length if length else _end_of_the_last(frame)
        present, known = parts.get(tile, (0, 0))
        if not place + 12 < end <= len(frame) or part != present:
            break
        parts[tile] = present + 1, count or known
        place = end
    return parts, place


def _end_of_the_last(frame: bytes) -> int:
    """Return the end of a tile-part that gives no length, or an offset beyond the end of data."""
    end = frame.rfind(_END)
    return end if end >= 0 and not frame[end + 2 :].strip(b"\0") else len(frame) + 1


def _tiles(frame: bytes, start: int) -> int:
    """Return the number of tiles by the SIZ segment (A.5.1, equation B-5)."""
    right, bottom, _, _, width, height, left, top = struct.unpack_from(">8I", frame, start + 8)
    tiles: int = ceil((right - left) / width) * ceil((bottom - top) / height)
    return tiles
