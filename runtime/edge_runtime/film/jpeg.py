"""JPEG code streams that are not whole, which decoders fill with grey or noise instead of refusing.

For JPEG, lossless JPEG (ITU-T T.81) and JPEG-LS (T.87), alone in a file or as a frame of DICOM. On
the cold path, where an intact film costs two searches of its bytes.
"""

from __future__ import annotations

import re
from itertools import islice

from edge_runtime.film import limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Stretch = tuple[int, int, int]
    """Begin and end of a stretch of entropy-coded data, and the marker that ends it."""

    Decode = Callable[[bytes], object]
    """From a code stream to its pixels, or to a digest of them."""

HOLE = 32
"""Zero bytes in a row that are looked into: the scans of 1,828 real films have at most 4.

Flat areas of one shade may have more where tables are optimised, and in lossless JPEG."""

_LONGEST_FILL = 16
"""Bytes 0xFF before a marker: more are data that were erased, though any number may stand there."""

_MOST_CHECKED = 3  # stretches, those with the longest runs of zeros: each is decoded up to 3 times
_TAIL = 8  # bytes at the end of a stretch that are exchanged to see whether they matter
_JUNK = b"\x55\x2a" * 24  # codes of blocks, and no marker
FRAMES = (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))
"""Markers of a frame, whose segment has the size of the picture (T.81, B.1.1.3)."""

START_OF_SCAN = 0xDA
_TABLES, _END, _FILL = 0xDB, 0xD9, 0xFF
_PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
_RESTART = range(0xD0, 0xD8)
# What may stand after a scan (T.81, B.2): tables, a scan, comments, application data, the height.
_AFTER_SCAN = (0xC4, 0xCC, 0xD9, 0xDA, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0))
# In entropy-coded data a 0 follows 0xFF; before a marker, more of these may stand. A pattern that
# began with more than one byte would take ten times as long.
_MARKER = re.compile(rb"\xff(?:[^\x00\xff]|\xff+[^\x00\xff])")
# JPEG-LS puts a single 0 bit there instead (T.87, A.1), so what is no marker is below 0x80, and two
# of 0xFF are neither. It has segments of its own (T.87, C.1.1).
_LS_MARKER = re.compile(rb"\xff[\x80-\xff]")
_LS_FRAME, _LS_AFTER_SCAN = 0xF7, 0xF8


def damage(data: bytes, stretches: Iterable[Stretch] | None = None) -> str:
    """Return what the structure of a code stream says against it, or nothing.

    Each scan has to end with a marker that may stand there, the last one with the end marker, and
    no restart marker may be missing. `stretches` are its `counted_scans`, where they are known.
    """
    expected = None
    for count, (_, end, marker) in enumerate(stretches or scans(data), start=1):
        if count > limits.JPEG_MARKERS:
            return f"holds more restart markers than the {limits.JPEG_MARKERS} that are read"
        if marker == 0:
            return "its JPEG data are torn off"
        if data.startswith(bytes([_FILL]) * _LONGEST_FILL, end):
            return "a part of its JPEG data was erased"
        if marker in _RESTART:
            if marker != (expected or marker):
                return "a part of its JPEG data is missing"
            expected = _RESTART[(marker - _RESTART[0] + 1) % len(_RESTART)]
        elif marker in _AFTER_SCAN or marker == _LS_AFTER_SCAN:
            expected = None
        else:
            return "its JPEG data are damaged"
    return ""


def counted_scans(data: bytes) -> list[Stretch]:
    """Return the stretches of `scans`, at most one more than `limits.JPEG_MARKERS`."""
    return [*islice(scans(data), limits.JPEG_MARKERS + 1)]


def scans_problem(data: bytes, stretches: Iterable[Stretch] | None = None) -> str:
    """Return which limit the scans of a code stream are beyond, or nothing.

    Each of them takes a decoder through every block of the picture, however few bytes it has. It
    costs a search of the bytes, where its `counted_scans` are not known; none is decoded.
    """
    count = 0
    for _, _, marker in stretches or counted_scans(data):
        count += marker not in _RESTART
        if count > limits.JPEG_SCANS:
            return f"holds more JPEG scans than the {limits.JPEG_SCANS} that are read"
    if count <= 1:
        return ""
    sizes = (frame_size(data, begin) for kind, begin, _ in segments(data) if kind in FRAMES)
    width, height = next(sizes, (0, 0))
    if count * width * height > limits.JPEG_SCANNED_PIXELS:
        most = limits.JPEG_SCANNED_PIXELS // (width * height)
        return f"holds {count} JPEG scans, of its size at most {most} are read"
    return ""


def frame_size(data: bytes, begin: int) -> tuple[int, int]:
    """Return width and height, in pixels, of the frame whose segment has its length at `begin`."""
    height, width = data[begin + 3 : begin + 5], data[begin + 5 : begin + 7]
    return int.from_bytes(width, "big"), int.from_bytes(height, "big")


def keeps_coefficients(data: bytes) -> bool:
    """Tell whether a decoder keeps all coefficients until the last scan, 2 bytes each.

    It does in a progressive code stream, and where the first scan has not all the components.
    """
    components = 0
    for kind, begin, _ in segments(data):
        if kind in _PROGRESSIVE:
            return True
        if kind in FRAMES:
            components = data[begin + 7]
        if kind == START_OF_SCAN:
            return data[begin + 2] < components
    return False


