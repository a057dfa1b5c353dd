"""An encoder of lossless JPEG, which no package at hand has."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def lossless_jpeg(levels: Array, bits: int) -> bytes:
    """Return `levels`, `(height, width)`, as lossless JPEG of predictor 1 (ITU-T T.81, annex H).

    Its table has codes of 1, 2, 3 ... bits, the shortest for the category that is most frequent.
    """
    height, width = levels.shape
    differences = _differences(levels.astype(int), bits).ravel()
    categories = np.array([abs(int(one)).bit_length() for one in differences])
    counts = np.bincount(categories, minlength=17)
    order = [int(one) for one in np.argsort(-counts, kind="stable") if counts[one]]
    codes = {category: "1" * place + "0" for place, category in enumerate(order)}
    coded = "".join(
        codes[category] + _extra(int(difference), category)
        for category, difference in zip(categories.tolist(), differences, strict=True)
    )
    coded += "1" * (-len(coded) % 8)
    data = int(coded, 2).to_bytes(len(coded) // 8, "big").replace(b"\xff", b"\xff\0")
    frame = struct.pack(">HBHHBBBB", 11, bits, height, width, 1, 1, 0x11, 0)
    lengths = bytes([1] * len(order) + [0] * (16 - len(order)))
    table = struct.pack(">HB", 19 + len(order), 0) + lengths + bytes(order)
    scan = struct.pack(">HBBBBBB", 8, 1, 1, 0, 1, 0, 0)
    return (
        b"\xff\xd8\xff\xc3" + frame + b"\xff\xc4" + table + b"\xff\xda" + scan + data + b"\xff\xd9"
    )


def _differences(levels: Array, bits: int) -> Array:
    """Return each sample less the one before it, or above it at the left end (H.1.2.1)."""
    predicted = np.empty_like(levels)
    predicted[:, 1:] = levels[:, :-1]
    predicted[1:, 0] = levels[:-1, 0]
    predicted[0, 0] = 1 << bits - 1
    return levels - predicted


def _extra(difference: int, category: int) -> str:
    if category == 0:
        return ""
    return format(
        difference if difference > 0 else difference + (1 << category) - 1, f"0{category}b"
    )
