"""Local normalisation: how far each level lies from those around it, in units of their spread.

What differs from scanner to scanner and from hospital to hospital (exposure, contrast, a window,
the fall of brightness to the edge) is slow in space, and is taken away; edges of ribs, vessels and
what lies in the lungs remain. All is done in Pillow's integers, so that a trainer on one processor
and a box with another get the same bytes.

On the cold path of `edge-run` for bundles that ask for it, and imported for no others.
"""

from __future__ import annotations

from PIL import ImageChops, ImageFilter, ImageMath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from PIL import Image

_MIDDLE = 128  # what a level like those around it becomes


def local_contrast(image: Image.Image, radius: int, gain: int, floor: int) -> Image.Image:
    """Return 8-bit grey `image` with each level `g` as `128 + gain * (g - m) / (d + floor)`.

    `m` is the mean of the levels around it, `d` that of their distances `|g - m|`, each under two
    box filters of `2 * radius + 1` pixels a side, which together weigh like a tent; at the edge the
    outermost pixel counts for what lies beyond. The quotient loses its fraction (rounds towards
    zero), `g - m` is cut off at -128 and 127, and the result at 0 and 255. `floor` keeps an even
    field even: noise of a level or two is not blown up.
    """
    mean = _around(image, radius)
    apart = ImageChops.subtract(image, mean, 1, _MIDDLE)
    spread = _around(ImageChops.difference(image, mean), radius)

    def quotient(operands: Any) -> Any:
        level = (operands["apart"] - _MIDDLE) * gain / (operands["spread"] + floor) + _MIDDLE
        return operands["convert"](level, "L")

    picture: Image.Image = ImageMath.lambda_eval(quotient, apart=apart, spread=spread)
    return picture


def _around(image: Image.Image, radius: int) -> Image.Image:
    box = ImageFilter.BoxBlur(radius)
    return image.filter(box).filter(box)
