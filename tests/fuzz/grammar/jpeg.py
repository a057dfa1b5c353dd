"""JPEG (ITU-T T.81): segments and scans of any number, sequential and progressive."""

from __future__ import annotations

import struct
from random import Random

from fuzz.grammar.numbers import many, side

START, END = b"\xff\xd8", b"\xff\xd9"
_LONGEST_RUN = 0x7FFF  # blocks that one end-of-block run of 14 more bits covers (G.1.2.2)


def segment(marker: int, data: bytes = b"") -> bytes:
    """Return a segment with its length."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def tables() -> bytes:
    """Return a quantization table of ones, and Huffman tables of one code each.

    That of the averages has the code of no change, that of the rest a run of empty blocks.
    """
    flat = segment(0xDB, b"\0" + bytes([1] * 64))
    one = bytes([1] + [0] * 15)
    return flat + segment(0xC4, b"\0" + one + b"\0") + segment(0xC4, b"\x10" + one + b"\xe0")


def frame(width: int, height: int, *, marker: int = 0xC2, components: int = 1) -> bytes:
    """Return the header of a frame, progressive where `marker` is 0xC2."""
    listed = b"".join(bytes((index + 1, 0x11, 0)) for index in range(components))
    return segment(marker, struct.pack(">BHHB", 8, height, width, components) + listed)


def scan_header(first: int, last: int) -> bytes:
    """Return the header of a scan of one component, from one coefficient to another."""
    return segment(0xDA, bytes((1, 1, 0, first, last, 0)))


def averages(blocks: int) -> bytes:
    """Return the scan of the averages: no change in any block."""
    return scan_header(0, 0) + bytes((blocks + 7) // 8)


def empty_scan(blocks: int) -> bytes:
    """Return a scan that adds nothing to any block."""
    bits, left = "", blocks
    while left >= 1 << 14:
        run = min(left, _LONGEST_RUN)
        bits += "0" + format(run - (1 << 14), "014b")
        left -= run
    bits += "0" + "0" * 14 if left else ""
    bits += "1" * (-len(bits) % 8)
    coded = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
    return scan_header(1, 63) + coded.replace(b"\xff", b"\xff\0")


def progressive(width: int, height: int, scans: int) -> bytes:
    """Return a grey film of one shade whose `scans` add nothing."""
    blocks = -(-width // 8) * -(-height // 8)
    head = START + tables() + frame(width, height) + averages(blocks)
    return head + empty_scan(blocks) * scans + END


def file(chance: Random) -> bytes:
    """Return a JPEG with some segments and scans too many."""
    width, height = (min(side(chance), 65535) for _ in range(2))
    blocks = min(-(-width // 8) * -(-height // 8), 1 << 20)
    marker = chance.choice((0xC2, 0xC2, 0xC2, 0xC0, 0xC1, 0xC3, 0xC6, 0xCA))
    head = [tables(), frame(width, height, marker=marker, components=chance.choice((1, 1, 3, 4)))]
    scan = empty_scan(blocks)
    scans = [averages(blocks), scan * many(chance, len(scan), 5000)]
    for parts in (head, scans):
        for _ in range(chance.randrange(3)):
            kind = chance.choice((0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE, 0xDB, 0xC4, 0xDD, 0xDC))
            extra = segment(kind, chance.randbytes(many(chance, 1, 65000)))
            at = chance.randrange(len(parts) + 1)
            parts.insert(at, extra * max(1, many(chance, len(extra), 100_000)))
    fill = b"\xff" * many(chance, 1, 100_000) if chance.random() < 0.1 else b""
    after = bytes(many(chance)) if chance.random() < 0.1 else b""
    return START + b"".join(head) + fill + b"".join(scans) + END + after
