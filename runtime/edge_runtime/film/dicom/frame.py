"""The stored values of a DICOM file's one frame, decompressed where they are compressed."""

from __future__ import annotations

import zlib
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_fragments, get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, RLELossless

from edge_runtime.cures import installing
from edge_runtime.errors import MachineLacks, Refusal
from edge_runtime.film.dicom.coded import adopt_frame_header, is_coded_as, luma
from edge_runtime.film.dicom.layout import MORE_FRAMES, judge_memory, settle
from edge_runtime.film.dicom.torn import damage, unwritten_part
from edge_runtime.film.dicom.transfer_syntaxes import transfer_syntax
from edge_runtime.film.refuse import unreadable
from edge_runtime.film.whole import CORNER

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
_TORN = "a DICOM file that is torn off within its pixels"
_EXPORT = "export it anew, uncompressed, or as JPEG or JPEG 2000"
_ITEM = b"\xfe\xff\x00\xe0"  # how all compressed pixels begin, PS3.5 annex A.4

# Ours of the decoders pydicom knows. On damaged frames GDCM ends the whole process, and
# pylibjpeg-rle raises what is no Exception and writes to stderr.
_DECODERS = ("pillow", "pylibjpeg")
_RLE_DECODERS = ("pydicom",)


def pixels(stream: BinaryIO, subject: str) -> tuple[Dataset, Array]:
    """Return the header and the stored values, `(rows, columns)` or `(rows, columns, 3)`.

    The photometric interpretation in the header becomes that of the values.
    """
    film = dcmread(stream, force=True, specific_tags=[*IMAGE, "PixelData"])
    syntax = transfer_syntax(film)
    film.file_meta.TransferSyntaxUID = syntax
    if "PixelData" not in film:  # which stood there when the header was read
        raise unreadable(subject, _TORN)
    settle(film, subject)
    if not film.PixelData:
        raise Refusal("unreadable", subject, "its DICOM element PixelData is empty", _EXPORT)
    if syntax.is_encapsulated:
        values, properties = _decompressed(film, syntax, subject)
    else:
        if film["PixelData"].is_undefined_length:
            problem = "compressed DICOM pixels, whose TransferSyntaxUID does not say so"
            raise Refusal("unreadable", subject, problem, _EXPORT)
        _judge_length(film, subject)
        values, properties = get_decoder(syntax).as_array(film, raw=True, **_WITHOUT_COPIES)
    film.PhotometricInterpretation = str(properties["photometric_interpretation"])
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
        raise unreadable(subject, _TORN)
    if len(film.PixelData) > size + size % 2:
        raise unreadable(subject, "a DICOM file with more pixels in it than it says")


def _decompressed(film: Dataset, syntax: UID, subject: str) -> tuple[Array, dict[str, str | int]]:
    """Decode the one frame with the first of our decoders that can read it."""
    frame = _frame(film, syntax, subject)
    said = film.PhotometricInterpretation
    # The decoders go by the header of the frame, not by that of the file, which was judged.
    adopt_frame_header(film, frame, syntax, subject)
    judge_memory(film, subject)
    if problem := damage(frame, syntax, film.Rows * film.Columns):
        raise unreadable(subject, f"a damaged DICOM file: {problem}")
    decoder = get_decoder(syntax)
    ours = _RLE_DECODERS if syntax == RLELossless else _DECODERS
    plugins = [name for name in ours if name in decoder.available_plugins]
    if not plugins:
        problem = f"DICOM in {syntax.name}, for which no decoder is installed"
        raise MachineLacks(subject, problem, installing("dicom"))
    for plugin in plugins:
        with suppress(RuntimeError):  # in which pydicom wraps whatever a decoder raises
            values, properties = decoder.as_array(film, raw=True, decoding_plugin=plugin)
            corner, decode = values[-CORNER[1] :, -CORNER[0] :], _digest_by(film, decoder, plugin)
            even = bool((corner == corner[0, 0]).all())
            if problem := unwritten_part(frame, syntax, decode, even=even):
                raise unreadable(subject, f"a damaged DICOM file: {problem}")
            if film.SamplesPerPixel == 3 and said.startswith("MONOCHROME"):
                values = luma(values, str(properties["photometric_interpretation"]))
                film.SamplesPerPixel, properties["photometric_interpretation"] = 1, said
            lowest, highest = bounds(film)
            if film.SamplesPerPixel == 1 and not lowest <= values.min() <= values.max() <= highest:
                raise unreadable(subject, "a DICOM file with more bits in it than it says")
            return values, properties
    raise ValueError("none of the decoders could read it")


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


def _digest_by(film: Dataset, decoder: Decoder, plugin: str) -> Decode:
    """Return a function that decodes another frame of `film` and returns a digest of its values."""

    def digest(frame: bytes) -> object:
        copy = Dataset()
        copy.file_meta = film.file_meta
        copy.update(film)
        copy.PixelData = encapsulate([frame])
        copy["PixelData"].is_undefined_length = True
        try:
            return zlib.crc32(decoder.as_array(copy, raw=True, decoding_plugin=plugin)[0].tobytes())
        except RuntimeError:  # in which pydicom wraps whatever a decoder raises
            return None

    return digest


def bounds(film: Dataset) -> tuple[int, int]:
    """Return the lowest and the highest value that the stored bits can hold."""
    span: int = 1 << film.BitsStored
    return (-(span // 2), span // 2 - 1) if film.PixelRepresentation else (0, span - 1)
