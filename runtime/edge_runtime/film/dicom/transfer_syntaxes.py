"""Transfer syntaxes (PS3.5 section 10 and annex A): the one a file has, and those not read here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydicom.uid import (
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    RLELossless,
)

from edge_runtime.errors import Refusal
from edge_runtime.film.dicom.elements import text

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)
READ = (
    *_NATIVE, RLELossless, *JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes, JPEG2000Lossless,
    JPEG2000,
)  # fmt: skip
"""Those that are read here, where a decoder is installed."""
_STANDARD = "1.2.840.10008."
# How UIDs go on or begin below `1.2.840.10008.1.2.` -> what they stand for (PS3.6 table A-1).
_NAMES = (
    ("1.98", "an encapsulated uncompressed transfer syntax"),
    ("4.92 4.93", "JPEG 2000 part 2 (multi-component)"),
    ("4.94 4.95", "JPIP, whose pixels lie on a server"),
    ("4.100 4.101", "MPEG-2 video"),
    ("4.102 4.103 4.104 4.105 4.106", "MPEG-4 AVC/H.264 video"),
    ("4.107 4.108", "HEVC/H.265 video"),
    ("4.110 4.111 4.112", "JPEG XL"),
    ("4.201 4.202 4.203", "High-Throughput JPEG 2000 (HTJ2K)"),
    ("4.204 4.205", "JPIP with HTJ2K, whose pixels lie on a server"),
    ("4.52 4.53 4.54 4.55 4.56 4.58 4.59 4.60 4.61 4.62 4.63 4.64 4.65 4.66",
     "a JPEG process that the standard has retired"),
    ("6.1", "RFC 2557 MIME encapsulation"),
    ("6.2", "XML encoding"),
    ("7", "SMPTE ST 2110, a stream of video or sound"),
    ("8", "deflated image frames"),
)  # fmt: skip
_STILL = "export it uncompressed, or as JPEG or JPEG 2000"
_FRAME = "export the one frame to be judged, uncompressed or as JPEG"


def transfer_syntax(film: Dataset) -> UID:
    """Return the transfer syntax; where an old file does not say it, by its encoding."""
    if syntax := written(film.file_meta):
        return syntax
    implicit, little = film.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian


def written(meta: Dataset) -> UID | None:
    """Return the UID in the file's meta information, `None` where what stands there is none."""
    uid = text(meta, "TransferSyntaxUID").split("\\")[0].strip(" \0")
    return UID(uid) if re.fullmatch(r"\d+(\.\d+)+", uid, re.ASCII) else None


def refuse_unread(meta: Dataset, subject: str) -> None:
    """Refuse a file whose meta information tells of a transfer syntax that nothing here can read.

    Raises:
        Refusal: `unreadable`.
    """
    syntax = written(meta)
    if syntax is None or syntax in READ:
        return
    # Inflated as a whole before anything is known of it, which fits a bomb and no film.
    if syntax == DeflatedExplicitVRLittleEndian:
        raise Refusal("unreadable", subject, "a deflated DICOM file", "export it uncompressed")
    name = _name(syntax)
    cure = _FRAME if "video" in name else _STILL
    raise Refusal("unreadable", subject, f"DICOM in {name}, which is not read", cure)


def _name(syntax: UID) -> str:
    if not syntax.startswith(_STANDARD):
        return "a private transfer syntax"
    if syntax == f"{_STANDARD}1.20":
        return "Papyrus 3, a transfer syntax that the standard has retired"
    below = syntax.removeprefix(f"{_STANDARD}1.2.")
    for begins, name in _NAMES:
        if any(f"{below}.".startswith(f"{prefix}.") for prefix in begins.split()):
            return name
    return "a transfer syntax that is not known here"
