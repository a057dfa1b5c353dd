"""DICOM files: the header is judged first, then the pixels become what a viewer would show.

stored values -> modality LUT or rescale -> VOI LUT or window -> MONOCHROME1 inverted -> grey

(PS3.3 C.11.1, C.11.2, C.7.6.3.1.2). Nothing else of edge-runtime imports this room until a film
turns out to be DICOM; it needs pydicom, numpy and, for most compressed films, pylibjpeg
(`edge-runtime[dicom]`).
"""

from __future__ import annotations

import logging
import struct
import warnings
import zlib
from os import SEEK_END
from typing import TYPE_CHECKING

from pydicom import dcmread
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import read_dataset, read_preamble
from pydicom.uid import DeflatedExplicitVRLittleEndian

from edge_runtime.errors import Refusal
from edge_runtime.film.dicom.frame import IMAGE, pixels, transfer_syntax
from edge_runtime.film.dicom.intended_use import refuse_foreign
from edge_runtime.film.dicom.shades import colour, grey
from edge_runtime.film.refuse import judge_size, unreadable

if TYPE_CHECKING:
    from typing import BinaryIO

    from PIL import Image
    from pydicom.dataset import Dataset

    from edge_runtime.bundle.records import IntendedUse, Preprocess

FORMAT = "DICOM"
"""The `format` of a picture whose pixels lay in the file as they are."""
LARGEST_FILE = 128 << 20
"""Bytes of a file that are looked at; a film of `max_pixels` in 16 bits is shorter."""
LARGEST_CODED = 40 << 20
"""Bytes of pixels in colour or compressed: they take five times as much memory."""

# With those of the picture, the only elements that are ever read, so that no name of a patient is
# in memory to be leaked.
_USE = (
    "Modality", "BodyPartExamined", "ViewPosition", "ViewCodeSequence", "PatientAge",
    "PatientBirthDate", "StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate",
)  # fmt: skip
_PIXELS_FOLLOW = (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")  # (7FE0,0010) in either byte order

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
        header, values = pixels(stream, subject)
        show = grey if header.PhotometricInterpretation.startswith("MONOCHROME") else colour
        image = show(header, values, subject)
        if not header.file_meta.TransferSyntaxUID.is_encapsulated:
            image.format = FORMAT
        return image
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
    header = dcmread(stream, stop_before_pixels=True, force=True, specific_tags=[*_USE, *IMAGE])
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
    native = samples == 1 and not transfer_syntax(header).is_encapsulated
    largest = LARGEST_FILE if native else LARGEST_CODED
    if (size := width * height * samples * bits // 8) > largest:
        problem = f"{size >> 20} MiB of pixels, at most {largest >> 20} MiB of this kind are read"
        raise Refusal("too_large", subject, problem, "export the film at a lower resolution")
