"""One image pipeline for trainer, calibration, parity check and clinic.

file -> decoded -> oriented -> grey (or RGB) -> resized -> intensity-normalised `bytes`.

Every parameter is a field of the manifest's `Preprocess`, and none is a constant of the code
below. `Preprocess.version` names the arithmetic itself: whoever changes what these functions
compute raises it, so that a graph is never fed pixels it was not trained on.

This module is on the cold path of `edge-run`: it imports Pillow's core and the one plug-in that
the file's first bytes ask for.
"""

from __future__ import annotations

import os
import struct
import zlib
from importlib import import_module
from io import BytesIO
from math import isfinite

from PIL import Image

from edge_runtime.errors import FilmError, Refusal
from edge_runtime.manifest import Preprocess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import IO

VERSION = 1
STAGES = ("decoded", "oriented", "resized", "normalised")

# First bytes -> (plug-in, class). Asking for one plug-in by what the file holds, not by its name,
# saves importing the others and makes a wrong extension harmless.
_FORMATS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "PngImagePlugin", "PngImageFile"),
    (b"\xff\xd8\xff", "JpegImagePlugin", "JpegImageFile"),
    (b"II*\x00", "TiffImagePlugin", "TiffImageFile"),
    (b"MM\x00*", "TiffImagePlugin", "TiffImageFile"),
    (b"BM", "BmpImagePlugin", "BmpImageFile"),
    (b"RIFF", "WebPImagePlugin", "WebPImageFile"),
    (b"P5", "PpmImagePlugin", "PpmImageFile"),
    (b"P6", "PpmImagePlugin", "PpmImageFile"),
    (b"P2", "PpmImagePlugin", "PpmImageFile"),
)
_FORMAT_NAMES = "PNG, JPEG, TIFF, BMP, WebP or PGM"

# What Pillow's decoders raise on hostile or torn input, beside OSError. `Warning` is for programs
# that turn Pillow's into exceptions.
_DECODE_ERRORS = (
    SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError,
    AttributeError, struct.error, zlib.error, Image.DecompressionBombError, Warning,
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
# Modes with more than eight bits a pixel. Pillow inverts white-is-zero TIFFs in the others only.
_WIDE = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")
_PHOTOMETRIC_TAG, _WHITE_IS_ZERO = 262, 0  # TIFF 6.0, PhotometricInterpretation


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
    )


def film_pixels(film: str | os.PathLike[str] | bytes, recipe: Preprocess) -> bytes:
    """Return the `height * width * channels` bytes, row by row, that the graph takes for `film`.

    `film` is a path or an encoded image in memory.

    Raises:
        FilmError: the file could not be read from its disk.
        Refusal: `unreadable`, `too_small`, `too_large` or `blank`.
    """
    for _, image in film_stages(film, recipe):
        last = image
    return last.tobytes()


def film_stages(
    film: str | os.PathLike[str] | bytes, recipe: Preprocess
) -> Iterator[tuple[str, Image.Image]]:
    """Yield name and picture of each stage of `STAGES`, the last of which `film_pixels` returns.

    Raises:
        FilmError, Refusal: as `film_pixels` does.
    """
    subject = "image in memory" if isinstance(film, bytes) else os.fspath(film)
    try:
        with BytesIO(film) if isinstance(film, bytes) else open(film, "rb") as stream:  # noqa: PTH123
            image = decode(stream, subject, recipe)
            yield "decoded", image
            image = orient(image)
            yield "oriented", image
            size = (recipe.width, recipe.height)
            image = to_channels(image, recipe.channels)
            image = image.resize(size, Image.Resampling[recipe.resample.upper()])
            yield "resized", image
            yield "normalised", normalise(image, subject, recipe)
    except MemoryError as error:
        raise Refusal("too_large", subject, "does not fit in memory", "make it smaller") from error
    except _DECODE_ERRORS as error:
        raise _unreadable(subject, f"damaged image ({error})") from error
    except OSError as error:
        # Pillow's decoders raise OSError without an errno; the operating system sets one.
        if error.errno is None:
            raise _unreadable(subject, f"damaged image ({error})") from error
        problem = error.strerror or str(error)
        raise FilmError(subject, problem, "check the path, the disk and the rights") from error


