"""The stored values of a DICOM file's one frame, decompressed where they are compressed."""

from __future__ import annotations

import zlib
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_fragments, get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.tag import BaseTag
from pydicom.uid import UID, RLELossless

from edge_runtime.cures import installing
from edge_runtime.errors import MachineLacks, Refusal
from edge_runtime.film.dicom import rle
from edge_runtime.film.dicom.budget import refuse_costly
from edge_runtime.film.dicom.coded import adopt_frame_header, is_coded_as, luma
from edge_runtime.film.dicom.layout import MORE_FRAMES, judge_memory
from edge_runtime.film.dicom.structure import TORN, UNDEFINED, PixelData
from edge_runtime.film.dicom.torn import MISSING, damage, unwritten_part
from edge_runtime.film.dicom.transfer_syntaxes import READ, transfer_syntax
from edge_runtime.film.limits import (
    FEW_PIXELS,
    LARGEST_CODED,
    MOST_CODED,
    MOST_PIXELS_A_BYTE,
    SPARE_CODED,
)
from edge_runtime.film.refuse import unreadable
from edge_runtime.film.whole import CORNER

if TYPE_CHECKING:
    from typing import BinaryIO

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
_EXPORT = "export it anew, uncompressed, or as JPEG or JPEG 2000"
_ITEM = b"\xfe\xff\x00\xe0"  # how all compressed pixels begin, PS3.5 annex A.4

# Ours of the decoders pydicom knows. On damaged frames GDCM ends the whole process.
_DECODERS = ("pillow", "pylibjpeg")


def pixels(stream: BinaryIO, film: Dataset, place: PixelData, subject: str) -> Array:
    """Return the stored values, `(rows, columns)` or `(rows, columns, 3)`, of a settled header.

    The photometric interpretation in the header becomes that of the values.
    """
    syntax = transfer_syntax(film)
    film.file_meta.TransferSyntaxUID = syntax
    if place.head.length == 0 or place.place == place.end:
        raise Refusal("unreadable", subject, "its DICOM element PixelData is empty", _EXPORT)
    if syntax.is_encapsulated:
        _judge_coded(film, place, subject)
        _read(stream, film, place)
        values, kind = _decompressed(film, syntax, subject)
    else:
        if place.head.length == UNDEFINED:
            problem = "compressed DICOM pixels, whose TransferSyntaxUID does not say so"
            raise Refusal("unreadable", subject, problem, _EXPORT)
        _judge_length(film, place, subject)
        _read(stream, film, place)
        values, properties = get_decoder(syntax).as_array(film, raw=True, **_WITHOUT_COPIES)
        kind = str(properties["photometric_interpretation"])
    film.PhotometricInterpretation = kind
    del film.PixelData
    return values


def _read(stream: BinaryIO, film: Dataset, place: PixelData) -> None:
    """Put the pixels, whose length was judged, into the header."""
    stream.seek(place.place)
    data = stream.read(place.end - place.place)
    implicit, little = film.original_encoding
    kind, length = place.head.kind, place.head.length
    tag = BaseTag(place.head.tag)
    film[tag] = RawDataElement(tag, kind, length, data, place.place, bool(implicit), bool(little))


def _judge_coded(film: Dataset, place: PixelData, subject: str) -> None:
    """Refuse compressed pixels that take more bytes than others would, or hardly any.

    Raises:
        Refusal: `too_large` or `unreadable`.
    """
    size, pixels = place.end - place.place, film.Rows * film.Columns
    if size > min(MOST_CODED * pixels, LARGEST_CODED) + SPARE_CODED:
        problem = "compressed DICOM pixels that take more bytes than they would uncompressed"
        raise Refusal("too_large", subject, problem, _EXPORT)
    if pixels > max(FEW_PIXELS, MOST_PIXELS_A_BYTE * size):
        problem = f"compressed DICOM pixels, of which a byte holds more than {MOST_PIXELS_A_BYTE}"
        raise Refusal("unreadable", subject, problem, _EXPORT)


def _judge_length(film: Dataset, place: PixelData, subject: str) -> None:
    """Refuse uncompressed pixels that are fewer or more than the header says.

    An even number of bytes is stored; of colours in YBR_FULL_422 a third is left out (PS3.5, 8.2).
    """
    size = film.Rows * film.Columns * film.SamplesPerPixel * film.BitsAllocated // 8
    if film.PhotometricInterpretation == "YBR_FULL_422":
        size = size // 3 * 2
    length = place.end - place.place
    if length < size:
        raise unreadable(subject, TORN)
    if length > size + size % 2:
        raise unreadable(subject, "a DICOM file with more pixels in it than it says")


