"""DICOM files: the header is judged first, then the pixels become what a viewer would show.

stored values -> modality LUT or rescale -> VOI LUT or window -> MONOCHROME1 inverted -> grey

(PS3.3 C.11.1, C.11.2, C.7.6.3.1.2). All of this is done to a table of every value that the stored
bits can hold, and each pixel looks its grey level up: a film of 16 million pixels costs no floats.

Needs pydicom, numpy and, for most compressed films, pylibjpeg (`edge-runtime[dicom]`); nothing
else of edge-runtime imports this module until a film turns out to be DICOM.
"""

from __future__ import annotations

import logging
import struct
import warnings
import zlib
from contextlib import suppress
from os import SEEK_END
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import read_dataset, read_preamble
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, apply_windowing
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    RLELossless,
)

from edge_runtime.errors import Refusal
from edge_runtime.film.header import refuse_foreign
from edge_runtime.film.refuse import judge_size, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from edge_runtime.bundle.records import IntendedUse, Preprocess

    Array = np.ndarray[Any, Any]

LARGEST_FILE = 128 << 20
"""Bytes of a file that are looked at; a film of `max_pixels` in 16 bits is shorter."""
LARGEST_CODED = 40 << 20
"""Bytes of pixels in colour or compressed: they take five times as much memory."""

# The only elements that are ever read, so that no name of a patient is in memory to be leaked.
_USE = (
    "Modality", "BodyPartExamined", "ViewPosition", "ViewCodeSequence", "PatientAge",
    "PatientBirthDate", "StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate",
)  # fmt: skip
_IMAGE = (
    "NumberOfFrames", "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation",
    "PlanarConfiguration", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "PixelPaddingValue", "PixelPaddingRangeLimit", "ModalityLUTSequence", "RescaleSlope",
    "RescaleIntercept", "VOILUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction",
    *(f"{kind}{colour}PaletteColorLookupTable{part}" for kind in ("", "Segmented")
      for colour in ("Red", "Green", "Blue") for part in ("Descriptor", "Data")
      if not (kind and part == "Descriptor")),
)  # fmt: skip
_PIXELS_FOLLOW = (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")  # (7FE0,0010) in either byte order

_WINDOW = (
    "WindowCenter", "WindowWidth", "VOILUTFunction",
    "PhotometricInterpretation", "BitsStored", "PixelRepresentation",
)  # fmt: skip
# The unused bits need no correction: `_codes` leaves them out.
_WITHOUT_COPIES: Any = {"view_only": True, "correct_unused_bits": False}
_PIXELS_AT_ONCE = 1 << 18
_INSTALL = "install edge-runtime[dicom]"

# Ours of the decoders pydicom knows. On damaged frames GDCM ends the whole process, and
# pylibjpeg-rle raises what is no Exception and writes to stderr.
_DECODERS = ("pillow", "pylibjpeg")
_RLE_DECODERS = ("pydicom",)

# What pydicom and the decoders raise on hostile or torn input; `Warning` is for programs that turn
# warnings into exceptions.
_DAMAGED = (
    BytesLengthException, InvalidDicomError, ArithmeticError, AssertionError, AttributeError,
    EOFError, LookupError, RuntimeError, TypeError, ValueError, struct.error, zlib.error, Warning,
)  # fmt: skip

# pydicom quotes what it stumbles over, which may be a name: none of it may reach a log.
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)


def dicom_image(
    stream: BinaryIO, subject: str, recipe: Preprocess, use: IntendedUse | None
) -> Image.Image:
    """Return the single picture of a DICOM file as grey (`L` or `I;16`) or `RGB`.

    Where `use` is given, the header has to be within it.

    Raises:
        Refusal: `unreadable`, `too_small`, `too_large`, or a reason of `refuse_foreign`.
        MemoryError: the picture does not fit.
    """
    warnings.filterwarnings("ignore", module="pydicom")
    try:
        header = _header(stream, subject)
        if use is not None:
            refuse_foreign(header, subject, use)
        _judge_picture(header, subject, recipe)
        stream.seek(0)
        header, values = _pixels(stream, subject)
        if header.PhotometricInterpretation.startswith("MONOCHROME"):
            return _grey(header, values, subject)
        return _colour(header, values, subject)
    except _DAMAGED:
        # Without the cause, whose message may hold a value of the header.
        raise unreadable(subject, "damaged DICOM file") from None


