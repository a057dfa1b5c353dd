"""The first directory of a TIFF or BigTIFF file, read within the limits.

Further directories are not looked at: a film is a file of one picture. Those of EXIF are, since
Pillow reads every value of theirs.
"""

from __future__ import annotations

from io import SEEK_END

from edge_runtime.film import limits
from edge_runtime.film.refuse import require_within, unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO, Literal

# Tags (TIFF 6.0, sections 8 and 15)
WIDTH, HEIGHT, BITS, COMPRESSION, SAMPLES, ROWS, PLANES = 256, 257, 258, 259, 277, 278, 284
STRIPS, STRIP_SIZES = 273, 279
TILE_WIDTH, TILE_HEIGHT, TILES, TILE_SIZES = 322, 323, 324, 325
_PARTS = (STRIPS, STRIP_SIZES, TILES, TILE_SIZES)
_READ = (*_PARTS, WIDTH, HEIGHT, BITS, COMPRESSION, SAMPLES, ROWS, PLANES, TILE_WIDTH, TILE_HEIGHT)
_EXIF, _GPS, _INTEROPERABILITY = 34665, 34853, 40965  # EXIF 2.32, 4.6.3
# Type -> bytes of a value (TIFF 6.0, section 2, and its supplement for 64 bits)
_BYTES_OF = dict(zip((*range(1, 14), 16), (1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 8), strict=True))
_BYTES, _FRACTIONS, _WHOLE = (1, 2, 6, 7), (5, 10), (3, 4, 13, 16)
_DAMAGED = "its TIFF directory is damaged or torn off"


class Tags:
    """The tags of a file that say how its pixels lie there."""

    def __init__(self, stream: BinaryIO, subject: str) -> None:
        """Read the first directory of the file in `stream`, and of the values how many they are.

        Raises:
            Refusal: `unreadable` or `too_large`.
        """
        self._stream, self._subject = stream, subject
        head = stream.read(16)
        self._end = stream.seek(0, SEEK_END)
        self._order: Literal["little", "big"] = "little" if head[:2] == b"II" else "big"
        self._word = 8 if b"+" in head[2:4] else 4  # bytes of a place in the file
        self._found: dict[int, tuple[int, int, bytes]] = {}
        self._bytes = self._numbers = self._fractions = 0
        pointers = self._directory(self._number(head[self._word : 2 * self._word]), first=True)
        for pointer in pointers:
            for inner in self._directory(pointer):
                self._directory(inner)

    def _number(self, data: bytes) -> int:
        return int.from_bytes(data, self._order)

    def _directory(self, place: int, *, first: bool = False) -> list[int]:
        """Read one directory; return where the directories of EXIF stand that it points to."""
        wide = self._word
        self._stream.seek(min(place, self._end))
        head = self._stream.read(8 if wide == 8 else 2)
        count = self._number(head) if 8 <= place < self._end - len(head) else 0
        require_within(self._subject, (count, limits.TIFF_ENTRIES, "tags in a TIFF directory"))
        size = 4 + 2 * wide
        entries = self._stream.read(count * size)
        if first and not (count and len(entries) == count * size):
            raise unreadable(self._subject, _DAMAGED)
        pointers = []
        for start in range(0, len(entries) - size + 1, size):
            entry = entries[start : start + size]
            tag, kind = self._number(entry[:2]), self._number(entry[2:4])
            many, value = self._number(entry[4 : 4 + wide]), entry[4 + wide :]
            if first and tag in _READ:
                self._remember(tag, kind, many, value)
            if tag not in _PARTS:
                self._count(kind, many)
            if tag in ((_EXIF, _GPS) if first else (_INTEROPERABILITY,)):
                pointers.append(self._number(value))
        return pointers

    def _remember(self, tag: int, kind: int, many: int, value: bytes) -> None:
        if tag in self._found or kind not in _WHOLE or not many:
            raise unreadable(self._subject, _DAMAGED)
        most = limits.TIFF_PARTS if tag in _PARTS else limits.TIFF_NUMBERS
        require_within(self._subject, (many, most, "strips or tiles of a TIFF"))
        self._found[tag] = kind, many, value

    def _count(self, kind: int, many: int) -> None:
        self._bytes += many * _BYTES_OF.get(kind, 0)
        self._numbers += many * (kind in _BYTES_OF and kind not in _BYTES)
        self._fractions += many * (kind in _FRACTIONS)
        require_within(
            self._subject,
            (self._bytes, limits.METADATA_BYTES, "bytes of metadata"),
            (self._numbers, limits.TIFF_NUMBERS, "numbers in its TIFF tags"),
            (self._fractions, limits.TIFF_FRACTIONS, "fractions in its TIFF tags"),
        )

    def __contains__(self, tag: int) -> bool:
        return tag in self._found

    def values(self, tag: int) -> list[int]:
        """Return the values of `tag`, none where it is not there.

        Raises:
            Refusal: `unreadable` where they are not in the file.
        """
        kind, many, value = self._found.get(tag, (3, 0, b""))
        size = _BYTES_OF[kind]
        if many * size > len(value):
            self._stream.seek(min(self._number(value), self._end))
            value = self._stream.read(many * size)
        if many * size > len(value):
            raise unreadable(self._subject, _DAMAGED)
        return [self._number(value[at : at + size]) for at in range(0, many * size, size)]

    def value(self, tag: int, otherwise: int = 0) -> int:
        """Return the first value of `tag`, or `otherwise` where it is not there."""
        return self.values(tag)[0] if tag in self._found else otherwise
