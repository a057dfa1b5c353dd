"""A compact table from names to numbers, for millions of films, and the numbers kept for films."""

from __future__ import annotations

import os
from array import array
from hashlib import blake2b

from edge_runtime.film.source import place, stamp

IN_DOUBT, MET = 0, 1
"""Kept for a film instead of the number of its stamp and place: to be checked, or met already."""


class NameTable:
    """Names, kept as 64 bits of a digest, with a number of 64 bits: 24 to 48 bytes a name.

    A new name is taken for one of a million others once in 10^13 times.
    """

    def __init__(self) -> None:
        self._slots = array("Q", [0]) * 1024  # open addressing; 0 is a free place
        self._values = array("Q", [0]) * 1024
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, name: str, value: int) -> int | None:
        """Keep `value` for `name`, and return what was kept for it before, if it is not new."""
        hashed = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        digest = int.from_bytes(hashed, "big") or 1
        place = self._place(digest)
        if self._slots[place]:
            before, self._values[place] = self._values[place], value
            return before
        self._slots[place], self._values[place] = digest, value
        self._count += 1
        if 3 * self._count > 2 * len(self._slots):
            self._grow()
        return None

    def _place(self, digest: int) -> int:
        """Return the place of `digest`, or the free one where it belongs."""
        slots = self._slots
        last = len(slots) - 1
        place = digest & last
        while (kept := slots[place]) and kept != digest:
            place = (place + 1) & last
        return place

    def _grow(self) -> None:
        old = zip(self._slots, self._values, strict=True)
        size = 2 * len(self._slots)
        self._slots, self._values = array("Q", [0]) * size, array("Q", [0]) * size
        for digest, value in old:
            if digest:
                place = self._place(digest)
                self._slots[place], self._values[place] = digest, value


def is_untouched(film: str, known: int) -> bool:
    """Tell whether stamp and place of `film` are still the `known` ones, or the film is gone."""
    try:
        return number(stamp(os.stat(film)), place(film) or "") == known  # noqa: PTH116
    except (OSError, ValueError):
        return os.path.isabs(film)  # noqa: PTH117, from another folder it may never have been there


def number(stamped: str, placed: str) -> int:
    """Return the number that is kept for a stamp and a place, or `IN_DOUBT`."""
    try:
        combined = int(stamped, 16) ^ int(placed or "0", 16)
    except ValueError:
        return IN_DOUBT
    return combined if MET < combined < 1 << 64 else IN_DOUBT
