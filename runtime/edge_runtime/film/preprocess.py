"""One image pipeline for trainer, calibration, parity check and clinic.

file -> decoded -> oriented -> grey (or RGB) -> resized -> intensity-normalised `bytes`.

Every parameter is a field of the manifest's `Preprocess`, and none is a constant of the code
below. `Preprocess.version` names the arithmetic itself: whoever changes what these functions
compute raises it, so that a graph is never fed pixels it was not trained on.

This module is on the cold path of `edge-run`.
"""

from __future__ import annotations

import os
import struct
import zlib
from io import BytesIO
from math import isfinite

from PIL import Image

from edge_runtime.bundle.records import Preprocess
from edge_runtime.errors import FilmError, Refusal
from edge_runtime.film.decode import WIDE, decode, load, open_film
from edge_runtime.film.refuse import unreadable
from edge_runtime.film.whole import unwritten_end

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge_runtime.bundle.records import IntendedUse

    Film = str | os.PathLike[str] | bytes | Image.Image
    """A path, an encoded picture in memory, or a decoded one."""

VERSION = 1
STAGES = ("decoded", "oriented", "resized", "normalised")

# What Pillow's decoders raise on hostile or torn input, beside OSError. `Warning` is for programs
# that turn Pillow's into exceptions.
_DECODE_ERRORS = (
    SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError,
    AttributeError, AssertionError, struct.error, zlib.error, Image.DecompressionBombError, Warning,
)  # fmt: skip

# EXIF orientation (tag 0x0112) -> the transposition that undoes it (EXIF 2.32, 4.6.4 A).
_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_GREY = ("L", "1", "LA", *WIDE)
_STRIP = 256  # rows
_SAMPLE = (128, 128)  # pixels that stand for all, where none may be mixed with its neighbours
_SATURATED = 5  # grey levels from either end, 2 % of all: what is coded with losses is not exact
_NO_CHECK_SUM = ("BMP", "DICOM", "PPM", "TIFF")
"""What Pillow and `dicom_image` call formats that store pixels in rows, without a check sum."""


def standard(height: int = 224, width: int = 224, channels: int = 1) -> Preprocess:
    """Return the parameters this project trains with, for a graph of that input."""
    return Preprocess(
        version=VERSION,
        height=height,
        width=width,
        channels=channels,
        resample="bilinear",
        low_percentile=1.0,
        high_percentile=99.0,
        min_side=64,
        max_pixels=50_000_000,
        min_contrast=8,
        max_chroma=14.0,
        max_saturated=0.7,
    )


def film_pixels(
    film: Film,
    recipe: Preprocess,
    use: IntendedUse | None = None,
    warn: Callable[[str], object] = str,
) -> bytes:
    """Return the `height * width * channels` bytes, row by row, that the graph takes for `film`.

    Where `use` is given, a DICOM header has to be within it. `warn` is told what a reader of the
    answer has to know of the film.

    Raises:
        FilmError: the file could not be read from its disk.
        Refusal: any reason but `not_a_film`.
    """
    stages = film_stages(film, recipe, use, warn)
    for _ in range(len(STAGES) - 1):
        next(stages)  # and let go of, or two stages of a large film would be in memory at once
    return next(stages)[1].tobytes()


