"""Lossless JPEG frames are counted by the bits that their values take, or code by code."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import JPEGLosslessSV1

from edge_runtime.film.dicom import lossless

ROWS, COLUMNS = 70, 66
Array = np.ndarray[Any, Any]
CODES = {size: f"{size:04b}" if size < 12 else f"{size + 12:05b}" for size in range(17)}


def levels_of(precision: int) -> Array:
    """Return levels of any size, the first rows of them a step up and down again."""
    levels = np.random.default_rng(precision).integers(0, 1 << precision, (ROWS, COLUMNS))
    levels[:20] //= 1 << precision - 3
    levels[5, ::2] = (1 << precision) - 1
    levels[5, 1::2] = 0
    return levels


def predicted(levels: Array, row: int, column: int, predictor: int, precision: int) -> int:
    """Return what is predicted of a sample, by T.81, H.1.2.1 and table H.1."""
    if row == column == 0:
        return 1 << precision - 1
    if row == 0:
        return int(levels[0, column - 1])
    above = int(levels[row - 1, column])
    if column == 0:
        return above
    left, corner = int(levels[row, column - 1]), int(levels[row - 1, column - 1])
    return {1: left, 2: above, 3: corner, 4: left + above - corner,
            5: left + (above - corner >> 1), 6: above + (left - corner >> 1),
            7: left + above >> 1}[predictor]  # fmt: skip


def frame(predictor: int, precision: int) -> tuple[bytes, int, int]:
    """Return a frame of `levels_of`, and begin and end of its codes."""
    levels, bits = levels_of(precision), []
    for row, column in np.ndindex(ROWS, COLUMNS):
        guess = predicted(levels, row, column, predictor, precision)
        difference = (int(levels[row, column]) - guess + 32767) % 65536 - 32767
        size = abs(difference).bit_length()
        bits.append(CODES[size])
        if 0 < size < 16:
            extra = difference if difference > 0 else difference + (1 << size) - 1
            bits.append(f"{extra:0{size}b}")
    text = "".join(bits)
    data = int(text + "1" * (-len(text) % 8), 2).to_bytes(-(-len(text) // 8), "big")
    counts = [0, 0, 0, 12, 5] + [0] * 11
    size_of_it = struct.pack(">HBHHB", 11, precision, ROWS, COLUMNS, 1) + b"\1\x11\0"
    head = b"\xff\xd8\xff\xc3" + size_of_it
    head += b"\xff\xc4" + struct.pack(">H", 19 + 17) + b"\0" + bytes(counts) + bytes(range(17))
    head += b"\xff\xda\0\x08\1\1\0" + bytes([predictor, 0, 0])
    data = data.replace(b"\xff", b"\xff\0")
    return head + data + b"\xff\xd9", len(head), len(head) + len(data)


def values_of(stream: bytes, precision: int) -> Array:
    kind = "u1" if precision <= 8 else "u2"
    film = Dataset()
    film.Rows, film.Columns, film.SamplesPerPixel = ROWS, COLUMNS, 1
    film.PhotometricInterpretation, film.PixelRepresentation = "MONOCHROME2", 0
    film.BitsAllocated = 8 * np.dtype(kind).itemsize
    film.BitsStored, film.HighBit = precision, precision - 1
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    film.PixelData = encapsulate([stream])
    film["PixelData"].VR = "OB"
    film["PixelData"].is_undefined_length = True
    decoder = get_decoder(JPEGLosslessSV1)
    return decoder.as_array(film, raw=True, decoding_plugin="pylibjpeg")[0]


@pytest.mark.parametrize("precision", [8, 12, 16])
@pytest.mark.parametrize("predictor", range(1, 8))
def test_values_take_as_many_bits_as_their_codes(
    predictor: int, precision: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lossless, "MOST_CODES", 0)  # so that the values alone tell
    stream, start, end = frame(predictor, precision)
    values = values_of(stream, precision)
    assert np.array_equal(values, levels_of(precision))
    assert lossless.holds_its_samples(stream, start, end, values)
    longer = stream[:end] + b"\x11\x11\x11" + stream[end:]
    assert not lossless.holds_its_samples(longer, start, end + 3, values)
    assert not lossless.holds_its_samples(stream, start, end - 3, values)


def test_codes_are_walked_by_where_values_do_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, start, end = frame(1, 12)
    unlike = np.zeros((ROWS, COLUMNS), "u2")
    assert lossless.holds_its_samples(stream, start, end, unlike)
    assert not lossless.holds_its_samples(stream, start, end - 9, unlike)
    monkeypatch.setattr(lossless, "MOST_CODES", ROWS * COLUMNS - 1)
    assert not lossless.holds_its_samples(stream, start, end, unlike)