def runs_out(data: bytes, decode: Decode) -> bool:
    """Tell whether a code stream without `damage` ends before its picture does.

    Decoders fill the rest with one shade. What they would read, were there more, tells it from a
    picture that ends so. It costs two decodings: to be asked where the end is of one shade, after
    `is_overwritten`, which has looked for the same wherever it looked into the last stretch.
    """
    *_, (start, end, _) = scans(data)
    if bytes(HOLE) in data and (start, end) in with_holes(data):
        return False
    return decode(data[:end] + _JUNK + data[end:]) != decode(data)


def is_overwritten(data: bytes, decode: Decode) -> bool:
    """Tell whether a part of a code stream without `damage` is zeros that no encoder wrote.

    A decoder takes them for some number of blocks, seldom for as many as were there. So it is asked
    whether it uses the last bytes of their stretch, and none beyond.
    """
    stretches = with_holes(data) if bytes(HOLE) in data else []
    data = _amplified(data) if stretches else data
    pixels = decode(data) if stretches else None
    return not all(_is_used_to_its_end(data, *stretch, decode, pixels) for stretch in stretches)


def with_holes(data: bytes) -> list[tuple[int, int]]:
    """Return begin and end of the stretches with the longest runs of zeros, if these are long."""
    runs = sorted((_longest_run(data, start, end), start, end) for start, end, _ in scans(data))
    most = _MOST_CHECKED
    for kind, begin, _ in segments(data):
        if kind in FRAMES:
            width, height = frame_size(data, begin)
            most = min(most, limits.JPEG_LOOKED_INTO_PIXELS // (width * height or 1))
    return [(start, end) for run, start, end in runs[-max(1, most) :] if run >= HOLE]


def _is_used_to_its_end(data: bytes, start: int, end: int, decode: Decode, pixels: object) -> bool:
    if decode(data[:end] + _JUNK + data[end:]) != pixels:
        return False
    if any(kind in _PROGRESSIVE for kind, _, _ in segments(data)):
        return True  # the end of a scan that adds little to others may change nothing
    tail = max(start, end - _TAIL)
    # Neither is a marker, or needs a 0 after it; each byte becomes another.
    changed = bytes(0x2A if byte == 0x55 else 0x55 for byte in data[tail:end])
    # Some decoders see no difference in what is changed, others in what is missing.
    return any(decode(data[:tail] + ending + data[end:]) != pixels for ending in (changed, b""))


def _amplified(data: bytes) -> bytes:
    """Return the code stream with tables that show the least change of a coefficient.

    The average of a block (the first value of each table, T.81, B.2.4.1) is made small instead, so
    that black and white hide nothing.
    """
    shown = bytearray(data)
    for kind, begin, end in segments(data):
        place = begin + 2
        while kind == _TABLES and place < end and data[place] < 16:  # of 8 bits a value
            shown[place + 1 : place + 65] = b"\1" + b"\xff" * 63
            place += 65
    return bytes(shown)


def _longest_run(data: bytes, start: int, end: int) -> int:
    """Return how many zeros stand in a row, if `HOLE` or more do, in one pass of the bytes."""
    if data.find(bytes(HOLE), start, end) < 0:
        return 0
    longest, after = 0, start
    no_zero = re.compile(rb"[^\x00]")  # here, as few films ask for it
    while (place := data.find(bytes(max(HOLE, longest + 1)), after, end)) >= 0:
        match = no_zero.search(data, place, end)
        after = match.start() if match else end
        longest = after - place
    return longest


def segments(data: bytes, place: int = 2) -> Iterator[tuple[int, int, int]]:
    """Yield the kind of each marker segment, and begin and end of what is in it, to the first scan.

    The begin is that of the length, which is the first part of it (T.81, B.1.1.4). At most one more
    than `limits.JPEG_SEGMENTS` come, and none after a long stretch of fill bytes.
    """
    for _ in range(limits.JPEG_SEGMENTS + 1):
        head = data[place : place + 4]
        if head[:2] == b"\xff\xff":
            if data.startswith(bytes([_FILL]) * _LONGEST_FILL, place):
                return
            while data[place + 1 : place + 2] == b"\xff":
                place += 1
            head = data[place : place + 4]
        if len(head) < 4 or head[0] != _FILL or head[1] == _END:
            return
        end = place + 2 + int.from_bytes(head[2:], "big")
        yield head[1], place + 2, end
        if head[1] == START_OF_SCAN:
            return
        place = end


def scans(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield begin and end of each stretch of entropy-coded data, and the marker that ends it.

    The marker is 0 where the data end without one, or no scan begins; the last one is the end
    marker of a code stream that is whole.
    """
    place, marker_after, marker = 2, _MARKER, 0
    while True:
        kind = 0
        for kind, _, end in segments(data, place):
            marker_after = _LS_MARKER if kind == _LS_FRAME else marker_after
            place = end
        if kind != START_OF_SCAN:
            break
        for start, place, marker in _stretches(data, place, marker_after):  # noqa: B020
            yield start, place, marker
        if marker in (0, _END):
            return
    if not marker or data[place : place + 2] != b"\xff\xd9":
        yield place, place, 0


def _stretches(
    data: bytes, place: int, marker_after: re.Pattern[bytes]
) -> Iterator[tuple[int, int, int]]:
    """Yield the stretches of one scan, which restart markers part."""
    marker = _RESTART[0]
    while marker in _RESTART:
        match = marker_after.search(data, place)
        marker = data[match.end() - 1] if match else 0
        yield place, match.start() if match else len(data), marker
        place = match.end() if match else len(data)
