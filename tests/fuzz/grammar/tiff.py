"""TIFF 6.0: directories of any tags, strips and tiles, chained and nested."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from random import Random

from fuzz.grammar.numbers import many, side

Tag = tuple[int, int, int, bytes]
"""Number, type, count and bytes of the values."""
_TYPES = {1: "B", 3: "H", 4: "I"}
_HEAD = 8


def tag(number: int, kind: int, values: Sequence[int]) -> Tag:
    """Return a tag with whole numbers as its values."""
    return number, kind, len(values), struct.pack(f"<{len(values)}{_TYPES[kind]}", *values)


def image(side: int, **tags: Tag) -> list[Tag]:
    """Return the tags of a grey picture of eight bits, with others of `tags` in their place."""
    known: dict[str, Tag] = {
        "width": tag(256, 4, [side]),
        "height": tag(257, 4, [side]),
        "bits": tag(258, 3, [8]),
        "compression": tag(259, 3, [1]),
        "photometric": tag(262, 3, [1]),
        "offsets": tag(273, 4, [1000]),
        "samples": tag(277, 3, [1]),
        "rows": tag(278, 4, [side]),
        "counts": tag(279, 4, [side * side & 0xFFFFFFFF]),
    }
    return list({**known, **tags}.values())


def directory(tags: Sequence[Tag], at: int = _HEAD, following: int = 0) -> bytes:
    """Return a directory that lies at `at`, and the values that do not fit into it."""
    beyond, entries = b"", struct.pack("<H", len(tags))
    start = at + 2 + 12 * len(tags) + 4
    for number, kind, count, values in sorted(tags, key=lambda tag: tag[0]):
        place = values.ljust(4, b"\0")
        if len(values) > 4:
            place = struct.pack("<I", start + len(beyond))
            beyond += values
        entries += struct.pack("<HHI", number, kind, count) + place
    return entries + struct.pack("<I", following) + beyond


def whole(tags: Sequence[Tag], data: bytes = b"", *, at: int = 1000, following: int = 0) -> bytes:
    """Return a file of one directory, with `data` at `at`."""
    head = b"II*\0" + struct.pack("<I", _HEAD) + directory(tags, following=following)
    return head.ljust(at, b"\0")[: max(at, len(head))] + data


def tiles(side: int, edge: int, count: int, data: bytes, compression: int = 8) -> bytes:
    """Return a picture of `count` tiles of `edge` pixels a side, all of them the same `data`."""
    tags = image(side, compression=tag(259, 3, [compression]))
    tags = [one for one in tags if one[0] not in (273, 278, 279)]
    tags += [tag(322, 4, [edge]), tag(323, 4, [edge]), tag(325, 4, [len(data)] * count)]
    at = len(whole([*tags, tag(324, 4, [0] * count)], at=0))
    return whole([*tags, tag(324, 4, [at] * count)], data, at=at)


def chain(count: int) -> bytes:
    """Return a picture whose directory is followed by `count` empty ones."""
    first = 20_000
    head = bytearray(whole(image(128), bytes(range(256)) * 64, following=first).ljust(first, b"\0"))
    empty = (struct.pack("<HI", 0, first + 6 * (index + 1)) for index in range(count - 1))
    return bytes(head) + b"".join(empty) + struct.pack("<HI", 0, 0)


def file(chance: Random) -> bytes:
    """Return a TIFF whose tags say odd things."""
    edge = side(chance)
    if chance.random() < 0.3:
        tile = chance.choice((16, 64, 4096, 32752))
        data = zlib.compress(bytes(min(tile * tile, 1 << 22)), 1)
        return tiles(edge, tile, max(1, many(chance, 8, 100_000)), data, chance.choice((1, 8, 5)))
    if chance.random() < 0.1:
        return chain(max(1, many(chance, 6, 500_000)))
    compression = chance.choice((1, 2, 3, 4, 5, 7, 8, 32773, 32946, 50000, 50001))
    tags = {"compression": tag(259, 3, [compression])}
    strips = max(1, many(chance, 8, 200_000)) if chance.random() < 0.3 else 1
    tags["offsets"], tags["counts"] = tag(273, 4, [1000] * strips), tag(279, 4, [4096] * strips)
    if chance.random() < 0.3:
        tags["rows"] = tag(278, 4, [chance.choice((1, 8, 0, 0xFFFFFFFF))])
    if chance.random() < 0.3:
        count = max(1, many(chance, 2, 65536))
        tags["samples"] = tag(277, 3, [count & 0xFFFF])
        tags["bits"] = tag(258, 3, [8] * count)
    if chance.random() < 0.3:
        kind = chance.choice((33000, 330, 34665, 34675, 320, 333, 347, 700, 34377))
        tags["other"] = tag(kind, chance.choice((1, 3, 4)), [8] * max(1, many(chance, 4, 500_000)))
    data = zlib.compress(bytes(many(chance, 1, 1 << 22) * 64), 9)
    data = data if chance.random() < 0.5 else bytes(range(256)) * 16
    return whole(image(edge, **tags), data, following=chance.choice((0, 0, 8, 1 << 31)))
