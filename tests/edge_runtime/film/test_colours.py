"""Pictures of any kind keep their colours: channels are stretched alike, and none is cut off."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from edge_runtime.errors import Refusal
from edge_runtime.film.preprocess import film_pixels, standard

PICTURES = standard(64, 64, 3, "other")


def seen(levels: np.ndarray) -> np.ndarray:
    """Return what a graph of three channels sees of `(64, 64, 3)` levels."""
    pixels = film_pixels(Image.fromarray(levels.astype(np.uint8)), PICTURES)
    return np.frombuffer(pixels, np.uint8).reshape(64, 64, 3).astype(int)


def coloured(low: int, high: int) -> np.ndarray:
    """Return levels from `low` to `high`, in each channel another pattern."""
    ramp = np.linspace(low, high, 64 * 64).round().reshape(64, 64)
    return np.stack([ramp, ramp[::-1], ramp.T], axis=-1)


def test_a_picture_that_uses_all_levels_stays_as_it_is() -> None:
    assert (seen(coloured(0, 255)) == coloured(0, 255)).all()


def test_the_channels_of_a_pale_picture_are_stretched_alike() -> None:
    stretched = 255 * (coloured(100, 151) - 100) / 51
    assert np.abs(seen(coloured(100, 151)) - stretched).max() <= 0.5


def test_light_of_one_colour_on_black_is_not_cut_off() -> None:
    blue = coloured(0, 255) * (0, 0, 1)  # as of a stain that glows; its grey ends at 29
    assert (seen(blue) == blue).all()


def test_an_even_shade_of_any_colour_is_blank() -> None:
    with pytest.raises(Refusal, match="one even shade"):
        seen(np.full((64, 64, 3), (200, 20, 20)))


def test_a_crack_of_few_pixels_is_no_even_shade() -> None:
    tile = np.full((64, 64, 3), (180, 140, 120))
    tile[30, 20:40] = 30
    assert seen(tile)[30, 30].max() == 0
