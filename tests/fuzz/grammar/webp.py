"""WebP (RFC 9649): RIFF chunks around a picture that Pillow wrote."""

from __future__ import annotations

import struct
from io import BytesIO
from random import Random

from PIL import Image

from fuzz.grammar.numbers import many, side

_KINDS = (b"EXIF", b"XMP ", b"ICCP", b"ANIM", b"ANMF", b"ALPH", b"abCd", b"VP8 ", b"VP8L")


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk with its length, of an even number of bytes."""
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def riff(*chunks: bytes, more: int = 0) -> bytes:
    """Return a file of these chunks, which says to have `more` bytes."""
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) + more) + body


def picture(edge: int = 64, *, lossless: bool = False) -> bytes:
    """Return the chunks of a grey picture."""
    stream = BytesIO()
    Image.radial_gradient("L").resize((edge, edge)).save(stream, "WEBP", lossless=lossless)
    return stream.getvalue()[12:]


def extended(width: int, height: int, flags: int) -> bytes:
    """Return the chunk that says which others there are."""
    sizes = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return chunk(b"VP8X", struct.pack("<I", flags) + sizes)


def file(chance: Random) -> bytes:
    """Return a WebP with chunks that nobody needs."""
    parts = [picture(lossless=chance.random() < 0.5)]
    for _ in range(chance.randrange(4)):
        body = chance.randbytes(many(chance, 1, 1 << 18))
        one = chunk(chance.choice(_KINDS), body)
        parts.insert(chance.randrange(2), one * max(1, many(chance, len(one), 100_000)))
    if chance.random() < 0.6:
        width, height = (min(max(1, side(chance)), 1 << 24) for _ in range(2))
        parts.insert(0, extended(width, height, chance.randrange(64)))
    return riff(*parts) + bytes(many(chance) if chance.random() < 0.1 else 0)
