"""PNG (ISO/IEC 15948): chunks of any kind and number, in any order."""

from __future__ import annotations

import struct
import zlib
from random import Random

from fuzz.grammar.numbers import many, side

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KINDS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"tIME", b"gAMA", b"pHYs", b"abCd", b"acTL",
          b"fcTL", b"fdAT", b"PLTE", b"tRNS", b"sPLT", b"hIST", b"IDAT", b"IHDR")  # fmt: skip


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    """Return a chunk with its length and check sum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


END = chunk(b"IEND")


def header(
    width: int, height: int, *, bits: int = 8, colour: int = 0, interlaced: int = 0
) -> bytes:
    """Return the first chunk."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced))


def pixels(width: int, height: int) -> bytes:
    """Return compressed grey pixels, a gradient."""
    row = b"\0" + bytes((column * 7) & 255 for column in range(width))
    return zlib.compress(row * height, 1)


def compressed_text(size: int, kind: bytes = b"zTXt") -> bytes:
    """Return a chunk of text that unpacks to `size` bytes."""
    before = {b"zTXt": b"k\0\0", b"iTXt": b"k\0\1\0\0\0", b"iCCP": b"k\0\0"}[kind]
    return chunk(kind, before + zlib.compress(bytes(size), 9))


def file(chance: Random) -> bytes:
    """Return a PNG of some chunks, most of them not needed."""
    width, height = side(chance), side(chance)
    head = header(
        width, height,
        bits=chance.choice((8, 8, 8, 1, 2, 4, 16)), colour=chance.choice((0, 0, 2, 3, 4, 6)),
        interlaced=chance.choice((0, 0, 1)),
    )  # fmt: skip
    data = pixels(min(width, 512), min(height, 512))
    if chance.random() < 0.2:
        data = zlib.compress(bytes(many(chance, 1, 1 << 24) * 16), 9)
    step = max(1, len(data) // max(1, many(chance, 12, len(data))))
    parts = [chunk(b"IDAT", data[at : at + step]) for at in range(0, len(data), step)]
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(parts) + 1)
        kind = chance.choice(_KINDS)
        if kind in (b"zTXt", b"iTXt", b"iCCP") and chance.random() < 0.7:
            extra = [compressed_text(many(chance, 1, 1 << 24) * 16, kind)]
        else:
            body = chance.randbytes(many(chance, 1, 1 << 16))
            extra = [chunk(kind, body)] * max(1, many(chance, 12 + len(body), 100_000))
        parts[at:at] = extra
    return SIGNATURE + head + b"".join(parts) + END * chance.choice((1, 1, 1, 0, 2))
