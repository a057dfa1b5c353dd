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
from contextlib import nullcontext
from io import BytesIO

from PIL import Image

from edge_runtime.bundle.records import BY_CHANNELS, Preprocess
from edge_runtime.errors import FilmError, MachineLacks, Refusal
from edge_runtime.film.decode import BOTTOM_UP, TILES, WIDE, decode, load, open_film
from edge_runtime.film.intensity import normalise
from edge_runtime.film.limits import EXIF_BYTES
from edge_runtime.film.refuse import require_within, unreadable
from edge_runtime.film.whole import LEAST, unwritten_end, unwritten_tiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from edge_runtime.bundle.records import IntendedUse

    FilmInput = str | os.PathLike[str] | bytes | Image.Image
    """A path, an encoded picture in memory, or a decoded one."""

    ReadContext = Callable[[BinaryIO], AbstractContextManager[BinaryIO]]
    """Makes the context in which a film's file is read; it yields the stream to read."""

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
_EXIF_AS_TEXT = "Raw profile type exif"  # how ImageMagick writes it into PNG, in hexadecimal
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
_SAMPLE = (64, 64)  # pixels that stand for all, where none may be mixed with its neighbours
_NO_CHECK_SUM = ("BMP", "DICOM", "PPM", "TIFF", "WEBP")
"""What Pillow and `dicom_image` call formats that have no check sum and no end of their data."""


def standard(
    height: int = 224, width: int = 224, channels: int = 1, modality: str = "xray"
) -> Preprocess:
    """Return the parameters this project trains with, for a graph of that input.

    Pictures of the modality `other` may have any colour, and are stretched from the least to the
    greatest level of any channel: a crack of a few pixels lies beyond the percentiles of films, and
    no colour is cut off. Any share of them may be black or white, as the ground of a slide is.
    """
    films = modality != "other"
    return Preprocess(
        version=VERSION,
        height=height,
        width=width,
        channels=channels,
        resample="bilinear",
        low_percentile=1.0 if films else 0.0,
        high_percentile=99.0 if films else 100.0,
        min_side=64 if films else 16,
        max_pixels=50_000_000,
        min_contrast=8,
        max_chroma=14.0 if films else 255.0,
        max_saturated=0.7 if films else None,
        stretch=None if films else BY_CHANNELS,
        trim=None,
        crop=None,
        local_radius=None,
        local_gain=None,
        local_floor=None,
    )


def film_pixels(
    film: FilmInput,
    preprocess: Preprocess,
    use: IntendedUse | None = None,
    warn: Callable[[str], object] = str,
    watch: ReadContext = nullcontext,
) -> bytes:
    """Return the `height * width * channels` bytes, row by row, that the graph takes for `film`.

    Where `use` is given, a DICOM header has to be within it. `warn` is called with what a
    reader of the answer has to know of the film. A file is read inside the context `watch`.

    Raises:
        FilmError: the file could not be read from its disk.
        Refusal: any reason but `not_a_film`.
    """
    stages = film_stages(film, preprocess, use, warn, watch)
    for _ in range(len(STAGES) - 1):
        next(stages)  # not kept: two stages of a large film would be in memory at once
    return next(stages)[1].tobytes()


def film_stages(
    film: FilmInput,
    preprocess: Preprocess,
    use: IntendedUse | None = None,
    warn: Callable[[str], object] = str,
    watch: ReadContext = nullcontext,
) -> Iterator[tuple[str, Image.Image]]:
    """Yield name and picture of each stage of `STAGES`, the last of which `film_pixels` returns.

    Raises:
        FilmError, Refusal: as `film_pixels` does.
    """
    subject = os.fspath(film) if isinstance(film, str | os.PathLike) else "image in memory"
    try:
        image = _decoded(film, subject, preprocess, use, watch)
        yield "decoded", image
        refuse_unwritten(image, subject, warn)
        image = orient(image, subject)
        yield "oriented", image
        refuse_colour(image, subject, preprocess)
        size = (preprocess.width, preprocess.height)
        image = to_channels(image, preprocess.channels)
        sample = image.resize(_SAMPLE, Image.Resampling.NEAREST)
        filtered = Image.Resampling[preprocess.resample.upper()]
        image = without_border(image, preprocess)
        image = image.resize(size, filtered, middle(image.size, preprocess.crop))
        yield "resized", image
        yield "normalised", normalise(image, subject, preprocess, sample)
    except MemoryError as error:
        cure = "close other programs, or make it smaller"
        raise MachineLacks(subject, "does not fit in memory", cure) from error
    except _DECODE_ERRORS as error:
        raise unreadable(subject, f"damaged image ({error})") from error
    except OSError as error:
        # Pillow's decoders raise OSError without an errno; the operating system sets one.
        if error.errno is None:
            raise unreadable(subject, f"damaged image ({error})") from error
        problem = error.strerror or str(error)
        raise FilmError(subject, problem, "check the path, the disk and the rights") from error


