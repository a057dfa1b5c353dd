"""BMP (Windows bitmap): headers of every length, palettes, masks and run lengths."""

from __future__ import annotations

import struct
from random import Random

from fuzz.grammar.numbers import many, side

_GREYS = b"".join(bytes((level, level, level, 0)) for level in range(256))


def bitmap(
    width: int, height: int, data: bytes, *, compression: int = 0, bits: int = 8, header: int = 40
) -> bytes:
    """Return a bitmap with a grey palette of 256 levels."""
    offset = 14 + header + len(_GREYS)
    head = b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset)
    fields = struct.pack(
        "<IiiHHIIiiII", header, width, height, 1, bits, compression, len(data), 0, 0, 256, 0
    )
    return head + fields.ljust(header, b"\0") + _GREYS + data


def file(chance: Random) -> bytes:
    """Return a bitmap whose data are runs, or pixels that may be too few or many."""
    width, height = side(chance), side(chance) * chance.choice((1, 1, -1))
    runs = (b"\x01\x80\0\0", b"\x01\x80\0\2\0\xff", b"\xff\x80", b"\x80\x80", b"\0\1", b"\0\x40")
    data = b"".join(one * many(chance, len(one), 500_000) for one in chance.sample(runs, 2))
    data = data if chance.random() < 0.5 else bytes(range(256)) * many(chance, 256, 4096)
    return bitmap(
        width & 0x7FFFFFFF, height, data, compression=chance.choice((0, 0, 1, 2, 3, 4, 5)),
        bits=chance.choice((8, 8, 1, 4, 16, 24, 32)), header=chance.choice((40, 40, 64, 108, 124)),
    )  # fmt: skip