def film_stages(
    film: Film,
    recipe: Preprocess,
    use: IntendedUse | None = None,
    warn: Callable[[str], object] = str,
) -> Iterator[tuple[str, Image.Image]]:
    """Yield name and picture of each stage of `STAGES`, the last of which `film_pixels` returns.

    Raises:
        FilmError, Refusal: as `film_pixels` does.
    """
    subject = os.fspath(film) if isinstance(film, str | os.PathLike) else "image in memory"
    try:
        if isinstance(film, Image.Image):
            image = load(film, subject, recipe)
        else:
            with BytesIO(film) if isinstance(film, bytes) else open_film(film) as stream:
                image = decode(stream, subject, recipe, use)
        yield "decoded", image
        refuse_unwritten(image, subject, warn)
        image = orient(image)
        yield "oriented", image
        refuse_colour(image, subject, recipe)
        size = (recipe.width, recipe.height)
        image = to_channels(image, recipe.channels)
        sample = image.resize(_SAMPLE, Image.Resampling.NEAREST)
        image = image.resize(size, Image.Resampling[recipe.resample.upper()])
        yield "resized", image
        yield "normalised", normalise(image, subject, recipe, sample)
    except MemoryError as error:
        raise Refusal("too_large", subject, "does not fit in memory", "make it smaller") from error
    except _DECODE_ERRORS as error:
        raise unreadable(subject, f"damaged image ({error})") from error
    except OSError as error:
        # Pillow's decoders raise OSError without an errno; the operating system sets one.
        if error.errno is None:
            raise unreadable(subject, f"damaged image ({error})") from error
        problem = error.strerror or str(error)
        raise FilmError(subject, problem, "check the path, the disk and the rights") from error


def orient(image: Image.Image) -> Image.Image:
    """Return `image` turned upright by its EXIF orientation, if it has one."""
    method = _UPRIGHT.get(image.getexif().get(_ORIENTATION_TAG, 1))
    return image if method is None else image.transpose(method)


def refuse_unwritten(image: Image.Image, subject: str, warn: Callable[[str], object]) -> None:
    """Refuse a picture that breaks off within a row; warn of one that may have between two.

    Raises:
        Refusal: `unreadable` when its last rows were never written.
    """
    if image.format == "BMP":  # which is stored from its last row to its first
        image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        image.format = "BMP"
    end = unwritten_end(image)
    if end is None:
        return
    if end.torn:
        problem = f"breaks off within a row: the {end.rows} after it were never written"
        raise Refusal("unreadable", subject, problem, "copy it again from where it was made")
    if image.format in _NO_CHECK_SUM:
        warn(f"{end.rows} rows at its end are of one shade: a border, or a copy that broke off")


def refuse_colour(image: Image.Image, subject: str, recipe: Preprocess) -> None:
    """Refuse a picture in colour: no film, or the photograph of one.

    Raises:
        Refusal: `colour_photo` when its chroma is above the recipe's.
    """
    if image.mode in _GREY or recipe.max_chroma >= 255 or chroma(image) <= recipe.max_chroma:
        return
    cure = "give the film as the X-ray machine stores it, not a photograph of it"
    raise Refusal("colour_photo", subject, "a picture in colour", cure)


def chroma(image: Image.Image) -> float:
    """Return how far colours lie from grey on average: `mean(|Cb - 128| + |Cr - 128|)`, 0 to 256.

    Taken from a grid of 64 x 64 pixels, Cb and Cr as ITU-R 601 defines them.
    """
    sample = image.resize((64, 64), Image.Resampling.NEAREST)
    counts = to_channels(sample, 3).convert("YCbCr").histogram()
    blue_and_red = zip(counts[256:512], counts[512:], strict=True)
    return sum(abs(level - 128) * (b + r) for level, (b, r) in enumerate(blue_and_red)) / 64**2


def to_channels(image: Image.Image, channels: int) -> Image.Image:
    """Return `image` as grey (1 channel; more than eight bits a pixel are kept) or RGB (3).

    Transparent pixels become black. Grey is ITU-R 601 luma: 0.299 R + 0.587 G + 0.114 B.
    """
    if image.mode in ("I;16", "I", "F"):
        return image
    if image.mode in WIDE:
        return image.convert("I")  # Pillow resizes foreign byte orders without looking at them
    mode = "L" if channels == 1 else "RGB"
    if not image.has_transparency_data:
        return image if image.mode == mode else image.convert(mode)
    opaque = Image.new(mode, image.size)
    for top in range(0, image.height, _STRIP):  # which saves the memory of three copies
        box = (0, top, image.width, min(top + _STRIP, image.height))
        black = Image.new("RGBA", (image.width, box[3] - top), "black")
        black.alpha_composite(image.crop(box).convert("RGBA"))
        opaque.paste(black.convert(mode), box)
    return opaque


