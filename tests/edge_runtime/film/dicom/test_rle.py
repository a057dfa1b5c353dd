"""RLE frames are unpacked in C to what their runs say, or not at all."""

from __future__ import annotations

import random
import struct
from io import BytesIO

import numpy as np
import pydicom
import pytest
from pydicom.encaps import get_frame
from pydicom.pixels.utils import pixel_array
from pydicom.uid import RLELossless

import hostile_dicom as raw
from dicom_films import dicom_film
from edge_runtime.film.dicom import rle
from film_refusals import reason_of
from hostile_dicom import GREY, film, fragments
from odd_headers import shown


def frame(*segments: bytes) -> bytes:
    starts, place = [], 64
    for segment in segments:
        starts.append(place)
        place += len(segment)
    starts += [0] * (15 - len(starts))
    return struct.pack("<16L", len(segments), *starts) + b"".join(segments)


def unpacked(segment: bytes, size: int) -> bytes | None:
    """Return what the runs of a segment say, by annex G.3, None where they are not of `size`."""
    out, place = bytearray(), 0
    while len(out) < size and place < len(segment):
        code = segment[place]
        if code < 128:
            out += segment[place + 1 : place + 2 + code]
            place += code + 2
        elif code > 128:
            out += segment[place + 1 : place + 2] * (257 - code)
            place += 2
        else:
            place += 1
    whole = len(out) == size and place <= len(segment) <= place + 1
    return bytes(out) if whole else None


def test_every_segment_unpacks_to_what_its_runs_say_or_to_nothing() -> None:
    chance, whole = random.Random(5), 0
    for _ in range(3000):
        segment = bytearray()
        for _ in range(chance.randrange(6)):
            code = chance.choice([0, 1, 3, 127, 128, 129, 255, chance.randrange(256)])
            segment.append(code)
            segment += chance.randbytes(code + 1 if code < 128 else int(code > 128))
        segment += chance.choice([b"", b"", b"\0", b"\x80", b"\x05a", b"\0\0\0"])
        size = sum(c + 1 for c in segment[:1]) or 1
        for of in {size, max(1, len(segment)), 3}:
            right = unpacked(bytes(segment), of)
            row = rle._unpacked(memoryview(bytes(segment)), of)
            assert (None if row is None else row.tobytes()) == right
            whole += right is not None
    assert whole > 100


@pytest.mark.parametrize(
    ("samples", "bits", "signed"),
    [(1, 8, 0), (1, 8, 1), (1, 12, 0), (1, 12, 1), (1, 16, 0), (1, 16, 1), (3, 8, 0), (3, 16, 0)],
)
def test_values_are_those_that_pydicom_gives(samples: int, bits: int, signed: int) -> None:
    levels = GREY.astype("u1" if bits == 8 else "u2") << max(0, bits - 8)
    levels = np.stack([levels, levels // 2, levels // 3], 2) if samples == 3 else levels
    kind = levels.view(levels.dtype.str.replace("u", "i")) if signed else levels
    data = pydicom.dcmread(BytesIO(dicom_film(kind, BitsStored=bits)))
    data.compress(RLELossless, encoding_plugin="pydicom")
    data.PixelData = bytes(data.PixelData)
    whole = pixel_array(data, raw=True, decoding_plugin="pydicom")
    values = rle.stored_values(get_frame(data.PixelData, 0, number_of_frames=1), data)
    assert values is not None
    assert values.dtype == whole.dtype
    assert np.array_equal(values, whole)


LITERALS = b"".join(b"\0" + bytes([level]) for level in GREY.tobytes())
SHORT = {
    "one pixel less": frame(LITERALS[:-2]),
    "one pixel more": frame(LITERALS + b"\0a"),
    "a bomb": frame(b"\x81a" * 100_000),
    "nothing but no-ops": frame(b"\x80" * 10_000),
    "no segments": struct.pack("<16L", 1, 64, *[0] * 14),
    "segments in one another": struct.pack("<16L", 2, 64, 64, *[0] * 13) + LITERALS,
    "a segment before its header": struct.pack("<16L", 2, 64, 8, *[0] * 13) + LITERALS,
}


@pytest.mark.parametrize("name", SHORT)
def test_a_frame_that_is_not_of_its_size_is_refused(name: str) -> None:
    assert reason_of(film(pixels=fragments(SHORT[name]), syntax=raw.RLE)) == "unreadable"


def test_literals_of_one_byte_are_what_they_say() -> None:
    data = film(pixels=fragments(frame(LITERALS)), syntax=raw.RLE)
    assert np.array_equal(shown(data), shown(film()))


def test_the_largest_frame_of_literals_is_read() -> None:
    side = 4000
    data = film(pixels=fragments(frame(b"\0A" * side**2)), syntax=raw.RLE, side=side)
    assert reason_of(data) == "blank"