def _header(stream: BinaryIO, subject: str) -> Dataset:
    """Return the elements we know that stand before the pixels, after seeing that pixels follow."""
    if stream.seek(0, SEEK_END) > LARGEST_FILE:
        problem = f"a DICOM file of more than {LARGEST_FILE >> 20} MiB"
        raise Refusal("too_large", subject, problem, "export one picture of lower resolution")
    stream.seek(0)
    read_preamble(stream, force=True)
    meta = read_dataset(stream, False, True, stop_when=lambda tag, _vr, _length: tag >> 16 != 2)
    # Inflated as a whole before anything is known of it, which fits a bomb and no film.
    if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        raise Refusal("unreadable", subject, "a deflated DICOM file", "export it uncompressed")
    stream.seek(0)
    header = dcmread(stream, stop_before_pixels=True, force=True, specific_tags=[*_USE, *_IMAGE])
    if stream.read(4) not in _PIXELS_FOLLOW:
        problem = "a DICOM file without a picture, such as a report, or torn off before it"
        raise Refusal("unreadable", subject, problem, "give the image of the study")
    return header


def _judge_picture(header: Dataset, subject: str, recipe: Preprocess) -> None:
    """Refuse what is no single picture of up to 16 bits, or of an unwelcome size."""
    if int(header.get("NumberOfFrames") or 1) != 1:
        problem = "a DICOM file of more than one frame"
        raise Refusal("unreadable", subject, problem, "export the one frame to be judged")
    width, height, samples = header.Columns, header.Rows, header.SamplesPerPixel
    bits = header.BitsAllocated
    if bits not in (8, 16) or not 1 <= header.BitsStored <= bits or samples not in (1, 3):
        raise unreadable(subject, "a DICOM file of other than 1 or 3 samples of up to 16 bits")
    judge_size(width, height, subject, recipe)
    native = samples == 1 and not _syntax(header).is_encapsulated
    largest = LARGEST_FILE if native else LARGEST_CODED
    if (size := width * height * samples * bits // 8) > largest:
        problem = f"{size >> 20} MiB of pixels, at most {largest >> 20} MiB of this kind are read"
        raise Refusal("too_large", subject, problem, "export the film at a lower resolution")


def _syntax(film: Dataset) -> UID:
    """Return the transfer syntax, which files of old have no place for."""
    if found := film.file_meta.get("TransferSyntaxUID"):
        return UID(found)
    implicit, little = film.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian


def _pixels(stream: BinaryIO, subject: str) -> tuple[Dataset, Array]:
    """Return the header and the stored values, `(rows, columns)` or `(rows, columns, 3)`.

    The photometric interpretation in the header becomes that of the values.
    """
    film = dcmread(stream, force=True, specific_tags=[*_IMAGE, "PixelData"])
    syntax = _syntax(film)
    film.file_meta.TransferSyntaxUID = syntax
    if syntax.is_encapsulated:
        values, found = _decompressed(film, syntax, subject)
    else:
        size = film.Rows * film.Columns * film.SamplesPerPixel * film.BitsAllocated // 8
        if film.PhotometricInterpretation != "YBR_FULL_422" and len(film.PixelData) < size:
            raise unreadable(subject, "a DICOM file that is torn off within its pixels")
        values, found = get_decoder(syntax).as_array(film, raw=True, **_WITHOUT_COPIES)
    film.PhotometricInterpretation = str(found["photometric_interpretation"])
    del film.PixelData
    return film, values


def _decompressed(film: Dataset, syntax: UID, subject: str) -> tuple[Array, dict[str, str | int]]:
    """Return what the first of our decoders gives that can read the one frame."""
    # The decoders believe the frame, whatever size was judged in the header.
    if syntax != RLELossless and _coded_size(film, syntax) != (film.Columns, film.Rows):
        raise unreadable(subject, "a DICOM file whose pixels are not of the size it says")
    decoder = get_decoder(syntax)
    ours = _RLE_DECODERS if syntax == RLELossless else _DECODERS
    plugins = [name for name in ours if name in decoder.available_plugins]
    if not plugins:
        problem = f"DICOM in {syntax.name}, for which no decoder is installed"
        raise Refusal("unreadable", subject, problem, _INSTALL)
    for plugin in plugins:
        with suppress(RuntimeError):  # in which pydicom wraps whatever a decoder raises
            values, found = decoder.as_array(film, raw=True, decoding_plugin=plugin)
            lowest, highest = _bounds(film)
            if film.SamplesPerPixel == 1 and not lowest <= values.min() <= values.max() <= highest:
                raise unreadable(subject, "a DICOM file with more bits in it than it says")
            return values, found
    raise ValueError("none of the decoders could read it")


def _coded_size(film: Dataset, syntax: UID) -> tuple[int, int]:
    """Return width and height by the frame's own header.

    They stand in the SIZ segment of JPEG 2000 (ITU-T T.800, A.5.1), and in the first frame segment
    of JPEG and JPEG-LS (ITU-T T.81, B.2.2, and T.87, C.2.2).
    """
    frame = get_frame(film.PixelData, 0, number_of_frames=1)
    if syntax in JPEG2000TransferSyntaxes:
        right, bottom, left, top = struct.unpack_from(">4I", frame, frame.index(b"\xff\x4f") + 8)
        return right - left, bottom - top
    place = 2
    while frame[place] == 0xFF:
        kind = frame[place + 1]
        if kind == 0xF7 or (0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC)):
            height, width = struct.unpack_from(">HH", frame, place + 5)
            return width, height
        # A fill byte stands alone, a segment has a length of at least two.
        place += 1 if kind == 0xFF else 2 + max(2, *struct.unpack_from(">H", frame, place + 2))
    raise ValueError("no frame header")


