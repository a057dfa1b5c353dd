"""What a worker is at, in a few bytes that the process beside it reads at any time.

A worker that dies leaves it behind: it names the film that it died of.
"""

from __future__ import annotations

import os
import struct
from typing import NamedTuple

_LAYOUT = struct.Struct("<qqdddd")
IDLE = -1
"""The row of a worker that is at no film."""


class At(NamedTuple):
    """The row that a worker is at, the films it has done in all, and where its seconds went."""

    row: int = IDLE
    films: int = 0
    storage: float = 0.0
    decode: float = 0.0
    inference: float = 0.0
    busy: float = 0.0


class Board:
    """The bytes behind a file descriptor that two processes share."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, at: At) -> None:
        """Note what this process is at; the room for it was taken when the board was made."""
        os.pwrite(self._descriptor, _LAYOUT.pack(*at), 0)

    def read(self) -> At:
        """Return what the worker is at."""
        data = os.pread(self._descriptor, _LAYOUT.size, 0)
        return At(*_LAYOUT.unpack(data)) if len(data) == _LAYOUT.size else At()