def normalise(
    image: Image.Image, subject: str, recipe: Preprocess, sample: Image.Image | None = None
) -> Image.Image:
    """Return `image` as 8-bit grey or RGB with its percentiles stretched to 0 and 255.

    With grey levels `g` and their percentiles `low`, `high`, each level becomes
    `round(255 * (g - low) / (high - low))`, clipped to 0..255: a film's answer does not depend on
    the exposure or on the number of bits it was stored with.

    Raises:
        Refusal: `blank` when the percentiles lie too close, or nearly all pixels of `sample`, which
            are some of the film's own, become black or white.
    """
    stretch = _stretch(image, subject, recipe)
    if sample is not None and recipe.max_saturated is not None:
        counts = stretch(sample).convert("L").histogram()
        share = 1 - sum(counts[_SATURATED + 1 : -_SATURATED - 1]) / sum(counts)
        if share > recipe.max_saturated:
            problem = f"{share:.0%} of it is black or white, as under the window of another film"
            raise Refusal("blank", subject, problem, "export the film with a window of its own")
    image = stretch(image)
    return image if recipe.channels == len(image.getbands()) else image.convert("RGB")


def _stretch(
    image: Image.Image, subject: str, recipe: Preprocess
) -> Callable[[Image.Image], Image.Image]:
    """Return what stretches `image`, and pictures of its pixels, to 8 bits."""
    scale, offset = 1.0, 0.0
    is_wide = image.mode in WIDE
    if is_wide:
        scale, offset = _to_eight_bits(image, subject, recipe)

    def eight_bits(picture: Image.Image) -> Image.Image:
        if not is_wide:
            return picture
        return picture.convert("F").point(lambda grey: grey * scale + offset).convert("L")

    grey = eight_bits(image)
    histogram = (grey if grey.mode == "L" else grey.convert("L")).histogram()
    low = _percentile(histogram, recipe.low_percentile)
    high = _percentile(histogram, recipe.high_percentile)
    if high - low < recipe.min_contrast:
        raise _blank(subject)
    span = high - low
    # floor((2a + b) / 2b) is a / b rounded half up, in exact integers.
    ramp = [(2 * 255 * grey + span) // (2 * span) for grey in range(span)]
    table = [0] * low + ramp + [255] * (256 - high)
    return lambda picture: eight_bits(picture).point(table * len(picture.getbands()))


def _to_eight_bits(image: Image.Image, subject: str, recipe: Preprocess) -> tuple[float, float]:
    """Return scale and offset of a wide image: clipping 16 bits to 8 would leave a white square."""
    least = recipe.min_contrast if image.mode != "F" else 0  # whose unit nobody knows
    levels = sorted(memoryview(image.convert("F").tobytes()).cast("f"))
    if not isfinite(sum(levels)):
        raise unreadable(subject, "holds values that are not numbers")
    last = len(levels) - 1
    low = levels[round(last * recipe.low_percentile / 100)]
    high = levels[round(last * recipe.high_percentile / 100)]
    if high == low or high - low < least:
        raise _blank(subject)
    scale = 255 / (high - low)
    return scale, 0.5 - low * scale


def _percentile(histogram: list[int], percent: float) -> int:
    """Return the smallest grey level with at least `percent` per cent of the pixels at or below."""
    wanted = sum(histogram) * percent / 100
    seen = 0
    for grey, count in enumerate(histogram):
        seen += count
        if seen >= wanted and seen:
            return grey
    return len(histogram) - 1


def _blank(subject: str) -> Refusal:
    return Refusal("blank", subject, "one even shade, no film", "check the exposure or the export")