def _bounds(film: Dataset) -> tuple[int, int]:
    """Return the lowest and the highest value that the stored bits can hold."""
    span: int = 1 << film.BitsStored
    return (-(span // 2), span // 2 - 1) if film.PixelRepresentation else (0, span - 1)


def _grey(film: Dataset, stored: Array, subject: str) -> Image.Image:
    """Return stored values as `L` or, of more than eight bits, as `I;16`."""
    bits = film.BitsStored
    lowest, highest = _bounds(film)
    # The value of each bit pattern: two's complement begins with the positive ones.
    values = np.roll(np.arange(lowest, highest + 1), lowest)
    with np.errstate(all="ignore"):
        shades = _shades(film, values)
    if not np.isfinite(shades).all():
        raise unreadable(subject, "a DICOM file whose window or rescaling is not a number")
    if film.PhotometricInterpretation == "MONOCHROME1":
        shades = -shades
    padding = _padding(film, values)
    darkest, brightest = shades[~padding].min(), shades[~padding].max()
    scale = ((1 << bits) - 1) / (brightest - darkest or 1)
    table = np.rint((shades.clip(darkest, brightest) - darkest) * scale)
    table = table.astype("u1" if bits <= 8 else "<u2")
    if padding.any():
        seen = np.zeros(len(table), bool)
        for _, codes in _codes(film, stored):
            seen[codes] = True
        # As dark as the film gets: black beyond it would move the percentiles.
        table[padding] = table[seen & ~padding].min(initial=table[~padding].max())
    grey = np.empty(stored.shape, table.dtype)
    for rows, codes in _codes(film, stored):
        grey[rows] = table[codes]
    mode = "L" if bits <= 8 else "I;16"
    return Image.frombuffer(mode, (film.Columns, film.Rows), grey, "raw", mode, 0, 1)


def _codes(film: Dataset, stored: Array) -> Iterator[tuple[slice, Array]]:
    """Yield the bit patterns of the stored values as unsigned numbers, some rows at a time."""
    shift, mask = 0, (1 << film.BitsStored) - 1
    if not film.file_meta.TransferSyntaxUID.is_encapsulated:
        shift = film.get("HighBit", film.BitsStored - 1) + 1 - film.BitsStored
    patterns = stored.view(stored.dtype.str.replace("i", "u"))
    step = max(1, _PIXELS_AT_ONCE // film.Columns)
    for first in range(0, film.Rows, step):
        rows = slice(first, first + step)
        yield rows, patterns[rows] >> shift & mask


def _shades(film: Dataset, values: Array) -> Array:
    """Return what a viewer shows for stored values: modality LUT or rescale, VOI LUT or window."""
    if film.get("ModalityLUTSequence"):
        values = _looked_up(values, film, "ModalityLUTSequence")
    elif film.get("RescaleSlope") is not None and film.get("RescaleIntercept") is not None:
        values = values * float(film.RescaleSlope) + float(film.RescaleIntercept)
    if film.get("VOILUTSequence"):
        values = _looked_up(values, film, "VOILUTSequence")
    elif film.get("WindowCenter") is not None and film.get("WindowWidth") is not None:
        # Without the rescaling, of which only pydicom's range of results depends, and which with
        # a negative slope it turns upside down.
        window = Dataset()
        for keyword in _WINDOW:
            if film.get(keyword) not in (None, ""):
                window[keyword] = film[keyword]
        values = apply_windowing(values, window)
    return values.astype(float)


def _looked_up(values: Array, film: Dataset, sequence: str) -> Array:
    """Return the entry of a table for each value, the ends for those beyond it (PS3.3 C.11.1.1).

    pydicom's own function overflows where entries of 8 bits stand for more than 256 values.
    """
    item = film[sequence].value[0]
    entries = int(item.LUTDescriptor[0]) or 1 << 16
    # Signed if what goes in is (PS3.3 C.11.2.1.1): pydicom goes by what lies in the file.
    first = _wrapped(item.LUTDescriptor[1], 16, signed=values.min() < 0)
    data = item.LUTData
    if isinstance(data, bytes):
        order = "<" if film.file_meta.TransferSyntaxUID.is_little_endian else ">"
        data = np.frombuffer(data, "u1" if len(data) < 2 * entries else f"{order}u2")
    # As integers that know a sign, or what lies before the next table's first would wrap around.
    table: Array = np.asarray(data)[:entries].astype(int)
    if len(table) < entries:
        raise ValueError("a table of fewer entries than it says")
    found: Array = table[np.rint(values - first).clip(0, entries - 1).astype(int)]
    return found


def _padding(film: Dataset, values: Array) -> Array:
    """Tell which values fill the place around the film (PS3.3 C.7.5.1.1.2)."""
    padding = film.get("PixelPaddingValue")
    if padding is None:
        return np.zeros(len(values), bool)
    limit = film.get("PixelPaddingRangeLimit")
    ends = sorted(
        # Some files call the number unsigned where their pixels are signed.
        _wrapped(one, film.BitsAllocated, signed=bool(film.PixelRepresentation))
        for one in (padding, padding if limit is None else limit)
    )
    return (values >= ends[0]) & (values <= ends[1])


def _wrapped(number: Any, bits: int, *, signed: bool) -> int:
    """Return the value of a number's lowest `bits`, in two's complement where `signed`."""
    least = -(1 << bits - 1) if signed else 0
    return (int(number) - least) % (1 << bits) + least


def _colour(film: Dataset, stored: Array, subject: str) -> Image.Image:
    """Return a palette's or a true-colour picture as `RGB` of eight bits a sample."""
    kind = film.PhotometricInterpretation
    if kind == "PALETTE COLOR":
        table = apply_color_lut(np.arange(1 << film.BitsStored, dtype="u2"), film)
        if table.dtype.itemsize > 1:
            table = (table >> 8).astype("u1")
        colours = np.empty((*stored.shape, 3), "u1")
        for rows, codes in _codes(film, stored):
            colours[rows] = table[codes]
        mode = "RGB"
    elif kind in ("RGB", "YBR_FULL", "YBR_FULL_422"):
        colours = stored
        if colours.dtype.itemsize > 1:
            colours = (colours >> max(0, film.BitsStored - 8)).astype("u1")
        mode = "RGB" if kind == "RGB" else "YCbCr"  # which Pillow means as JFIF, and DICOM does
    else:
        raise unreadable(subject, "a DICOM file in colours that are not read")
    return Image.frombytes(mode, (film.Columns, film.Rows), colours.tobytes()).convert("RGB")
