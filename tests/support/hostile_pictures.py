"""Small files whose structure asks a decoder for too much, and what is said to them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import IO, NamedTuple

import pytest

from edge_runtime.errors import Refusal
from edge_runtime.film.preprocess import standard
from film_refusals import refusal_of
from fuzz.grammar import webp
from fuzz.grammar.bmp import bitmap
from fuzz.grammar.png import END, SIGNATURE, chunk, header, pixels
from fuzz.grammar.tiff import tag, whole

RECIPE = standard(64, 64)
GIGABYTE = 1 << 30
SIDE, PLACE = 128, 4096

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


def costly(form: ModuleType, film: bytes | Path, problem: str) -> int:
    """Return how many bytes of a film are read until `form.judge` calls it `too_large`.

    Its line holds `problem`.
    """
    said = judged(form, film)
    assert said.reason == "too_large"
    assert problem in said.problem
    return said.read


def sparse(path: Path, head: bytes, size: int = GIGABYTE, tail: bytes = b"") -> Path:
    """Write a file of `head`, a hole of `size` bytes that takes no room on the disk, and `tail`."""
    with path.open("wb") as stream:
        stream.write(head)
        stream.truncate(len(head) + size)
        stream.seek(0, 2)
        stream.write(tail)
    return path


def png(before: bytes = b"", after: bytes = b"", side: int = 128) -> bytes:
    """Return a PNG of 8 bits with more chunks before and after its image data."""
    image = chunk(b"IDAT", pixels(side, side))
    return SIGNATURE + header(side, side) + before + image + after + END


def longs(*values: int) -> Values:
    """Return the values of a TIFF tag, of 4 bytes each."""
    return tag(0, 4, values)[1:]


def tiff(data: bytes, /, **tags: Values | None) -> bytes:
    """Return a grey TIFF of `SIDE`, with `data` from `PLACE`; `t` and a number give or take a tag.

    They stand further on where the values of the tags leave no room.
    """
    usual: dict[int, Values | None] = {
        **{256: longs(SIDE), 257: longs(SIDE), 258: longs(8), 259: longs(1), 262: longs(1)},
        **{273: longs(PLACE), 277: longs(1), 278: longs(SIDE), 279: longs(len(data))},
        **{int(name[1:]): values for name, values in tags.items()},
    }
    return whole([(number, *values) for number, values in usual.items() if values], data, at=PLACE)


def bmp(data: bytes, side: int = 128, compression: int = 0, header: int = 40) -> bytes:
    """Return a grey BMP of 8 bits whose header may lie about its length."""
    film = bytearray(bitmap(side, side, data, compression=compression))
    film[14:18] = struct.pack("<I", header)
    return bytes(film)


def riff(chunks: Sequence[tuple[bytes, bytes]], more: int = 0) -> bytes:
    """Return a WebP of these chunks, which says to have `more` bytes."""
    return webp.riff(*(webp.chunk(kind, data) for kind, data in chunks), more=more)
