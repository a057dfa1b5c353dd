"""Damage, seeded: bytes that were valid once, and a number, give other bytes."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Sequence
from random import Random

INTERESTING = (0, 1, 2, 7, 16, 32, 64, 100, 127, 128, 255, 256, 1000, 4096, 32767, 32768, 65535,
               65536, 1 << 24, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)  # fmt: skip

Mutator = Callable[[bytearray, Random, Sequence[bytes]], None]


def flip(data: bytearray, chance: Random, others: Sequence[bytes]) -> None:
    """Turn single bits over."""
    del others
    for _ in range(chance.choice((1, 1, 2, 8, 64))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def cut(data: bytearray, chance: Random, _: Sequence[bytes]) -> None:
    """Leave the end out."""
    del data[chance.randrange(len(data)) :]


def remove(data: bytearray, chance: Random, _: Sequence[bytes]) -> None:
    """Leave a part out."""
    start = chance.randrange(len(data))
    del data[start : start + 1 + chance.randrange(64)]


def splice(data: bytearray, chance: Random, others: Sequence[bytes]) -> None:
    """Put a part of another seed in, over what is there or between."""
    other = chance.choice(others)
    begin = chance.randrange(len(other))
    part = other[begin : begin + 1 + chance.randrange(256)]
    start = chance.randrange(len(data))
    data[start : start + chance.choice((0, len(part)))] = part


def number(data: bytearray, chance: Random, _: Sequence[bytes]) -> None:
    """Write a number that programs stumble on, as lengths and sizes are written."""
    kind = chance.choice(("<H", ">H", "<I", ">I", "B"))
    value = chance.choice(INTERESTING) & ((1 << 8 * struct.calcsize(kind)) - 1)
    at = chance.randrange(max(1, min(len(data), chance.choice((64, 512, 1 << 30)))))
    data[at : at + struct.calcsize(kind)] = struct.pack(kind, value)


def repeat(data: bytearray, chance: Random, _: Sequence[bytes]) -> None:
    """Write a part again, many times over."""
    start = chance.randrange(len(data))
    part = data[start : start + 1 + chance.randrange(32)]
    data[start:start] = part * chance.choice((1, 2, 16, 256))


ANY: tuple[Mutator, ...] = (flip, flip, number, number, splice, remove, cut, repeat)


def damaged(
    data: bytes, chance: Random, others: Sequence[bytes], mutators: Sequence[Mutator]
) -> bytearray:
    """Return `data` after one to four mutations, never empty between them."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        chance.choice(mutators)(changed, chance, others)
        changed = changed or bytearray(b"\0")
    return changed


def png_chunk(data: bytearray, chance: Random, others: Sequence[bytes]) -> None:
    """Change what a PNG's chunk holds, and write its CRC anew so that it is looked at."""
    at, chunks = 8, []
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if at + 12 + length > len(data):
            break
        chunks.append((at, length))
        at += 12 + length
    if not chunks:
        return
    at, length = chance.choice(chunks)
    body = bytearray(data[at + 8 : at + 8 + length]) or bytearray(4)
    kind = bytes(data[at + 4 : at + 8])
    if kind == b"IDAT" and chance.random() < 0.7:
        body = _inflated(body, chance, others)
    else:
        chance.choice(ANY)(body, chance, others)
    if chance.random() < 0.1:
        kind = chance.choice((b"PLTE", b"tRNS", b"iCCP", b"zTXt", b"eXIf", b"acTL", b"fcTL"))
    chunk = struct.pack(">I", len(body)) + kind + body
    data[at : at + 12 + length] = chunk + struct.pack(">I", zlib.crc32(chunk[4:]))


def _inflated(body: bytearray, chance: Random, others: Sequence[bytes]) -> bytearray:
    """Return compressed pixels that are other, more, or fewer pixels."""
    try:
        pixels = bytearray(zlib.decompress(body)) or bytearray(1)
    except zlib.error:
        return body
    chance.choice(ANY)(pixels, chance, others)
    return bytearray(zlib.compress(pixels * chance.choice((1, 1, 1, 50)), 1))


def jpeg_segment(data: bytearray, chance: Random, others: Sequence[bytes]) -> None:
    """Change what a JPEG's segment holds, and keep its length right."""
    marks = [at.start() for at in re.finditer(rb"\xff[\xc0-\xfe]", bytes(data))]
    if not marks:
        return
    at = chance.choice(marks)
    (length,) = struct.unpack_from(">H", data[at + 2 : at + 4].ljust(2, b"\0"))
    body = bytearray(data[at + 4 : at + 2 + length]) or bytearray(1)
    chance.choice(ANY)(body, chance, others)
    data[at + 2 : at + 2 + length] = struct.pack(">H", min(len(body) + 2, 65535)) + body
    if chance.random() < 0.1:
        data[at + 1] = chance.randrange(0xC0, 0xFE)


def tiff_tag(data: bytearray, chance: Random, _: Sequence[bytes]) -> None:
    """Change an entry of a TIFF's first directory: its tag, type, count or value."""
    order = "<" if data[:2] == b"II" else ">"
    if len(data) < 8:
        return
    (start,) = struct.unpack_from(order + "I", data, 4)
    if start + 2 > len(data):
        return
    (count,) = struct.unpack_from(order + "H", data, start)
    entry = start + 2 + 12 * chance.randrange(max(1, count))
    offset, kind = chance.choice(((0, "H"), (2, "H"), (4, "I"), (8, "I"), (8, "H")))
    if entry + 12 > len(data):
        return
    value = chance.choice((chance.randrange(20), 254 + chance.randrange(90), *INTERESTING))
    size = struct.calcsize(kind)
    struct.pack_into(order + kind, data, entry + offset, value & ((1 << 8 * size) - 1))


def dicom_element(data: bytearray, chance: Random, others: Sequence[bytes]) -> None:
    """Change the value of a DICOM element in explicit VR little endian, or its VR."""
    found = [at.start() for at in re.finditer(rb"[\x08\x10\x18\x20\x28\xe0\x02]\x00..[A-Z]{2}",
                                              bytes(data[:4096]), re.DOTALL)]  # fmt: skip
    if not found:
        return
    at = chance.choice(found)
    if chance.random() < 0.2:
        data[at + 4 : at + 6] = chance.choice((b"US", b"OW", b"OB", b"SQ", b"UN", b"DS", b"UI"))
        return
    (length,) = struct.unpack_from("<H", data[at + 6 : at + 8].ljust(2, b"\0"))
    if not 0 < length < 256:
        number(data, chance, others)
        return
    values = (b"0", b"-1", b"1e308", b"nan", b"\\\\", b"999999999999", b"\xff\xff", b"")
    body = (chance.choice(values) * chance.choice((1, 2)))[:length].ljust(length, b" ")
    if chance.random() < 0.5:
        body = chance.randbytes(length)
    data[at + 8 : at + 8 + length] = body


STRUCTURES: dict[bytes, Mutator] = {
    b"\x89PNG": png_chunk,
    b"\xff\xd8": jpeg_segment,
    b"II": tiff_tag,
    b"MM": tiff_tag,
}


def film_mutators(seed: bytes) -> Sequence[Mutator]:
    """Return what damages this film: half of the time its structure, half of the time anything."""
    own = next((one for magic, one in STRUCTURES.items() if seed.startswith(magic)), None)
    if own is None and seed[128:132] == b"DICM":
        own = dicom_element
    return ANY if own is None else (*ANY, *[own] * len(ANY))
