"""Normalising grey levels: independent of the exposure and of the number of bits stored.

On the cold path of `edge-run`.
"""

from __future__ import annotations

from math import isfinite

from edge_runtime.bundle.records import BY_CHANNELS, UNSTRETCHED
from edge_runtime.errors import Refusal
from edge_runtime.film.decode import WIDE
from edge_runtime.film.refuse import unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import Image

    from edge_runtime.bundle.records import Preprocess

_NEARLY = 5  # grey levels from either end, 2 % of all: what is coded with losses is not exact


def normalise(
    image: Image.Image, subject: str, preprocess: Preprocess, sample: Image.Image | None = None
) -> Image.Image:
    """Return `image` as 8-bit grey or RGB with its percentiles stretched to 0 and 255.

    With grey levels `g` and their percentiles `low`, `high`, each level becomes
    `round(255 * (g - low) / (high - low))`, clipped to 0..255: a film's answer does not depend on
    the exposure or on the number of bits it was stored with. Where `preprocess` stretches nothing,
    8-bit levels stay what they are. Where it has a `local_radius`, `local_contrast` follows.

    Raises:
        Refusal: `blank` when the percentiles lie too close, or nearly all pixels of `sample`, which
            are some of the film's own, become black or white.
    """
    eight_bits = _to_eight_bits(image, subject, preprocess)
    image = eight_bits(image)
    table = _stretching(image, subject, preprocess)
    if sample is not None and preprocess.max_saturated is not None:
        share = _saturated(eight_bits(sample), table)
        if share > preprocess.max_saturated:
            problem = f"{share:.0%} of it is black or white, as under the window of another film"
            raise Refusal("blank", subject, problem, "export the film with a window of its own")
    if preprocess.stretch != UNSTRETCHED:
        image = image.point(table * len(image.getbands()))
    if preprocess.local_radius is not None:
        # Here, so that nobody whose bundle does not ask for it waits for its imports.
        from edge_runtime.film.local_contrast import local_contrast

        # The record has all three or none; the types alone cannot tell.
        gain, floor = preprocess.local_gain or 1, preprocess.local_floor or 1
        image = local_contrast(image, preprocess.local_radius, gain, floor)
    return image if preprocess.channels == len(image.getbands()) else image.convert("RGB")


def _saturated(picture: Image.Image, table: list[int]) -> float:
    """Return the share of the pixels that `table` makes black or white, 0 to 1.

    The most frequent level between them is left out: it may be a frame around the film.
    """
    counts = _levels(picture)
    between = [
        count for count, level in zip(counts, table, strict=True) if _NEARLY < level < 255 - _NEARLY
    ]
    frame = max(between, default=0)
    return 1 - (sum(between) - frame) / max(1, sum(counts) - frame)


def _levels(picture: Image.Image) -> list[int]:
    """Return how many pixels have each of the 256 grey levels."""
    return (picture if picture.mode == "L" else picture.convert("L")).histogram()


def _stretching(image: Image.Image, subject: str, preprocess: Preprocess) -> list[int]:
    """Return the table of 256 levels that stretches the percentiles of `image` to 0 and 255.

    They are those of its grey, or the outermost of its channels.

    Raises:
        Refusal: `blank` when they lie too close.
    """
    histograms = [_levels(image)]
    if preprocess.stretch == BY_CHANNELS:
        levels = image.histogram()
        histograms = [levels[first : first + 256] for first in range(0, len(levels), 256)]
    lows = [percentile(levels, preprocess.low_percentile) for levels in histograms]
    highs = [percentile(levels, preprocess.high_percentile) for levels in histograms]
    if max(map(int.__sub__, highs, lows)) < preprocess.min_contrast:
        raise _blank(subject)
    low, high = min(lows), max(highs)
    span = high - low
    # floor((2a + b) / 2b) is a / b rounded half up, in exact integers.
    ramp = [(2 * 255 * grey + span) // (2 * span) for grey in range(span)]
    return [0] * low + ramp + [255] * (256 - high)


def _to_eight_bits(
    image: Image.Image, subject: str, preprocess: Preprocess
) -> Callable[[Image.Image], Image.Image]:
    """Return what makes 8 bits of `image`, and of a picture of some of its pixels."""
    if image.mode not in WIDE:
        return lambda picture: picture
    scale, offset = _scaling(image, subject, preprocess)
    return lambda picture: (
        picture.convert("F").point(lambda grey: grey * scale + offset).convert("L")
    )


def _scaling(image: Image.Image, subject: str, preprocess: Preprocess) -> tuple[float, float]:
    """Return scale and offset to 8 bits for a wide image, whose levels may lie anywhere."""
    least = preprocess.min_contrast if image.mode != "F" else 0  # of floats nobody knows the unit
    levels = sorted(memoryview(image.convert("F").tobytes()).cast("f"))
    if not isfinite(sum(levels)):
        raise unreadable(subject, "holds values that are not numbers")
    last = len(levels) - 1
    low = levels[round(last * preprocess.low_percentile / 100)]
    high = levels[round(last * preprocess.high_percentile / 100)]
    if high == low or high - low < least:
        raise _blank(subject)
    scale = 255 / (high - low)
    return scale, 0.5 - low * scale


def percentile(histogram: list[int], percent: float) -> int:
    """Return the smallest grey level with at least `percent` per cent of the pixels at or below."""
    least = sum(histogram) * percent / 100
    seen = 0
    for grey, count in enumerate(histogram):
        seen += count
        if seen >= least and seen:
            return grey
    return len(histogram) - 1


def _blank(subject: str) -> Refusal:
    return Refusal(
        "blank", subject, "one even shade, no picture", "check the exposure or the export"
    )
