"""Whether an RLE frame has as many bytes as its pixels need (PS3.5 annex G).

A decoder takes what it needs of segments that are too long, as those of a damaged frame may be.
"""

from __future__ import annotations

import struct

_HEADER = 64  # bytes: the number of segments, and where each begins


def holds(frame: bytes, pixels: int) -> bool:
    """Tell whether each segment unpacks to a byte for each of `pixels`, and to nothing more."""
    if len(frame) < _HEADER:
        return False
    count, *starts = struct.unpack_from("<16L", frame)
    starts = starts[:count]
    ends = [*starts[1:], len(frame)]
    return all(
        _HEADER <= start < end and _unpacks_to(frame[start:end], pixels)
        for start, end in zip(starts, ends, strict=True)
    )


def _unpacks_to(segment: bytes, size: int) -> bool:
    """Walk the runs: a byte up to 127 is followed by one byte more than it says, as they are.

    One above 128 is followed by a byte that stands for 257 less that number (annex G.3.1).
    """
    place, length = 0, len(segment)
    while size > 0 and place < length:
        code = segment[place]
        if code < 128:
            size -= code + 1
            place += code + 2
        else:
            size -= 257 - code if code > 128 else 0
            place += 2 if code > 128 else 1
    # A segment has an even number of bytes.
    return size == 0 and place <= length and length - place <= 1
