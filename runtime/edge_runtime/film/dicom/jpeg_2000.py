"""JPEG 2000 code streams that are not whole (ITU-T T.800, annex A): decoders show what is there."""

from __future__ import annotations

import struct
from math import ceil

_HOLE = 512
"""Zero bytes in a row: far more than a tile has empty packets, which are one a layer and band."""
_START, _END, _TILE_PART = b"\xff\x4f", b"\xff\xd9", b"\xff\x90"
_TORN = "its JPEG 2000 data are torn off"


def damage(frame: bytes) -> str:
    """Return what the structure of a code stream says against it, or nothing.

    Each tile-part has to end where the next one begins (A.4.2), and no tile may lack a part. After
    the last one stands the end of the code stream, which some encoders leave out.
    """
    start = frame.index(_START)
    place = start + len(_START)
    while frame[place : place + 2] != _TILE_PART:
        if frame[place : place + 1] != b"\xff" or place + 4 > len(frame):
            return _TORN
        place += 2 + int.from_bytes(frame[place + 2 : place + 4], "big")
    parts, place = _walk(frame, place)
    is_missing = any(present < count for present, count in parts.values())
    if is_missing or len(parts) < _tiles(frame, start):
        return "a part of its JPEG 2000 data is missing"
    if frame[place : place + 2] not in (b"", b"\0", _END):
        return _TORN
    # Some fill the frame to an even length with 0xFF; a JP2 file may have more.
    if start == 0 and frame[place + 2 :].strip(b"\0\xff"):
        return "it holds more JPEG 2000 data than one frame"
    return "a part of its JPEG 2000 data is zeros" if bytes(_HOLE) in frame else ""


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
    """Return where a tile-part ends that does not say how long it is, or a place beyond the end."""
    end = frame.rfind(_END)
    return end if end >= 0 and not frame[end + 2 :].strip(b"\0") else len(frame) + 1


def _tiles(frame: bytes, start: int) -> int:
    """Return the number of tiles by the SIZ segment (A.5.1, equation B-5)."""
    right, bottom, _, _, width, height, left, top = struct.unpack_from(">8I", frame, start + 8)
    tiles: int = ceil((right - left) / width) * ceil((bottom - top) / height)
    return tiles
