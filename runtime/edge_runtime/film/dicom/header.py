"""The header of a DICOM file, as pydicom has it, and where its pixels lie."""

from __future__ import annotations

from contextlib import suppress
from os import SEEK_END
from typing import TYPE_CHECKING

from pydicom.charset import convert_encodings, default_encoding
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag
from pydicom.uid import ExplicitVRBigEndian

from edge_runtime.errors import Refusal
from edge_runtime.film.dicom.elements import NOT_UNDERSTOOD, text
from edge_runtime.film.dicom.objects import without_pixels
from edge_runtime.film.dicom.structure import PIXELS, TORN, Damaged, Found, PixelData, Walk
from edge_runtime.film.dicom.transfer_syntaxes import refuse_unread, transfer_syntax, written
from edge_runtime.film.limits import LARGEST_FILE
from edge_runtime.film.refuse import unreadable

if TYPE_CHECKING:
    from typing import BinaryIO

    from pydicom.dataelem import RawDataElement

# With those that a caller wants.
_ALWAYS = ("TransferSyntaxUID", "MediaStorageSOPClassUID", "SpecificCharacterSet", "LUTDescriptor",
           "LUTData", "CodeValue")  # fmt: skip
_PREAMBLE, _PREFIX = 128, b"DICM"  # bytes, PS3.10 section 7.1
_LEAST_BIG_ENDIAN = 0x0400  # what group 0004 looks like in the other order; below it are no films


def read_header(
    stream: BinaryIO, subject: str, keywords: tuple[str, ...]
) -> tuple[Dataset, PixelData]:
    """Return the elements of these keywords that stand before the pixels, and where these lie.

    Raises:
        Refusal: `unreadable`, `too_large`: no pixels follow, or it would cost too much to read.
    """
    if stream.seek(0, SEEK_END) > LARGEST_FILE:
        problem = f"a DICOM file of more than {LARGEST_FILE >> 20} MiB"
        raise Refusal("too_large", subject, problem, "export one picture of lower resolution")
    stream.seek(_PREAMBLE)
    if stream.read(len(_PREFIX)) != _PREFIX:
        stream.seek(0)
    walk = Walk(stream, subject, {int(Tag(one)): one for one in (*_ALWAYS, *keywords)})
    seen = Found({}, {})
    try:
        meta = _meta(walk, subject)
        _begin(walk, meta, stream)
        head = walk.to_pixels(seen)
    except Damaged:
        raise unreadable(subject, "a DICOM file whose elements break off") from None
    header = _dataset(walk, seen)
    header.file_meta = meta
    if head is None or head.tag != PIXELS:
        raise without_pixels(header, head and head.tag, subject)
    try:
        pixels = walk.pixels(head, encapsulated=transfer_syntax(header).is_encapsulated)
    except Damaged:
        raise unreadable(subject, TORN) from None
    return header, pixels


def _meta(walk: Walk, subject: str) -> FileMetaDataset:
    """Return the file's meta information, after seeing that its transfer syntax is read here."""
    seen = Found({}, {})
    walk.group(0x0002, seen)
    meta = FileMetaDataset({**seen.elements})
    refuse_unread(meta, subject)
    return meta


def _begin(walk: Walk, meta: FileMetaDataset, stream: BinaryIO) -> None:
    """Set how the elements behind the meta information are written, whatever it says of them."""
    walk.group(0x0000, Found({}, {}))  # of a message that was stored as it came
    walk.implicit = walk.begins_implicit()
    syntax = written(meta)
    begin = stream.read(2)
    stream.seek(-len(begin), 1)
    guessed = syntax is None and not walk.implicit
    if syntax == ExplicitVRBigEndian or (
        guessed and int.from_bytes(begin, "little") >= _LEAST_BIG_ENDIAN
    ):
        walk.order = ">"


def _dataset(walk: Walk, seen: Found) -> Dataset:
    encoding: str | list[str] = default_encoding
    header = _filled(seen, encoding)
    if "SpecificCharacterSet" in header:
        # One that is not known says nothing.
        with suppress(*NOT_UNDERSTOOD):
            encoding = convert_encodings(text(header, "SpecificCharacterSet").split("\\"))
            header = _filled(seen, encoding)
    header.set_original_encoding(walk.implicit, walk.order == "<", encoding)
    return header


def _filled(seen: Found, encoding: str | list[str]) -> Dataset:
    elements: dict[BaseTag, RawDataElement | DataElement] = {**seen.elements}
    for tag, items in seen.sequences.items():
        inner = Sequence([_filled(item, encoding) for item in items])
        elements[tag] = DataElement(tag, "SQ", inner)
    return Dataset(elements, parent_encoding=encoding)
