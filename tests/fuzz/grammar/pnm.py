"""PGM and PPM (Netpbm): plain and raw, with comments and digits without end."""

from __future__ import annotations

from random import Random

from fuzz.grammar.numbers import many, side


def file(chance: Random) -> bytes:
    """Return a picture whose header may be longer than its pixels."""
    width, height = side(chance), side(chance)
    kind = chance.choice((b"P5", b"P5", b"P2", b"P6"))
    comment = b"#" + b"x" * many(chance, 1, 1 << 16) + b"\n"
    between = chance.choice((b" ", b"\n", comment * many(chance, len(comment), 100_000), b"\n"))
    zeros = b"0" * many(chance) if chance.random() < 0.1 else b""
    head = kind + b" " + between + zeros + b"%d %d %d\n" % (width, height, chance.choice((255, 1)))
    pixels = b"9 " if kind == b"P2" else bytes(range(256))
    return head + pixels * max(1, many(chance, len(pixels), 100_000))
