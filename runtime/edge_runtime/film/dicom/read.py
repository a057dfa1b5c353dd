"""DICOM files: the header is judged first, then the pixels become what a viewer would show.

stored values -> modality LUT or rescale -> VOI LUT or window -> MONOCHROME1 inverted -> grey

(PS3.3 C.11.1, C.11.2, C.7.6.3.1.2). This package is imported only once a film turns out to be
DICOM; it needs pydicom, numpy and, for most compressed films, pylibjpeg
(`edge-runtime[dicom]`).
"""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING

from edge_runtime.errors import Refusal
from edge_runtime.film.dicom.elements import NOT_UNDERSTOOD, whole
from edge_runtime.film.dicom.frame import IMAGE, pixels
from edge_runtime.film.dicom.header import read_header
from edge_runtime.film.dicom.intended_use import refuse_foreign
from edge_runtime.film.dicom.layout import MORE_FRAMES, judge_memory, settle
from edge_runtime.film.dicom.shades import colour, grey
from edge_runtime.film.refuse import judge_size, unreadable

if TYPE_CHECKING:
    from typing import BinaryIO

    from PIL import Image
    from pydicom.dataset import Dataset

    from edge_runtime.bundle.records import IntendedUse, Preprocess

FORMAT = "DICOM"
"""The `format` of a picture whose pixels lay in the file as they are."""

# With those of the picture, the only elements that are ever read, so that no name of a patient is
# in memory to be leaked.
_USE = (
    "Modality", "BodyPartExamined", "ViewPosition", "ViewCodeSequence", "PatientAge",
    "PatientBirthDate", "StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "SOPClassUID",
)  # fmt: skip
# pydicom quotes what it stumbles over, which may be a name: none of it may reach a log.
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)


def dicom_image(
    stream: BinaryIO, subject: str, preprocess: Preprocess, use: IntendedUse | None
) -> Image.Image:
    """Return the single picture of a DICOM file as grey (`L` or `I;16`) or `RGB`.

    Where `use` is given, the header has to be within it.

    Raises:
        Refusal: `unreadable`, `too_small`, `too_large`, or a reason of `refuse_foreign`.
        MemoryError: the picture does not fit.
    """
    warnings.filterwarnings("ignore", module="pydicom")
    with _Unchained():
        try:
            return _image(stream, subject, preprocess, use)
        except NOT_UNDERSTOOD:
            raise unreadable(subject, "damaged DICOM file") from None


class _Unchained:
    """Lets errors out without those they were raised from, which may quote the header.

    `from None` alone hides them, and keeps them in `__context__`.
    """

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        """Cut off what `error` was raised from."""
        if error is not None:
            error.__cause__ = error.__context__ = None


def _image(
    stream: BinaryIO, subject: str, preprocess: Preprocess, use: IntendedUse | None
) -> Image.Image:
    header, place = read_header(stream, subject, (*_USE, *IMAGE))
    if use is not None:
        refuse_foreign(header, subject, use)
    _judge_picture(header, subject, preprocess)
    values = pixels(stream, header, place, subject)
    show = grey if header.PhotometricInterpretation.startswith("MONOCHROME") else colour
    image = show(header, values, subject)
    if not header.file_meta.TransferSyntaxUID.is_encapsulated:
        image.format = FORMAT
    return image


def _judge_picture(header: Dataset, subject: str, preprocess: Preprocess) -> None:
    """Refuse what is no single picture of up to 16 bits, or of an unwelcome size."""
    if (whole(header, "NumberOfFrames") or 1) > 1:
        raise Refusal("unreadable", subject, *MORE_FRAMES)
    settle(header, subject)
    judge_size(header.Columns, header.Rows, subject, preprocess)
    judge_memory(header, subject)
