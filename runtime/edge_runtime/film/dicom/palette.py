"""Segmented palettes (PS3.3 C.7.9), which unfold to any size: a segment can repeat many others."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from edge_runtime.errors import Refusal
from edge_runtime.film.dicom.elements import numbers, value_of
from edge_runtime.film.limits import MOST_ENTRIES, MOST_SEGMENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom.dataset import Dataset

_DISCRETE, _LINEAR, _INDIRECT = range(3)
_DEEPEST = 8  # segments that repeat segments that repeat others


def refuse_endless(film: Dataset, subject: str) -> None:
    """Refuse a palette that unfolds to more than a descriptor can tell of, or in many pieces.

    Raises:
        Refusal: `unreadable`.
        ValueError, LookupError, struct.error: it is damaged.
    """
    if "RedPaletteColorLookupTableData" in film:
        return
    bits = numbers(film, "RedPaletteColorLookupTableDescriptor")[2]
    little = film.file_meta.TransferSyntaxUID.is_little_endian
    for colour in ("Red", "Green", "Blue"):
        data = value_of(film, f"Segmented{colour}PaletteColorLookupTableData")
        if not isinstance(data, bytes):
            raise ValueError("no palette")
        if bits == 8:
            units: Sequence[int] = data
        else:
            units = struct.unpack(f"{'<' if little else '>'}{len(data) // 2}H", data)
        if not _Unfolded(units, wide=bits != 8, little=little).is_bounded():
            problem = f"a palette of more than {MOST_ENTRIES} entries or {MOST_SEGMENTS} segments"
            raise Refusal("unreadable", subject, problem, "export it anew, in grey")


class _Unfolded:
    """How long a segmented table becomes, without making it."""

    def __init__(self, units: Sequence[int], *, wide: bool, little: bool) -> None:
        self._units = units
        self._wide = wide
        self._order = (3, 2, 1, 0) if little else (2, 3, 0, 1)
        self._entries = self._segments = 0

    def is_bounded(self) -> bool:
        """Tell whether entries and segments are as few as is allowed, those repeated counted."""
        return self._count(0, None, 0)

    def _count(self, place: int, most: int | None, depth: int) -> bool:
        units, seen = self._units, 0
        while place + 1 < len(units) and seen != most:
            kind, length = units[place : place + 2]
            place, seen = place + 2, seen + 1
            self._segments += 1
            if self._segments > MOST_SEGMENTS or depth > _DEEPEST:
                return False
            if kind == _INDIRECT:
                if not self._count(self._offset(place), length or None, depth + 1):
                    return False
                place += 2 if self._wide else 4
            elif kind in (_DISCRETE, _LINEAR):
                self._entries += length
                place += length if kind == _DISCRETE else 1
            else:
                raise ValueError("no segment of a palette")
            if self._entries > MOST_ENTRIES:
                return False
        return True

    def _offset(self, place: int) -> int:
        """Return where the segments stand that are to be repeated, as pydicom counts it."""
        if self._wide:
            return self._units[place + 1] << 16 | self._units[place]
        first, second, third, fourth = (self._units[place + one] for one in self._order)
        return (first << 8 | second) << 16 | third << 8 | fourth
