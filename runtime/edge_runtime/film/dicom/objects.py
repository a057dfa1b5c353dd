"""DICOM files that hold no picture that can be judged: which kind they are, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_runtime.errors import Refusal
from edge_runtime.film.dicom.elements import text
from edge_runtime.film.dicom.structure import FLOATS

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# How SOP classes go on or begin below `1.2.840.10008.` (PS3.4 annex B.5, PS3.6 table A-1) -> what
# they are; the longer of two beginnings stands first.
_CLASSES = (
    ("1.3.10", "a DICOM directory (DICOMDIR)"),
    ("5.1.4.1.1.88.59", "a key object selection"),
    ("5.1.4.1.1.88", "a structured report"),
    ("5.1.4.1.1.104.1", "an encapsulated PDF document"),
    ("5.1.4.1.1.104", "an encapsulated document"),
    ("5.1.4.1.1.11", "a presentation state"),
    ("5.1.4.1.1.9", "a waveform, such as an ECG"),
    ("5.1.4.1.1.481.3", "a radiotherapy structure set"),
    ("5.1.4.1.1.481", "a radiotherapy object"),
    ("5.1.4.34", "a radiotherapy object"),
    ("5.1.4.1.1.66.1 5.1.4.1.1.66.3", "a registration"),
    ("5.1.4.1.1.66.2", "a set of fiducials"),
    ("5.1.4.1.1.66.5 5.1.4.1.1.68", "a surface model"),
    ("5.1.4.1.1.66.6", "a tractography result"),
    ("5.1.4.1.1.66", "raw data"),
    ("5.1.4.1.1.67", "a real world value mapping"),
    ("5.1.4.1.1.4.2", "MR spectroscopy"),
    ("5.1.4.1.1.200 5.1.4.1.1.201", "a protocol"),
    ("5.1.4.38", "a hanging protocol"),
    ("5.1.4.39", "a colour palette"),
    ("5.1.4.43 5.1.4.44 5.1.4.45", "an implant template"),
)
# (0008,0060) of such objects, where the SOP class is missing or private.
_MODALITIES = {
    "SR": "a structured report", "KO": "a key object selection", "DOC": "an encapsulated document",
    "PR": "a presentation state", "ECG": "a waveform, such as an ECG", "REG": "a registration",
    "HD": "a waveform, such as an ECG", "EPS": "a waveform, such as an ECG", "AU": "sound",
    "RTSTRUCT": "a radiotherapy structure set", "RTPLAN": "a radiotherapy object",
    "RTRECORD": "a radiotherapy object", "FID": "a set of fiducials", "M3D": "a surface model",
    "RWV": "a real world value mapping", "PLAN": "a plan",
}  # fmt: skip


def without_pixels(header: Dataset, follows: int | None, subject: str) -> Refusal:
    """Return the refusal of a file whose header is not followed by integer pixels.

    `follows` is the tag behind the header, `None` where the file ends there.
    """
    cure = "give the image of the study"
    if keyword := FLOATS.get(follows or 0):
        problem = f"floating-point pixels ({keyword}), such as those of a parametric map"
        cure = "export the picture in whole numbers of up to 16 bits"
    elif kind := _kind(header):
        problem = f"a DICOM file without a picture: {kind}"
    else:
        problem = "a DICOM file without a picture, or torn off before it"
    return Refusal("unreadable", subject, problem, cure)


def _kind(header: Dataset) -> str | None:
    """Return what the header says the file is, where that is no picture."""
    uid = text(header.file_meta, "MediaStorageSOPClassUID") or text(header, "SOPClassUID")
    below = uid.removeprefix("1.2.840.10008.") if uid.startswith("1.2.840.10008.") else ""
    for begins, kind in _CLASSES:
        if any(f"{below}.".startswith(f"{prefix}.") for prefix in begins.split()):
            return kind
    return _MODALITIES.get(text(header, "Modality").upper())
