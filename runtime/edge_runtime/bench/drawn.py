"""Films that are drawn for a measurement where no folder of real ones is named."""

from __future__ import annotations

from PIL import Image, ImageFilter


def draw(side: int) -> Image.Image:
    """Return a grey picture of `side` x `side` pixels, as hard to decode as a film is."""
    grain = Image.effect_noise((side, side), 24).filter(ImageFilter.GaussianBlur(1))
    shape = Image.radial_gradient("L").resize((side, side))
    return Image.blend(shape, grain, 0.3)
