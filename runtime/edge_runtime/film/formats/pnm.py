"""PGM and PPM files: their header, and samples of other ranges than 255 and 65535.

On the cold path. Plain ones, whose pixels are words, are not read: each pixel costs a step of a
Python program. Pillow takes such steps for other ranges as well, so that these are stretched here,
to the very same pixels.
"""

from __future__ import annotations

import re
from io import BytesIO

from PIL import Image

from edge_runtime.film import limits
from edge_runtime.film.refuse import judge_size, require_within, unread_kind, unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from edge_runtime.bundle.records import Preprocess

_SPACE = rb"(?:[ \t-\r]|#[^\r\n]*[\r\n])+"  # a comment stands for a space
_NUMBER = _SPACE + rb"(\d{1,10})"
_HEADER = re.compile(rb"P([56])" + _NUMBER * 3 + rb"[ \t-\r]")
_BYTE, _WORD = 0xFF, 0xFFFF
_ROWS = 1 << 20  # samples that are stretched at a time, at least one row


def judge(stream: BinaryIO, subject: str, preprocess: Preprocess) -> BinaryIO:
    """Return `stream`, at its beginning, or one with its samples in the range that is read quickly.

    Raises:
        Refusal: `unreadable`, `too_small` or `too_large`.
    """
    head = stream.read(limits.PNM_HEADER_BYTES + 1)
    if head[1:2] == b"2":
        raise unread_kind(subject, "a plain PGM, of numbers as text")
    match = _HEADER.match(head)
    if not match:
        require_within(subject, (len(head), limits.PNM_HEADER_BYTES, "bytes of PGM header"))
        raise unreadable(subject, "its PGM header is damaged")
    width, height, most = (int(match[group]) for group in (2, 3, 4))
    judge_size(width, height, subject, preprocess)
    if not 0 < most <= _WORD:
        raise unreadable(subject, f"its greatest level is not from 1 to {_WORD}")
    stream.seek(0)
    grey = match[1] == b"5"
    if most == _BYTE or (grey and most == _WORD):
        return stream
    samples = width * height * (1 if grey else 3)
    require_within(subject, (samples, limits.PNM_STRETCHED_SAMPLES, "samples of that range"))
    stream.seek(match.end())
    return _stretched(stream, width, height, most, grey=grey)


def _stretched(stream: BinaryIO, width: int, height: int, most: int, *, grey: bool) -> BytesIO:
    """Return a file of the same film whose levels reach from 0 to 255, or 65535 if they are words.

    Words in colour become bytes, as Pillow makes them.
    """
    a_sample = 1 if most <= _BYTE else 2
    highest = _WORD if grey and a_sample == 2 else _BYTE
    table = [min(highest, round(level / most * highest)) for level in range(256**a_sample)]
    samples = width * (1 if grey else 3)  # in a row
    film = BytesIO()
    film.write(b"P%d %d %d %d\n" % (5 if grey else 6, width, height, highest))
    rows = max(1, _ROWS // samples)
    for top in range(0, height, rows):
        part = stream.read(min(rows, height - top) * samples * a_sample)
        if a_sample == 1:
            film.write(part.translate(bytes(table)))
        else:
            film.write(_stretched_words(part, table, highest))
    film.seek(0)
    return film


def _stretched_words(part: bytes, table: list[int], highest: int) -> bytes:
    """Return the level in `table` of each sample of 2 bytes, most significant first."""
    count = len(part) // 2
    if not count:
        return b""
    words = Image.frombytes("I", (count, 1), part[: 2 * count], "raw", "I;16B")
    low = words.point([level & _BYTE for level in table], "L")
    if highest == _BYTE:
        return low.tobytes()
    high = words.point([level >> 8 for level in table], "L")
    return Image.merge("LA", (high, low)).tobytes()
