"""DICOM (PS3.5, PS3.10): elements, items and fragments of any number, in every transfer syntax."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from random import Random

from fuzz.grammar.numbers import many

IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
DEFLATED, RLE = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.5"
JPEG, JPEG_2000 = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.90"
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xE000, 0xE00D, 0xE0DD  # elements of group FFFE
_LONG = ("OB", "OW", "SQ", "UN", "UT", "UC")
_SEQUENCES = ((0x0008, 0x1140), (0x0028, 0x3000), (0x0028, 0x3010), (0x0054, 0x0220))
_TEXTS = ((0x0008, 0x0005), (0x0008, 0x0060), (0x0010, 0x1010), (0x0018, 0x0015), (0x0018, 0x5101),
          (0x0028, 0x1050), (0x0028, 0x1051), (0x0028, 0x1052), (0x0028, 0x0008))  # fmt: skip


def explicit(group: int, element: int, kind: str, value: bytes, length: int | None = None) -> bytes:
    """Return an element with its type (PS3.5, 7.1.2); `length` takes the place of its own."""
    value += b" " * (len(value) % 2)
    size = len(value) if length is None else length
    head = struct.pack("<HH", group, element) + kind.encode()
    long = kind in _LONG
    return (
        head + (struct.pack("<HI", 0, size) if long else struct.pack("<H", size & 0xFFFF)) + value
    )


def element(tag: int, kind: str, value: bytes, length: int | None = None) -> bytes:
    """Return the element of a tag of eight digits, without its type where `kind` is empty."""
    group, number = tag >> 16, tag & 0xFFFF
    return (
        explicit(group, number, kind, value, length)
        if kind
        else implicit(group, number, value, length)
    )


def implicit(group: int, element: int, value: bytes, length: int | None = None) -> bytes:
    """Return an element without its type (PS3.5, 7.1.3)."""
    value += b" " * (len(value) % 2)
    return struct.pack("<HHI", group, element, len(value) if length is None else length) + value


def item(value: bytes = b"", length: int | None = None) -> bytes:
    """Return an item of a sequence, or a fragment of pixels."""
    return implicit(0xFFFE, ITEM, value, length)


def meta(syntax: str, *others: bytes) -> bytes:
    """Return the preamble and the file's meta information."""
    uid = syntax.encode()
    body = explicit(2, 0x10, "UI", uid + b"\0" * (len(uid) % 2)) + b"".join(others)
    return bytes(128) + b"DICM" + explicit(2, 0, "UL", struct.pack("<I", len(body))) + body


def described(side: int = 64, bits: int = 8) -> list[tuple[int, str, bytes]]:
    """Return the elements of group 0028 that say how the pixels are stored."""
    numbers = {0x0002: 1, 0x0010: side, 0x0011: side, 0x0100: bits, 0x0101: bits, 0x0102: bits - 1,
               0x0103: 0}  # fmt: skip
    found = [(key, "US", struct.pack("<H", value)) for key, value in numbers.items()]
    return sorted([*found, (0x0004, "CS", b"MONOCHROME2")])


def pixels(side: int = 64) -> bytes:
    """Return grey pixels of eight bits."""
    return bytes((row * column) & 255 for row in range(side) for column in range(side))


def film(
    *, syntax: str = IMPLICIT, before: bytes = b"", within: bytes = b"", after: bytes = b"",
    side: int = 64, bits: int = 8, coded: bytes | None = None,
) -> bytes:  # fmt: skip
    """Return a film with elements of group 0008 to 0018, of 0028, and after the pixels.

    `coded` is the element of the pixels where they are not as they are.
    """
    typed = syntax != IMPLICIT
    modality = explicit(8, 0x60, "CS", b"DX") if typed else implicit(8, 0x60, b"DX")
    picture = [
        explicit(0x28, key, kind, value) if typed else implicit(0x28, key, value)
        for key, kind, value in described(side, bits)
    ]
    if coded is None:
        raw = pixels(side)
        coded = explicit(0x7FE0, 0x10, "OB", raw) if typed else implicit(0x7FE0, 0x10, raw)
    body = modality + before + b"".join(picture) + within + coded + after
    if syntax == DEFLATED:
        deflate = zlib.compressobj(9, wbits=-15)
        body = deflate.compress(body) + deflate.flush()
    return meta(syntax) + body


def fragments(parts: Sequence[bytes]) -> bytes:
    """Return the element of compressed pixels, with an empty table of offsets."""
    ended = implicit(0xFFFE, SEQUENCE_END, b"")
    inside = item() + b"".join(map(item, parts)) + ended
    return explicit(0x7FE0, 0x10, "OB", b"", UNDEFINED) + inside


def rle(*segments: bytes) -> bytes:
    """Return a frame of run lengths (PS3.5, annex G)."""
    places, at = [], 64
    for segment in segments:
        places.append(at)
        at += len(segment)
    table = struct.pack("<16I", len(segments), *places, *[0] * (15 - len(segments)))
    return table + b"".join(segments)


def file(chance: Random) -> bytes:
    """Return a DICOM film with some of everything too many."""
    syntax = chance.choice((IMPLICIT, IMPLICIT, EXPLICIT, DEFLATED, RLE, JPEG, JPEG_2000))
    typed = syntax != IMPLICIT
    places = {"before": b"", "within": b"", "after": b""}
    for _ in range(chance.randrange(4)):
        where = chance.choice(list(places))
        places[where] += _extra(chance, typed=typed)
    coded = None
    if syntax in (RLE, JPEG, JPEG_2000):
        part = chance.choice((b"", b"\xff\xd8\xff\xd9", rle(b"\x81A" * many(chance, 2)), b"\0" * 8))
        coded = fragments([part] * max(1, many(chance, len(part) + 8, 200_000)))
    return film(
        syntax=syntax, coded=coded,
        before=places["before"], within=places["within"], after=places["after"],
    )  # fmt: skip


def _extra(chance: Random, *, typed: bool) -> bytes:
    """Return elements that a reader may stumble over."""

    def element(group: int, key: int, kind: str, value: bytes, length: int | None = None) -> bytes:
        if typed:
            return explicit(group, key, kind, value, length)
        return implicit(group, key, value, length)

    deed = chance.randrange(5)
    if deed == 0:
        group, key = chance.choice(_TEXTS)
        kind = "DS" if group == 0x28 else "CS"
        value = chance.choice((b"1\\", b"\\", b"AB ", b"9", b"ISO_IR 100\\")) * many(chance, 4)
        return element(group, key, kind, value[:0xFFFE] if typed else value)
    if deed == 1:
        group, key = chance.choice(_SEQUENCES)
        return element(group, key, "SQ", item() * many(chance, 8, 500_000))
    if deed == 2:
        tiny = element(9, chance.randrange(0x1000, 0x3000), "LO", b"")
        return tiny * many(chance, len(tiny), 500_000)
    if deed == 3:
        group, key = chance.choice(_SEQUENCES)
        begun = element(group, key, "SQ", b"", UNDEFINED) + item(length=UNDEFINED)
        ended = implicit(0xFFFE, ITEM_END, b"") + implicit(0xFFFE, SEQUENCE_END, b"")
        depth = many(chance, len(begun) + len(ended), 100_000)
        return begun * depth + ended * chance.choice((depth, 0, 1))
    return element(9, 0x1010, "UN", b"", chance.choice((UNDEFINED, UNDEFINED - 1, 1 << 31, 7)))
