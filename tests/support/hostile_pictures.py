"""Small files whose structure asks a decoder for too much, and what is said to them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import IO, NamedTuple

import pytest

from edge_runtime.errors import Refusal
from edge_runtime.film.preprocess import standard
from film_refusals import refusal_of

RECIPE = standard(64, 64)
GIGABYTE = 1 << 30
SIDE, PLACE = 128, 4096
SIGNATURE = b"\x89PNG\r\n\x1a\n"

Values = tuple[int, int, bytes]
"""Type, count and bytes of a TIFF tag."""


class Judged(NamedTuple):
    """What is said to a film, and how many bytes of it were read to say so."""

    reason: str
    problem: str
    read: int


class _Counting(BytesIO):
    """Counts the bytes that are read of another stream."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream
        self.count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = self._stream.read(-1 if size is None else size)
        self.count += len(data)
        return data

    def seek(self, place: int, whence: int = 0, /) -> int:
        return self._stream.seek(place, whence)


def judged(form: ModuleType, film: bytes | Path) -> Judged:
    """Return what `form.judge` says to a film, before any decoder has seen it."""
    with BytesIO(film) if isinstance(film, bytes) else film.open("rb") as stream:
        counting = _Counting(stream)
        with pytest.raises(Refusal) as caught:
            form.judge(counting, "a film", RECIPE)
    refusal = caught.value
    assert refusal.cure
    # The way of a film ends with the very same line.
    whole = refusal_of(film)
    assert whole
    assert (whole.reason, whole.problem) == (refusal.reason, refusal.problem)
    return Judged(refusal.reason, refusal.problem, counting.count)


def sparse(path: Path, head: bytes, size: int = GIGABYTE, tail: bytes = b"") -> Path:
    """Write a file of `head`, a hole of `size` bytes that takes no room on the disk, and `tail`."""
    with path.open("wb") as stream:
        stream.write(head)
        stream.truncate(len(head) + size)
        stream.seek(0, 2)
        stream.write(tail)
    return path


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(before: bytes = b"", after: bytes = b"", side: int = 128) -> bytes:
    """Return a PNG of 8 bits with more chunks before and after its image data."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    rows = b"".join(b"\0" + bytes((x * y) % 251 for x in range(side)) for y in range(side))
    image = chunk(b"IDAT", zlib.compress(rows))
    return SIGNATURE + header + before + image + after + chunk(b"IEND")


def segment(kind: int, data: bytes = b"") -> bytes:
    """Return a marker segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, kind, len(data) + 2) + data


def progressive(side: int, scans: int) -> bytes:
    """Return a progressive JPEG of one shade whose scans say nothing, in 3 bytes for 32,767 blocks.

    Of its two tables, each has the single code 0: no difference, and a run of empty blocks.
    """
    tables = segment(0xDB, b"\0" + b"\1" * 64)
    tables += segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0")
    for kind, symbol in ((0x00, 0x00), (0x10, 0xE0)):
        tables += segment(0xC4, bytes([kind, 1, *[0] * 15, symbol]))
    blocks = (-(-side // 8)) ** 2
    first = segment(0xDA, b"\1\1\0\0\0\0") + bytes(-(-blocks // 8))
    runs = "".join("0" + "1" * 14 for _ in range(-(-blocks // 32767)))
    runs += "1" * (-len(runs) % 8)
    data = int(runs, 2).to_bytes(len(runs) // 8, "big").replace(b"\xff", b"\xff\0")
    return (
        b"\xff\xd8" + tables + first + (segment(0xDA, b"\1\0\1\x3f\0") + data) * scans + b"\xff\xd9"
    )


def longs(*values: int) -> Values:
    """Return the values of a TIFF tag, of 4 bytes each."""
    return 4, len(values), struct.pack(f"<{len(values)}I", *values)


def tiff(data: bytes, /, **tags: Values | None) -> bytes:
    """Return a grey TIFF of `SIDE`, with `data` from `PLACE`; `t` and a number give or take a tag.

    They stand further on where the values of the tags leave no room.
    """
    found: dict[int, Values | None] = {
        **{256: longs(SIDE), 257: longs(SIDE), 258: longs(8), 259: longs(1), 262: longs(1)},
        **{273: longs(PLACE), 277: longs(1), 278: longs(SIDE), 279: longs(len(data))},
        **{int(name[1:]): values for name, values in tags.items()},
    }
    kept = [(tag, values) for tag, values in sorted(found.items()) if values]
    after = 8 + 2 + 12 * len(kept) + 4
    entries, values_after = struct.pack("<H", len(kept)), b""
    for tag, (kind, count, values) in kept:
        entries += struct.pack("<HHI", tag, kind, count)
        entries += values.ljust(4, b"\0") if len(values) <= 4 else struct.pack("<I", after)
        if len(values) > 4:
            after, values_after = after + len(values), values_after + values
    head = b"II*\0\x08\0\0\0" + entries + bytes(4) + values_after
    return head.ljust(PLACE, b"\0") + data


def bmp(data: bytes, side: int = 128, compression: int = 0, header: int = 40) -> bytes:
    """Return a grey BMP of 8 bits."""
    palette = b"".join(bytes([shade, shade, shade, 0]) for shade in range(256))
    sizes = struct.pack("<IiiHHIIiiII", header, side, side, 1, 8, compression, 0, 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + 40 + 1024) + sizes + palette + data


def riff(chunks: Sequence[tuple[bytes, bytes]], more: int = 0) -> bytes:
    """Return a WebP of these chunks, which says to have `more` bytes."""
    body = b"WEBP"
    for kind, data in chunks:
        body += kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    return b"RIFF" + struct.pack("<I", len(body) + more) + body
