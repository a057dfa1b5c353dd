"""A set of names, for millions of them."""

from __future__ import annotations

from array import array
from hashlib import blake2b


class Names:
    """Names of which 64 bits each are kept, in 12 to 24 bytes.

    Beside a million names, a new one is taken for one of them once in 10^13 times.
    """

    def __init__(self) -> None:
        self._slots = array("Q", [0]) * 1024  # open addressing; 0 is a free place
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, name: str) -> bool:
        """Add `name`, and tell whether it is new."""
        digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        if not self._place(int.from_bytes(digest, "big") or 1):
            return False
        self._count += 1
        if 3 * self._count > 2 * len(self._slots):
            self._grow()
        return True

    def _place(self, value: int) -> bool:
        slots = self._slots
        last = len(slots) - 1
        place = value & last
        while found := slots[place]:
            if found == value:
                return False
            place = (place + 1) & last
        slots[place] = value
        return True

    def _grow(self) -> None:
        old, self._slots = self._slots, array("Q", [0]) * (2 * len(self._slots))
        for value in old:
            if value:
                self._place(value)