def decode(stream: IO[bytes], subject: str, recipe: Preprocess) -> Image.Image:
    """Return the single picture in `stream`, decoded, after its header was judged.

    Raises:
        Refusal: `unreadable`, `too_small` or `too_large`.
    """
    magic = stream.read(132)
    stream.seek(0)
    if not magic:
        raise _unreadable(subject, "empty file")
    if magic[128:132] == b"DICM":
        raise _unreadable(subject, "DICOM is not read by this version")
    for prefix, plugin, name in _FORMATS:
        if magic.startswith(prefix):
            if prefix == b"RIFF" and magic[8:12] != b"WEBP":  # a video, read whole to say so
                continue
            image: Image.Image = getattr(import_module(f"PIL.{plugin}"), name)(stream)
            break
    else:
        raise _unreadable(subject, f"not a {_FORMAT_NAMES} image")
    width, height = image.size
    if min(width, height) < recipe.min_side:
        problem = f"{width} x {height} pixels, at least {recipe.min_side} a side are needed"
        raise Refusal("too_small", subject, problem, "give the original film, not a thumbnail")
    if width * height > recipe.max_pixels:
        problem = f"{width} x {height} pixels, at most {recipe.max_pixels} in all are read"
        raise Refusal("too_large", subject, problem, "export the film at a lower resolution")
    if getattr(image, "is_animated", False):
        raise _unreadable(subject, "holds more than one picture")
    image.load()
    tags: Mapping[int, object] = getattr(image, "tag_v2", {})
    if image.mode in _WIDE and tags.get(_PHOTOMETRIC_TAG) == _WHITE_IS_ZERO:
        problem = "its white is 0, which is not read in more than eight bits"
        raise Refusal("unreadable", subject, problem, "save it with black as 0")
    return image


def orient(image: Image.Image) -> Image.Image:
    """Return `image` turned upright by its EXIF orientation, if it has one."""
    method = _UPRIGHT.get(image.getexif().get(_ORIENTATION_TAG, 1))
    return image if method is None else image.transpose(method)


def to_channels(image: Image.Image, channels: int) -> Image.Image:
    """Return `image` as grey (1 channel; more than eight bits a pixel are kept) or RGB (3).

    Transparent pixels become black. Grey is ITU-R 601 luma: 0.299 R + 0.587 G + 0.114 B.
    """
    if image.mode in ("I;16", "I", "F"):
        return image
    if image.mode in _WIDE:
        return image.convert("I")  # Pillow resizes foreign byte orders without looking at them
    if image.has_transparency_data:
        image = image.convert("RGBA")
        black = Image.new("RGBA", image.size, "black")
        black.alpha_composite(image)
        image = black
    mode = "L" if channels == 1 else "RGB"
    return image if image.mode == mode else image.convert(mode)


def normalise(image: Image.Image, subject: str, recipe: Preprocess) -> Image.Image:
    """Return `image` as 8-bit grey or RGB with its percentiles stretched to 0 and 255.

    With grey levels `g` and their percentiles `low`, `high`, each level becomes
    `round(255 * (g - low) / (high - low))`, clipped to 0..255: a film's answer does not depend on
    the exposure or on the number of bits it was stored with.

    Raises:
        Refusal: `blank` when the percentiles lie too close.
    """
    if image.mode in _WIDE:
        image = _to_eight_bits(image, subject, recipe)
    histogram = (image if image.mode == "L" else image.convert("L")).histogram()
    low = _percentile(histogram, recipe.low_percentile)
    high = _percentile(histogram, recipe.high_percentile)
    if high - low < recipe.min_contrast:
        raise _blank(subject)
    span = high - low
    # floor((2a + b) / 2b) is a / b rounded half up, in exact integers.
    ramp = [(2 * 255 * (grey - low) + span) // (2 * span) for grey in range(256)]
    table = [min(255, max(0, level)) for level in ramp]
    image = image.point(table * len(image.getbands()))
    return image if recipe.channels == len(image.getbands()) else image.convert("RGB")


def _to_eight_bits(image: Image.Image, subject: str, recipe: Preprocess) -> Image.Image:
    """Scale a wide image by its content: clipping 16 bits to 8 would leave a white square."""
    least = recipe.min_contrast if image.mode != "F" else 0  # whose unit nobody knows
    image = image.convert("F")
    levels = sorted(memoryview(image.tobytes()).cast("f"))
    if not isfinite(sum(levels)):
        raise _unreadable(subject, "holds values that are not numbers")
    last = len(levels) - 1
    low = levels[round(last * recipe.low_percentile / 100)]
    high = levels[round(last * recipe.high_percentile / 100)]
    if high == low or high - low < least:
        raise _blank(subject)
    scale = 255 / (high - low)
    return image.point(lambda grey: grey * scale + (0.5 - low * scale)).convert("L")


def _percentile(histogram: list[int], percent: float) -> int:
    """Return the smallest grey level with at least `percent` per cent of the pixels at or below."""
    wanted = sum(histogram) * percent / 100
    seen = 0
    for grey, count in enumerate(histogram):
        seen += count
        if seen >= wanted and seen:
            return grey
    return len(histogram) - 1


def _unreadable(subject: str, problem: str) -> Refusal:
    cure = f"give a {_FORMAT_NAMES} file that a viewer opens"
    return Refusal("unreadable", subject, problem, cure)


def _blank(subject: str) -> Refusal:
    return Refusal("blank", subject, "one even shade, no film", "check the exposure or the export")
