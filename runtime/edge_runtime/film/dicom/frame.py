"""The stored values of a DICOM file's one frame, decompressed where they are compressed."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pydicom import dcmread
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    RLELossless,
)

from edge_runtime.errors import MachineLacks
from edge_runtime.film.refuse import unreadable

if TYPE_CHECKING:
    from typing import BinaryIO

    import numpy as np
    from pydicom.dataset import Dataset

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
_INSTALL = "install edge-runtime[dicom]"

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
        raise MachineLacks(subject, problem, _INSTALL)
    for plugin in plugins:
        with suppress(RuntimeError):  # in which pydicom wraps whatever a decoder raises
            values, found = decoder.as_array(film, raw=True, decoding_plugin=plugin)
            lowest, highest = bounds(film)
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


def bounds(film: Dataset) -> tuple[int, int]:
    """Return the lowest and the highest value that the stored bits can hold."""
    span: int = 1 << film.BitsStored
    return (-(span // 2), span // 2 - 1) if film.PixelRepresentation else (0, span - 1)
