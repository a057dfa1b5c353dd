"""What a compressed frame may cost, by its code stream, before a decoder sees it.

The size of its picture was compared with the DICOM header's; this is about everything else that
takes time and memory.
"""

from __future__ import annotations

import struct
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from pydicom.uid import JPEG2000TransferSyntaxes, RLELossless

from edge_runtime.errors import Refusal
from edge_runtime.film.dicom import jpeg_2000
from edge_runtime.film.jpeg import scans_problem
from edge_runtime.film.limits import (
    MOST_CODE_BLOCKS,
    MOST_PACKETS,
    MOST_TILE_PARTS,
    MOST_TILES,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.uid import UID

_PLAINLY = "export it anew, uncompressed"
_STYLE, _COMPONENT_STYLE = 0x52, 0x53  # COD and COC, T.800 annex A.6.1 and A.6.2
_WHOLE = 15  # the exponent of a precinct that is as large as its resolution
_MOST_LEVELS = 32


class _Size(NamedTuple):
    """The grid of a picture (SIZ, T.800 annex A.5.1): its tiles, and the largest of them."""

    tiles: int
    width: int
    height: int
    components: int


def refuse_costly(frame: bytes, syntax: UID, subject: str) -> None:
    """Refuse a frame in more pieces than any encoder makes.

    Raises:
        Refusal: `too_large`.
        ValueError, LookupError, struct.error: its header is damaged.
    """
    if syntax == RLELossless:  # whose segments are as many as the bytes of a sample
        return
    if syntax not in JPEG2000TransferSyntaxes:
        if problem := scans_problem(frame):
            raise Refusal("too_large", subject, f"a DICOM file that {problem}", _PLAINLY)
    elif excess := _excess(frame):
        raise Refusal("too_large", subject, f"a JPEG 2000 frame of more than {excess}", _PLAINLY)


def _excess(frame: bytes) -> str:
    """Return which limit a JPEG 2000 frame exceeds, or nothing."""
    start = jpeg_2000.begin(frame)
    size = _size(frame, start)
    if size.tiles > MOST_TILES:
        return f"{MOST_TILES} tiles"
    for number, (kind, body) in enumerate(_segments(frame, start)):
        if number > MOST_TILE_PARTS:
            return f"{MOST_TILE_PARTS} parts of tiles"
        if kind not in (_STYLE, _COMPONENT_STYLE):
            continue
        packets, blocks = _pieces(size, kind, body)
        if packets > MOST_PACKETS:
            return f"{MOST_PACKETS} packets"
        if blocks > MOST_CODE_BLOCKS:
            return f"{MOST_CODE_BLOCKS} code-blocks"
    return ""


def _size(frame: bytes, start: int) -> _Size:
    right, bottom, _, _, width, height, left, top = struct.unpack_from(">8I", frame, start + 8)
    (components,) = struct.unpack_from(">H", frame, start + 40)
    across, down = ceil((right - left) / width), ceil((bottom - top) / height)
    return _Size(across * down, min(width, right), min(height, bottom), components)


def _segments(frame: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """Yield the kind and the content of each segment before the data of each tile-part."""
    place, next_part = start + 2, len(frame)
    while place + 4 <= len(frame) and frame[place] == 0xFF:
        kind, length = frame[place + 1], int.from_bytes(frame[place + 2 : place + 4], "big")
        if kind == 0x90:  # the begin of a tile-part, and how long it is (A.4.2)
            span = int.from_bytes(frame[place + 6 : place + 10], "big")
            next_part = place + span if span >= 12 else len(frame)
        elif kind == 0x93:  # the begin of its data
            place = max(place + 2, next_part)
            continue
        yield kind, frame[place + 4 : place + 2 + length]
        place += 2 + length


def _pieces(size: _Size, kind: int, body: bytes) -> tuple[int, int]:
    """Return at most how many packets and code-blocks a coding style makes of the picture."""
    layers = 1 << 16
    if kind == _STYLE:
        has_precincts, layers, place = body[0] & 1, int.from_bytes(body[2:4], "big"), 5
    else:
        # Its component is a number of one byte or two; the layers are those of the whole.
        place = 2 if size.components < 257 else 3
        has_precincts, layers = body[place - 1] & 1, 1
    levels, *block = body[place : place + 3]
    levels = min(levels, _MOST_LEVELS)
    precincts = body[place + 5 :] if has_precincts else b""
    packets = blocks = 0
    for level in range(levels + 1):
        here = inner = 1
        for side, shift, exponent in ((size.width, 0, block[0]), (size.height, 4, block[1])):
            length = -(-side >> levels - level)
            precinct = precincts[level] >> shift & 15 if level < len(precincts) else _WHOLE
            here *= _parts(length, precinct)
            # Above the lowest resolution, a precinct has three parts of half its sides (B.7).
            inner *= _parts(length, max(0, min(exponent + 2, precinct - (level > 0))))
        packets, blocks = packets + here, blocks + here + inner
    every = size.tiles * size.components
    return packets * layers * every, blocks * every


def _parts(length: int, exponent: int) -> int:
    """Return at most how many parts of `2 ** exponent` pixels a length touches."""
    return max(1, -(-length >> exponent)) + (exponent < _WHOLE)
