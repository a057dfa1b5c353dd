"""The stored values of a DICOM file's one frame, decompressed where they are compressed."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    RLELossless,
)

from edge_runtime.cures import installing
from edge_runtime.errors import Refusal
from edge_runtime.film.dicom import jpeg_2000
from edge_runtime.film.dicom.torn import damage, has_overwritten_part
from edge_runtime.film.refuse import unreadable

if TYPE_CHECKING:
    from typing import BinaryIO

    import numpy as np
    from pydicom.pixels.decoders.base import Decoder

    from edge_runtime.film.jpeg import Decode

    Array = np.ndarray[Any, Any]

IMAGE = (
    "NumberOfFrames", "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation",
    "PlanarConfiguration", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "PixelPaddingValue", "PixelPaddingRangeLimit", "ModalityLUTSequence", "RescaleSlope",
    "RescaleIntercept", "VOILUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction",
    *(f"{kind}{colour}PaletteColorLookupTable{part}" for kind in ("", "Segmented")
      for colour in ("Red", "Green", "Blue") for part in ("Descriptor", "Data")
      if not (kind and part == "Descriptor")),
)  # fmt: skip
"""The elements that say how the pixels are stored and shown."""

# The unused bits need no correction: `_codes` leaves them out.
_WITHOUT_COPIES: Any = {"view_only": True, "correct_unused_bits": False}

# Ours of the decoders pydicom knows. On damaged frames GDCM ends the whole process, and
# pylibjpeg-rle raises what is no Exception and writes to stderr.
_DECODERS = ("pillow", "pylibjpeg")
_RLE_DECODERS = ("pydicom",)


def transfer_syntax(film: Dataset) -> UID:
    """Return the transfer syntax, which files of old have no place for."""
    if found := film.file_meta.get("TransferSyntaxUID"):
        return UID(found)
    implicit, little = film.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian


def pixels(stream: BinaryIO, subject: str) -> tuple[Dataset, Array]:
    """Return the header and the stored values, `(rows, columns)` or `(rows, columns, 3)`.

    The photometric interpretation in the header becomes that of the values.
    """
    film = dcmread(stream, force=True, specific_tags=[*IMAGE, "PixelData"])
    syntax = transfer_syntax(film)
    film.file_meta.TransferSyntaxUID = syntax
    if syntax.is_encapsulated:
        values, found = _decompressed(film, syntax, subject)
    else:
        _judge_length(film, subject)
        values, found = get_decoder(syntax).as_array(film, raw=True, **_WITHOUT_COPIES)
    film.PhotometricInterpretation = str(found["photometric_interpretation"])
    del film.PixelData
    return film, values


def _judge_length(film: Dataset, subject: str) -> None:
    """Refuse uncompressed pixels that are fewer or more than the header says.

    An even number of bytes is stored; of colours in YBR_FULL_422 a third is left out (PS3.5, 8.2).
    """
    size = film.Rows * film.Columns * film.SamplesPerPixel * film.BitsAllocated // 8
    if film.PhotometricInterpretation == "YBR_FULL_422":
        size = size // 3 * 2
    if len(film.PixelData) < size:
        raise unreadable(subject, "a DICOM file that is torn off within its pixels")
    if len(film.PixelData) > size + size % 2:
        raise unreadable(subject, "a DICOM file with more pixels in it than it says")


def _decompressed(film: Dataset, syntax: UID, subject: str) -> tuple[Array, dict[str, str | int]]:
    """Return what the first of our decoders gives that can read the one frame."""
    frame = get_frame(film.PixelData, 0, number_of_frames=1)
    # The decoders believe the frame, whatever size was judged in the header.
    if syntax != RLELossless and _coded_size(frame, syntax) != (film.Columns, film.Rows):
        raise unreadable(subject, "a DICOM file whose pixels are not of the size it says")
    if problem := damage(frame, syntax):
        raise unreadable(subject, f"a damaged DICOM file: {problem}")
    decoder = get_decoder(syntax)
    ours = _RLE_DECODERS if syntax == RLELossless else _DECODERS
    plugins = [name for name in ours if name in decoder.available_plugins]
    if not plugins:
        problem = f"DICOM in {syntax.name}, for which no decoder is installed"
        raise Refusal("unreadable", subject, problem, installing("dicom"))
    for plugin in plugins:
        with suppress(RuntimeError):  # in which pydicom wraps whatever a decoder raises
            values, found = decoder.as_array(film, raw=True, decoding_plugin=plugin)
            lowest, highest = bounds(film)
            if film.SamplesPerPixel == 1 and not lowest <= values.min() <= values.max() <= highest:
                raise unreadable(subject, "a DICOM file with more bits in it than it says")
            if has_overwritten_part(frame, syntax, _digest_by(film, decoder, plugin)):
                problem = "a part of its compressed pixels is zeros"
                raise unreadable(subject, f"a damaged DICOM file: {problem}")
            return values, found
    raise ValueError("none of the decoders could read it")


def _digest_by(film: Dataset, decoder: Decoder, plugin: str) -> Decode:
    """Return a function that decodes another frame of `film` and returns a digest of its values."""

    def digest(frame: bytes) -> object:
        other = Dataset()
        other.file_meta = film.file_meta
        other.update(film)
        other.PixelData = encapsulate([frame])
        other["PixelData"].is_undefined_length = True
        try:
            return zlib.crc32(
                decoder.as_array(other, raw=True, decoding_plugin=plugin)[0].tobytes()
            )
        except RuntimeError:  # in which pydicom wraps whatever a decoder raises
            return None

    return digest


def _coded_size(frame: bytes, syntax: UID) -> tuple[int, int]:
    """Return width and height by the frame's own header.

    They stand in the SIZ segment of JPEG 2000 (ITU-T T.800, A.5.1), and in the first frame segment
    of JPEG and JPEG-LS (ITU-T T.81, B.2.2, and T.87, C.2.2).
    """
    if syntax in JPEG2000TransferSyntaxes:
        return jpeg_2000.coded_size(frame)
    place = 2
    while frame[place] == 0xFF:
        kind = frame[place + 1]
        if kind == 0xF7 or (0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC)):
            height, width = struct.unpack_from(">HH", frame, place + 5)
            return width, height
        # A fill byte stands alone, a segment has a length of at least two.
        place += 1 if kind == 0xFF else 2 + max(2, *struct.unpack_from(">H", frame, place + 2))
    raise ValueError("no frame header")


def bounds(film: Dataset) -> tuple[int, int]:
    """Return the lowest and the highest value that the stored bits can hold."""
    span: int = 1 << film.BitsStored
    return (-(span // 2), span // 2 - 1) if film.PixelRepresentation else (0, span - 1)
