"""DICOM files of one frame, as small as they can be."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import UID, ComputedRadiographyImageStorage, ExplicitVRLittleEndian


def dicom_film(
    levels: np.ndarray[Any, Any], syntax: str = ExplicitVRLittleEndian, **elements: Any
) -> bytes:
    """Return a DICOM file of one frame; `elements` are keywords to add, or to leave out by `None`.

    `levels` are the stored values, `(height, width)` or `(height, width, 3)`; or the pixel data is
    given as `PixelData`.
    """
    film = Dataset()
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = UID(syntax)
    film.SOPClassUID = film.file_meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    film.SOPInstanceUID = film.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    film.Modality = "CR"
    film.Rows, film.Columns = levels.shape[:2]
    film.SamplesPerPixel = 1 if levels.ndim == 2 else 3
    film.PhotometricInterpretation = "MONOCHROME2" if levels.ndim == 2 else "RGB"
    if levels.ndim == 3:
        film.PlanarConfiguration = 0
    film.BitsAllocated = film.BitsStored = levels.itemsize * 8
    film.PixelRepresentation = int(levels.dtype.kind == "i")
    order = "<" if film.file_meta.TransferSyntaxUID.is_little_endian else ">"
    film.PixelData = levels.astype(levels.dtype.newbyteorder(order)).tobytes()
    film["PixelData"].VR = "OW" if levels.itemsize > 1 else "OB"
    for keyword, value in elements.items():
        if value is None:
            del film[keyword]
        else:
            setattr(film, keyword, value)
    film.HighBit = elements.get("HighBit", film.get("BitsStored", 1) - 1)
    if film.file_meta.TransferSyntaxUID.is_encapsulated:
        film["PixelData"].VR = "OB"
        film["PixelData"].is_undefined_length = True
    stream = BytesIO()
    film.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def lookup_table(entries: np.ndarray[Any, Any], first: int, bits: int) -> Sequence:
    """Return a modality or VOI LUT sequence of one table, whose first entry is for `first`."""
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [len(entries) % 65536, first, bits])
    item.add_new("LUTData", "US", entries.tolist())
    return Sequence([item])


def with_bytes(film: bytes, elements: dict[str, bytes | tuple[str, bytes] | None]) -> bytes:
    """Return `film` with exactly these bytes in its elements, or without those that are `None`.

    An element is of its own type, or of that before the bytes, however little they keep to it.
    """
    read = dcmread(BytesIO(film))
    implicit, little = read.original_encoding
    for keyword, said in elements.items():
        if keyword in read:
            del read[keyword]
        if said is None:
            continue
        kind, data = said if isinstance(said, tuple) else (dictionary_VR(keyword)[:2], said)
        data += b" " * (len(data) % 2)
        raw = RawDataElement(Tag(keyword), kind, len(data), data, 0, bool(implicit), bool(little))
        read[keyword] = raw
    stream = BytesIO()
    read.save_as(stream)
    return stream.getvalue()


def called(film: bytes, syntax: bytes) -> bytes:
    """Return `film`, whose elements have types, with these bytes as its transfer syntax."""
    element = b"\x02\x00\x10\x00UI"
    before, _, behind = film.partition(element)
    length = int.from_bytes(behind[:2], "little")
    syntax += b"\0" * (len(syntax) % 2)
    return before + element + len(syntax).to_bytes(2, "little") + syntax + behind[2 + length :]