def _decompressed(film: Dataset, syntax: UID, subject: str) -> tuple[Array, str]:
    """Return the values of the one compressed frame, and their photometric interpretation."""
    frame = _frame(film, syntax, subject)
    said = film.PhotometricInterpretation
    # The decoders go by the header of the frame, not by that of the file, which was judged.
    adopt_frame_header(film, frame, syntax, subject)
    judge_memory(film, subject)
    # What a code stream may cost, and whether it is whole, is judged before a decoder sees it.
    refuse_costly(frame, syntax, subject)
    if problem := damage(frame, syntax):
        raise unreadable(subject, f"a damaged DICOM file: {problem}")
    if syntax == RLELossless:
        values, kind = rle.stored_values(frame, film), str(film.PhotometricInterpretation)
        if values is None:
            raise unreadable(subject, f"a damaged DICOM file: {MISSING}")
    else:
        values, kind = _decoded(film, frame, syntax, subject)
    if film.SamplesPerPixel == 3 and said.startswith("MONOCHROME"):
        values = luma(values, kind)
        film.SamplesPerPixel, kind = 1, said
    lowest, highest = bounds(film)
    if film.SamplesPerPixel == 1 and not lowest <= values.min() <= values.max() <= highest:
        raise unreadable(subject, "a DICOM file with more bits in it than it says")
    return values, kind


def _decoded(film: Dataset, frame: bytes, syntax: UID, subject: str) -> tuple[Array, str]:
    """Decode a frame with the first of our decoders that can read it."""
    decoder = get_decoder(syntax)
    plugins = [name for name in _DECODERS if name in decoder.available_plugins]
    if not plugins:
        problem = f"DICOM in {syntax.name}, for which no decoder is installed"
        raise MachineLacks(subject, problem, installing("dicom"))
    for plugin in plugins:
        with suppress(RuntimeError):  # in which pydicom wraps whatever a decoder raises
            values, properties = decoder.as_array(film, raw=True, decoding_plugin=plugin)
            corner = values[-CORNER[1] :, -CORNER[0] :]
            decode = _digest_by(film, decoder, plugin, {frame: values})
            even = bool((corner == corner[0, 0]).all())
            if problem := unwritten_part(frame, syntax, values, decode, even=even):
                raise unreadable(subject, f"a damaged DICOM file: {problem}")
            return values, str(properties["photometric_interpretation"])
    raise ValueError("none of the decoders could read it")


def decodable() -> tuple[UID, ...]:
    """Return the transfer syntaxes that are read here, with the decoders that are installed."""
    return tuple(syntax for syntax in READ if _has_decoder(syntax))


def _has_decoder(syntax: UID) -> bool:
    if not syntax.is_encapsulated or syntax == RLELossless:
        return True
    try:
        return not set(_DECODERS).isdisjoint(get_decoder(syntax).available_plugins)
    except NotImplementedError:  # pydicom knows of nothing that could read it
        return False


def _frame(film: Dataset, syntax: UID, subject: str) -> bytes:
    """Return the one frame, after seeing that it is what the transfer syntax says."""
    data = film.PixelData
    if data.startswith(_ITEM):
        frame = get_frame(data, 0, number_of_frames=1)
        # The first fragment is the offset table. Whatever the header says of their number, each
        # frame begins with a fragment of its own.
        fragments = islice(generate_fragments(data), 1, None)
        frames = sum(is_coded_as(fragment, syntax) for fragment in fragments)
        if frames > 1:
            raise Refusal("unreadable", subject, *MORE_FRAMES)
        if is_coded_as(frame, syntax):
            return frame
    problem = f"a DICOM file that calls its pixels {syntax.name}, but they are not"
    raise Refusal("unreadable", subject, problem, _EXPORT)


def _digest_by(film: Dataset, decoder: Decoder, plugin: str, decoded: dict[bytes, Array]) -> Decode:
    """Return a function that decodes another frame of `film` and returns a digest of its values.

    Those of the frames in `decoded` are known.
    """

    def digest(frame: bytes) -> object:
        if frame in decoded:
            return zlib.crc32(np.ascontiguousarray(decoded[frame]).data)
        copy = Dataset()
        copy.file_meta = film.file_meta
        copy.update(film)
        copy.PixelData = encapsulate([frame])
        copy["PixelData"].is_undefined_length = True
        try:
            values, _ = decoder.as_array(copy, raw=True, decoding_plugin=plugin)
            return zlib.crc32(np.ascontiguousarray(values).data)
        except RuntimeError:  # in which pydicom wraps whatever a decoder raises
            return None

    return digest


def bounds(film: Dataset) -> tuple[int, int]:
    """Return the lowest and the highest value that the stored bits can hold."""
    span: int = 1 << film.BitsStored
    return (-(span // 2), span // 2 - 1) if film.PixelRepresentation else (0, span - 1)
