"""What all objects of a node have in common: identity, equipment, and how they become files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from os import SEEK_END
from typing import TYPE_CHECKING

from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element, write_file_meta_info
from pydicom.uid import UID, ExplicitVRLittleEndian

from edge_runtime.dicom_node.content import plain
from edge_runtime.dicom_node.identity import MANUFACTURER, PRODUCT, derived_uid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydicom.dataset import Dataset

    from edge_runtime.answer.classify import Answer
    from edge_runtime.bundle.manifest import Manifest
    from edge_runtime.dicom_node.settings import FindingCode
    from edge_runtime.dicom_node.source import Source

IMPLEMENTATION = UID(derived_uid("edge-runtime", "DICOM node"))
NOTICE = "Research use; not a medical device"
REPORT, CAPTURE = "report", "capture"
"""Kinds of objects; a UID is derived from the image, the bundle and the kind."""

_SERIES_NUMBERS = {REPORT: 9101, CAPTURE: 9102}
_LONGEST_TEXT = 64
_PREAMBLE = b"\0" * 128 + b"DICM"  # PS3.10 section 7.1


@dataclass(frozen=True, slots=True)
class JudgedImage:
    """An image with its answer, and what both become objects with.

    `identity` is that of the image, by its UID and its bytes; `moment` is in seconds since 1970.
    """

    source: Source
    identity: str
    answer: Answer
    manifest: Manifest
    moment: float
    findings: Mapping[str, FindingCode]

    def uid(self, kind: str) -> str:
        """Return the SOP Instance UID of an object of this kind."""
        return derived_uid(self.identity, self.manifest.identity, kind)

    def series_uid(self, kind: str) -> str:
        """Return the series of an object: one for each kind, bundle and series of images."""
        source = self.source
        return derived_uid(source.study, source.series, self.manifest.identity, kind, "series")

    @property
    def model(self) -> str:
        """Name and version of the bundle."""
        return plain(f"{self.manifest.name} {self.manifest.version}")


def begun_object(judged: JudgedImage, kind: str, sop_class: str, modality: str) -> Dataset:
    """Return an object in the image's study, with a series and an equipment of its own."""
    target = judged.source.begun()
    when = datetime.fromtimestamp(judged.moment, UTC).astimezone()
    target.SOPClassUID, target.SOPInstanceUID = sop_class, judged.uid(kind)
    target.Modality, target.SeriesInstanceUID = modality, judged.series_uid(kind)
    target.SeriesNumber, target.InstanceNumber = _SERIES_NUMBERS[kind], judged.source.number
    target.SeriesDescription = f"Edge Kit {kind}: research use, no medical device"[:_LONGEST_TEXT]
    target.InstanceCreationDate = target.ContentDate = when.strftime("%Y%m%d")
    target.InstanceCreationTime = target.ContentTime = when.strftime("%H%M%S")
    target.TimezoneOffsetFromUTC = when.strftime("%z")
    target.Manufacturer, target.ManufacturerModelName = MANUFACTURER, PRODUCT
    target.DeviceSerialNumber = judged.manifest.identity[:16]
    target.SoftwareVersions = judged.model[:_LONGEST_TEXT].replace("\\", "/")
    return target


def file_of(target: Dataset) -> bytes:
    """Return an object as a file, explicit little endian."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = target.SOPClassUID
    meta.MediaStorageSOPInstanceUID = target.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION
    meta.ImplementationVersionName = "EDGEKIT"
    out = DicomBytesIO(_PREAMBLE)
    out.seek(0, SEEK_END)
    out.is_little_endian, out.is_implicit_VR = True, False
    write_file_meta_info(out, meta)
    for tag in sorted(target.keys()):
        # What was copied stays the bytes that it is: as a whole, pydicom would decode it by a
        # character set that it may not know.
        write_data_element(out, target.get_item(tag))
    return out.getvalue()
