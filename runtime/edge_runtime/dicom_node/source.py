"""What an answer takes over from its image: the patient, the study, and how to refer to it.

Texts are copied as the bytes that they are, with their character set, so that an archive files the
answer with the image, whatever the two mean to anybody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from edge_runtime.dicom_node.identity import MANUFACTURER, PRODUCT
from edge_runtime.errors import DataError
from edge_runtime.film.dicom.elements import NOT_UNDERSTOOD, text, whole
from edge_runtime.film.dicom.header import read_header

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

_EMPTY_IF_MISSING = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
    "StudyID", "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip
_COPIED = (
    *_EMPTY_IF_MISSING, "SpecificCharacterSet", "IssuerOfPatientID", "PatientAge", "PatientSize",
    "PatientWeight", "StudyInstanceUID", "StudyDescription",
)  # fmt: skip
_OWN = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "Modality", "InstanceNumber", "Rows",
        "Columns", "LossyImageCompression", "Manufacturer", "ManufacturerModelName")  # fmt: skip
_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "SOPInstanceUID")
_UID = re.compile(r"[0-9]+(\.[0-9]+)*", re.ASCII)
_LONGEST_UID = 64
_LONGEST = 4096  # bytes of an element; the longest that is copied has 64 characters by the standard
_SEND_AGAIN = "correct it at the sender, and send it again"


@dataclass(frozen=True, slots=True)
class Source:
    """An image that was received: its header, as far as it is read, and its UIDs."""

    header: Dataset
    copied: Mapping[str, bytes]
    study: str
    series: str
    sop_class: str
    sop_instance: str

    @classmethod
    def read(cls, stream: BinaryIO) -> Source:
        """Return what the file in `stream` says of itself.

        Raises:
            FilmError: no picture follows its header, or it breaks off.
            DataError: it lacks a UID that an answer has to have, or refer to.
        """
        try:
            header, _ = read_header(stream, "an image", (*_COPIED, *_OWN))
            # Before anything is looked at: what pydicom has understood are no bytes any more.
            copied = {keyword: _bytes(header, keyword) for keyword in _COPIED}
            uids = [_uid(header, name) for name in _UIDS]
        except NOT_UNDERSTOOD:
            raise DataError("an image", "has a damaged header", _SEND_AGAIN) from None
        return cls(header, copied, *uids)

    @classmethod
    def of(cls, data: bytes) -> Source:
        """Return what `read` does, of a file in memory."""
        return cls.read(BytesIO(data))

    @property
    def modality(self) -> str:
        """The modality that the header names."""
        return text(self.header, "Modality").upper()

    @property
    def number(self) -> int:
        """The number that the image has in its series, 1 where it has none."""
        number = whole(self.header, "InstanceNumber")
        return number if number is not None and 0 <= number < 1 << 31 else 1

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the picture in pixels, where the header says so."""
        width, height = whole(self.header, "Columns"), whole(self.header, "Rows")
        return (width, height) if width and height and min(width, height) > 0 else None

    @property
    def is_lossy(self) -> bool:
        """Tell whether the picture went through a lossy compression."""
        return text(self.header, "LossyImageCompression") == "01"

    @property
    def is_of_node(self) -> bool:
        """Tell whether a node made it, as which it must not be answered, and so on for ever."""
        made_by = text(self.header, "Manufacturer"), text(self.header, "ManufacturerModelName")
        return made_by == (MANUFACTURER, PRODUCT)

    def begun(self) -> Dataset:
        """Return a new data set with the modules of the patient and the study."""
        begun = Dataset()
        for keyword, data in self.copied.items():
            if data or keyword in _EMPTY_IF_MISSING:
                tag, kind = Tag(keyword), dictionary_VR(keyword)
                begun[tag] = RawDataElement(tag, kind, len(data), data, 0, False, True)
        return begun


def _bytes(header: Dataset, keyword: str) -> bytes:
    """Return the bytes of a text, an even number of them."""
    item = header.get_item(keyword) if keyword in header else None
    value = item.value if item is not None else b""
    if isinstance(value, str):  # a data set that was read for the first time has some of these
        value = value.encode("ascii", "replace")
    if not isinstance(value, bytes) or len(value) > _LONGEST:
        return b""
    padding = b"\0" if dictionary_VR(keyword) == "UI" else b" "
    return value + padding * (len(value) % 2)


def _uid(header: Dataset, keyword: str) -> str:
    uid = text(header, keyword)
    if not uid:
        raise DataError("an image", f"has no {keyword}", _SEND_AGAIN)
    if len(uid) > _LONGEST_UID or not _UID.fullmatch(uid):
        raise DataError("an image", f"has a {keyword} that is no UID", _SEND_AGAIN)
    return uid
