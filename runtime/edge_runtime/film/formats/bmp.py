"""BMP files: their header. Run-length encoded ones are not read: a few bytes stand for any picture.

On the cold path.
"""

from __future__ import annotations

from edge_runtime.film.refuse import judge_size, unread_kind, unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from edge_runtime.bundle.records import Preprocess

_FILE_HEADER, _LONGEST = 14, 124  # bytes, BITMAPFILEHEADER and BITMAPV5HEADER
_CORE_HEADER = 12  # bytes of the oldest one, of OS/2, whose sizes have 2 bytes each
_HEADERS = (_CORE_HEADER, 40, 52, 56, 64, 108, 124)
_UNCOMPRESSED, _BIT_FIELDS = 0, 3


def judge(stream: BinaryIO, subject: str, preprocess: Preprocess) -> BinaryIO:
    """Return `stream`, at its beginning, if its header is one whose pixels are read.

    Raises:
        Refusal: `unreadable`, `too_small` or `too_large`.
    """
    header = stream.read(_FILE_HEADER + _LONGEST)[_FILE_HEADER:]
    stream.seek(0)

    def number(place: int, size: int = 4) -> int:
        return int.from_bytes(header[place : place + size], "little")

    if number(0) not in _HEADERS or len(header) < number(0):
        raise unreadable(subject, "its BMP header is damaged or torn off")
    if number(0) == _CORE_HEADER:
        judge_size(number(4, 2), number(6, 2), subject, preprocess)
        return stream
    if number(16) not in (_UNCOMPRESSED, _BIT_FIELDS):
        raise unread_kind(subject, "a compressed BMP")
    # A negative height says that the first row stands first.
    judge_size(number(4), min(number(8), 2**32 - number(8)), subject, preprocess)
    return stream
