"""Numbers of things: mostly few, sometimes so many that a reader has to give up."""

from __future__ import annotations

from random import Random

MOST_BYTES = 4 << 20
"""Of a file that is made while fuzzing; what needs more is in `benchmarks/hostile_files.py`."""
SIDES = (1, 8, 48, 64, 512, 4000, 7000, 32768, 65535, 1 << 20, (1 << 31) - 1)


def many(chance: Random, size: int = 1, most: int = 1_000_000) -> int:
    """Return a number of things of `size` bytes, by its magnitude as likely small as large."""
    most = max(1, min(most, MOST_BYTES // max(1, size)))
    return int(2 ** (chance.random() ** 2 * most.bit_length())) % (most + 1)


def side(chance: Random) -> int:
    """Return a width or a height in pixels, mostly that of a small film."""
    return chance.choice(SIDES) if chance.random() < 0.15 else chance.choice((48, 64, 65, 200))