def _decoded(
    film: FilmInput,
    subject: str,
    preprocess: Preprocess,
    use: IntendedUse | None,
    watch: ReadContext,
) -> Image.Image:
    if isinstance(film, Image.Image):
        return load(film, subject, preprocess)
    with _stream(film) as opened, watch(opened) as stream:
        return decode(stream, subject, preprocess, use)


def _stream(film: str | os.PathLike[str] | bytes) -> BinaryIO:
    return BytesIO(film) if isinstance(film, bytes) else open_film(film)


def orient(image: Image.Image, subject: str) -> Image.Image:
    """Return `image` turned upright by its EXIF orientation, if it has one.

    Raises:
        Refusal: `too_large` where Pillow would make objects of more EXIF than any film has.
    """
    block = len(image.info.get("exif") or b"")
    block = block or len(image.info.get(_EXIF_AS_TEXT) or "") // 2
    require_within(subject, (block, EXIF_BYTES, "bytes of EXIF"))
    method = _UPRIGHT.get(image.getexif().get(_ORIENTATION_TAG, 1))
    return image if method is None else image.transpose(method)


def refuse_unwritten(image: Image.Image, subject: str, warn: Callable[[str], object]) -> None:
    """Refuse a picture that breaks off within a row; warn of one that may break off between two.

    Raises:
        Refusal: `unreadable` when its last rows were never written.
    """
    form = image.format
    if image.info.get(BOTTOM_UP):
        image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    end = unwritten_end(image)
    if end and end.torn:
        problem = f"breaks off within a row: the {end.rows} after it were never written"
        raise Refusal("unreadable", subject, problem, "copy it again from where it was made")
    if end and (end.odd or form in _NO_CHECK_SUM):
        warn(f"{end.rows} rows at its end are of one shade: a border, or a copy that broke off")
    elif (tiles := image.info.get(TILES)) and unwritten_tiles(image, tiles) >= LEAST:
        warn("its last tiles are of one shade: a border, or a copy that broke off")


def refuse_colour(image: Image.Image, subject: str, preprocess: Preprocess) -> None:
    """Refuse a picture in colour: no film, or the photograph of one.

    Raises:
        Refusal: `colour_photo` when its chroma is above that of `preprocess`.
    """
    if (
        image.mode in _GREY
        or preprocess.max_chroma >= 255
        or chroma(image) <= preprocess.max_chroma
    ):
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


def without_border(image: Image.Image, preprocess: Preprocess) -> Image.Image:
    """Return what lies within the dark border of `image`, or all where `trim` is missing."""
    if preprocess.trim is None:
        return image
    # Here, so that nobody whose bundle does not ask for it waits for its import.
    from edge_runtime.film.border import within_border

    box = within_border(image, preprocess, preprocess.trim)
    return image if box == (0, 0, *image.size) else image.crop(box)  # which would copy it


def middle(size: tuple[int, int], crop: float | None) -> tuple[float, float, float, float]:
    """Return the box (left, top, right, bottom) in pixels of the middle share `crop` of a film.

    Its edges may lie within pixels, of which the resizing filter then takes a part.
    """
    width, height = size
    beyond = (1 - (crop or 1)) / 2
    across, down = width * beyond, height * beyond
    return across, down, width - across, height - down


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
