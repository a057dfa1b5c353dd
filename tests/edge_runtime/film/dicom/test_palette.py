"""A segmented palette that unfolds without end is refused before it is unfolded."""

from __future__ import annotations

import struct

import numpy as np
import pytest

import hostile_dicom as raw
from edge_runtime.film import limits
from edge_runtime.film.dicom import shades
from film_refusals import refusal_of
from hostile_dicom import element, film
from odd_headers import RECIPE, shown

EXCESS = f"a palette of more than {limits.MOST_ENTRIES} entries or {limits.MOST_SEGMENTS} segments"


def palette(segments: bytes, bits: int) -> bytes:
    """Return a film whose red, green and blue are all of these segments."""
    descriptors = element(0x00281101, "US", raw.us(256, 0, bits))
    data = (element(0x00281221 + colour, "OW", segments) for colour in range(3))
    return film(late=descriptors + b"".join(data), kind=b"PALETTE COLOR")


def words(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}H", *numbers)


ONE = words(0, 1, 5)  # an entry as it is
ENDLESS = {
    "long lines": palette(ONE + words(1, 65535, 9) * 2, 16),
    "long lines of 8 bits": palette(b"\0\1\5" + b"\1\xff\7" * 300, 8),
    "short lines": palette(ONE + words(1, 1, 9) * 1024, 16),
    "segments of nothing": palette(ONE + words(0, 0) * 1024, 16),
    "one that repeats itself": palette(ONE + words(2, 0, 3, 0), 16),
    "one that repeats many": palette(ONE + words(1, 9, 9) * 500 + words(2, 501, 0, 0) * 2, 16),
    "each repeats those before": palette(
        ONE + b"".join(words(2, 2 + number, 0, 0) for number in range(20)), 16),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDLESS)
def test_an_endless_palette_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(shades, "apply_color_lut")
    refusal = refusal_of(ENDLESS[name], RECIPE)
    assert refusal is not None
    assert (refusal.reason, refusal.problem) == ("unreadable", EXCESS)


@pytest.mark.parametrize(
    "broken",
    [b"", b"\0", words(7, 1, 1), words(2, 1, 0), words(0)],
    ids=["nothing", "a byte", "no such segment", "an offset torn off", "torn off"],
)
def test_a_broken_palette_is_damage(broken: bytes) -> None:
    refusal = refusal_of(palette(broken, 16), RECIPE)
    assert refusal is not None
    assert refusal.problem.endswith("is missing or not understood")


def test_a_legal_one_is_shown() -> None:
    line = palette(words(0, 1, 0, 1, 255, 65280), 16)
    grey = shown(film()) if (shown(line).ndim == 2) else np.stack([shown(film())] * 3, 2)
    assert np.abs(shown(line) - grey).max() <= 1
    repeated = palette(words(0, 2, 0, 256, 1, 62, 16000, 2, 1, 4, 0, 1, 130, 65280), 16)
    assert refusal_of(repeated, RECIPE) is None
