"""A film's bytes -> one decoded picture, after its size was judged from the header.

On the cold path of `edge-run`: of Pillow, the one plug-in that the first bytes ask for is imported.
"""

from __future__ import annotations

import os
import stat
from importlib import import_module
from io import BytesIO
from zlib import crc32

from PIL import Image

from edge_runtime.errors import FilmError, MachineLacks, Refusal
from edge_runtime.film.refuse import judge_size, several_pictures, unreadable
from edge_runtime.film.whole import ends_evenly
from edge_runtime.memory.address_space import address_space
from edge_runtime.memory.reserve import reserve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    from PIL.ImageFile import ImageFile

    from edge_runtime.bundle.records import IntendedUse, Preprocess

    Plugin = type[ImageFile]

# First bytes -> (module of `formats/`, Pillow's plug-in, its class). Asking for one of each by what
# the file holds, not by its name, saves importing the others and makes a wrong extension harmless.
_FORMATS: tuple[tuple[bytes, str, str, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png", "PngImagePlugin", "PngImageFile"),
    (b"\xff\xd8\xff", "jpeg", "JpegImagePlugin", "JpegImageFile"),
    (b"II*\x00", "tiff", "TiffImagePlugin", "TiffImageFile"),
    (b"MM\x00*", "tiff", "TiffImagePlugin", "TiffImageFile"),
    (b"II+\x00", "tiff", "TiffImagePlugin", "TiffImageFile"),  # BigTIFF
    (b"MM\x00+", "tiff", "TiffImagePlugin", "TiffImageFile"),
    (b"BM", "bmp", "BmpImagePlugin", "BmpImageFile"),
    (b"RIFF", "webp", "WebPImagePlugin", "WebPImageFile"),
    (b"P5", "pnm", "PpmImagePlugin", "PpmImageFile"),
    (b"P6", "pnm", "PpmImagePlugin", "PpmImageFile"),
    (b"P2", "pnm", "PpmImagePlugin", "PpmImageFile"),
)
# Windows has neither, and needs to be told that a file is not text.
_WITHOUT_WAITING = (
    getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
)

_MOST_MEMORY = 256 << 20  # bytes of pixels, while one picture is made of another
_DICOM_SPACE = 256 << 20  # numpy's OpenBLAS ends the process where it finds too little

_WEBP_END = 32  # bytes

BOTTOM_UP, TILES = "bottom up", "tiles"
"""Keys of a picture's `info`, see `_remember_order`."""

# Modes with more than eight bits a pixel. Pillow inverts white-is-zero TIFFs in the others only.
WIDE = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")
_PHOTOMETRIC_TAG, _WHITE_IS_ZERO = 262, 0  # TIFF 6.0, PhotometricInterpretation


def open_film(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file; reading a pipe without a writer would block for ever.

    Raises:
        OSError: it cannot be opened.
        FilmError: it is a pipe, a socket or a device.
    """
    return open(path, "rb", opener=_opened)


def _opened(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | _WITHOUT_WAITING)
    mode = os.fstat(descriptor).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # open() refuses folders
        os.close(descriptor)
        problem = "is a pipe, a socket or a device"
        raise FilmError(path, problem, "copy what it gives into a file")
    return descriptor


def decode(
    stream: BinaryIO, subject: str, preprocess: Preprocess, use: IntendedUse | None = None
) -> Image.Image:
    """Return the single picture in `stream`, decoded, after its header was judged.

    Raises:
        Refusal: `unreadable`, `too_small` or `too_large`, or for DICOM what `dicom_image` says.
    """
    magic = stream.read(132)
    stream.seek(0)
    if not magic:
        raise unreadable(subject, "empty file")
    if begins_as_dicom(magic):
        return _decode_dicom(stream, subject, preprocess, use)
    for prefix, form, plugin, name in _FORMATS:
        # Another RIFF is a video, which would be read whole to say so.
        if magic.startswith(prefix) and (prefix != b"RIFF" or magic[8:12] == b"WEBP"):
            judge = import_module(f"edge_runtime.film.formats.{form}").judge
            judged = judge(stream, subject, preprocess)
            picture = getattr(import_module(f"PIL.{plugin}"), name)
            return _decode_picture(judged, subject, preprocess, picture)
    raise unreadable(subject, "no picture of a known format")


def _decode_picture(
    stream: BinaryIO, subject: str, preprocess: Preprocess, picture: Plugin
) -> Image.Image:
    """Return the picture of a file whose structure was judged, if its pixels are whole, too."""
    form = picture.format
    if form == "JPEG":
        return _decode_jpeg(stream, subject, preprocess, picture)
    image = load(picture(stream), subject, preprocess)
    if form == "WEBP" and not ends_evenly(image) and _ends_in_zeros(stream):
        raise unreadable(subject, "its WebP data end in zeros, and its picture does not")
    return image


def _ends_in_zeros(stream: BinaryIO) -> bool:
    """Tell whether a file ends in many zeros: an even border in WebP, or an unwritten end."""
    stream.seek(-_WEBP_END, os.SEEK_END)
    return not any(stream.read())


def _decode_jpeg(
    stream: BinaryIO, subject: str, preprocess: Preprocess, picture: Plugin
) -> Image.Image:
    """Return the picture of a JPEG file that is whole: Pillow fills what is missing silently."""
    from edge_runtime.film import jpeg

    data = stream.read()
    opened = picture(BytesIO(data))
    if len(opened.getbands()) > 1 and jpeg.keeps_coefficients(data):
        opened.info["progressive"] = 1

    def digest(stream: bytes) -> object:
        try:
            same = stream is data
            decoded = image if same else load(picture(BytesIO(stream)), subject, preprocess)
        except (OSError, SyntaxError, ValueError):
            return None
        strips = (
            decoded.crop((0, y, decoded.width, y + 256)) for y in range(0, decoded.height, 256)
        )
        return [crc32(strip.tobytes()) for strip in strips]

    image = load(opened, subject, preprocess)
    if jpeg.is_overwritten(data, digest):
        raise unreadable(subject, "a part of its JPEG data is zeros")
    if ends_evenly(image) and jpeg.runs_out(data, digest):
        raise unreadable(subject, "its JPEG data end before its picture does")
    return image


def begins_as_film(magic: bytes) -> bool:
    """Tell whether the first 132 bytes of a file are those of a format that is read here.

    `BM` and `P5` may begin a word as well: they count where what follows is that of a picture.
    """
    if begins_as_dicom(magic):
        return True
    if magic.startswith(b"BM"):
        return b"\0" in magic
    if magic.startswith((b"P2", b"P5", b"P6")):
        return magic[2:3].isspace()
    return magic.startswith(tuple(prefix for prefix, *_ in _FORMATS))


def _decode_dicom(
    stream: BinaryIO, subject: str, preprocess: Preprocess, use: IntendedUse | None
) -> Image.Image:
    if address_space() < _DICOM_SPACE:
        problem = f"DICOM is read where {_DICOM_SPACE >> 20} MiB of address space are allowed"
        raise MachineLacks(subject, problem, "raise the limit (ulimit -v)")
    try:
        from edge_runtime.film.dicom.read import dicom_image
    except ImportError as error:
        from edge_runtime.cures import installing

        problem = "DICOM, which is read with pydicom and numpy"
        raise MachineLacks(subject, problem, installing("dicom")) from error
    return dicom_image(stream, subject, preprocess, use)


def begins_as_dicom(magic: bytes) -> bool:
    """Tell whether the first 132 bytes of a file are those of DICOM.

    A file without preamble begins with an element of group 0002 or 0008, which either names its
    type in two capitals, or has a length of under 64 KiB in four bytes.
    """
    if magic[128:] == b"DICM":
        return True
    typed = magic[4:6].isalpha() and magic[4:6].isupper()
    return magic[:2] in (b"\2\0", b"\10\0") and (typed or magic[6:8] == b"\0\0")


def load(image: Image.Image, subject: str, preprocess: Preprocess) -> Image.Image:
    """Return `image` with its pixels decoded, after its header was judged.

    Raises:
        Refusal: `unreadable`, `too_small` or `too_large`.
    """
    judge_size(image.width, image.height, subject, preprocess)
    memory = image.width * image.height * _bytes_a_pixel(image)
    if memory > _MOST_MEMORY:
        problem = f"would take {memory >> 20} MiB, {_MOST_MEMORY >> 20} are the most"
        raise Refusal("too_large", subject, problem, "save it in grey, not progressive")
    reserve(memory)
    if getattr(image, "is_animated", False):
        raise several_pictures(subject)
    if image.info.get("progressive"):
        # libjpeg keeps all coefficients, and calls it damage when they do not fit; asked for,
        # and never touched, they cost nothing.
        bytes(memory)
    _remember_order(image)
    image.load()
    tags: Mapping[int, object] = getattr(image, "tag_v2", {})
    if image.mode in WIDE and tags.get(_PHOTOMETRIC_TAG) == _WHITE_IS_ZERO:
        problem = "its white is 0, which is not read in more than eight bits"
        raise Refusal("unreadable", subject, problem, "save it with black as 0")
    return image


def _remember_order(image: Image.Image) -> None:
    """Keep in `info` in which order the pixels lie in the file, before they are read.

    `BOTTOM_UP` where the last row stands first, `TILES` the boxes of tiles in their order.
    """
    tiles = getattr(image, "tile", [])
    if image.format == "BMP" and tiles and tiles[0][3][-1] == -1:
        image.info[BOTTOM_UP] = True
    if image.format == "TIFF" and any(box[2] - box[0] < image.width for _, box, *_ in tiles):
        image.info[TILES] = [tile[1] for tile in sorted(tiles, key=lambda tile: tile[2])]


def _bytes_a_pixel(image: Image.Image) -> int:
    """Return what decoding and turning `image` takes: Pillow pads three bands to four bytes."""
    if image.info.get("progressive"):
        coefficients = 2 * len(image.getbands())
        return coefficients + (1 if image.mode == "L" else 4)
    if image.mode in ("L", "1", "P"):
        return 2
    return 4 if image.mode.startswith("I;16") else 8
