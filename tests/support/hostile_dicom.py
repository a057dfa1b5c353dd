"""DICOM files byte by byte, which no writer of DICOM would write: counts and lengths that lie."""

from __future__ import annotations

import struct

from fuzz.grammar import dicom
from tiny_bundle import film_array

EXPLICIT, IMPLICIT, DEFLATED = dicom.EXPLICIT, dicom.IMPLICIT, dicom.DEFLATED
RLE, JPEG, JPEG_2000 = dicom.RLE, dicom.JPEG, dicom.JPEG_2000
LOSSLESS, JPEG_LS = "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80"
UNDEFINED = dicom.UNDEFINED
element = dicom.element
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
WINDOW_CENTER, VOI_LUT, VIEW_CODES, UNWANTED = 0x00281050, 0x00283010, 0x00540220, 0x00081140
PIXELS, TRAILING = 0x7FE00010, 0xFFFCFFFC
GREY = film_array()


def item(value: bytes = b"", length: int | None = None) -> bytes:
    """Return an item; one of undefined length is to bring its end along."""
    return element(ITEM, "", value, length)


def ended(tag: int, kind: str, items: bytes) -> bytes:
    """Return an element of undefined length, and its end."""
    return element(tag, kind, items, UNDEFINED) + element(SEQUENCE_END, "", b"")


def us(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}H", *values)


def film(
    before: bytes = b"", late: bytes = b"", pixels: bytes | None = None, behind: bytes = b"",
    *, syntax: str = EXPLICIT, side: int | None = None, kind: bytes = b"MONOCHROME2",
    bits: int = 8, meta: bytes = b"",
) -> bytes:  # fmt: skip
    """Return a file of `GREY`, or of what `pixels` is, with other bytes at four places in it.

    They stand after the modality, before the pixels, behind them, and in the meta information.
    """
    rows, columns = (side, side) if side else GREY.shape
    typed = syntax != IMPLICIT
    elements = [(0x00280002, "US", us(1)), (0x00280004, "CS", kind), (0x00280010, "US", us(rows)),
                (0x00280011, "US", us(columns)), (0x00280100, "US", us(bits)),
                (0x00280101, "US", us(bits)), (0x00280102, "US", us(bits - 1)),
                (0x00280103, "US", us(0))]  # fmt: skip
    header = b"".join(element(tag, of if typed else "", value) for tag, of, value in elements)
    uid = element(0x00020010, "UI", syntax.encode() + b"\0" * (len(syntax) % 2))
    if pixels is None:
        pixels = element(PIXELS, "OW" if typed else "", GREY.tobytes())
    modality = element(0x00080060, "CS" if typed else "", b"DX")
    return bytes(128) + b"DICM" + uid + meta + modality + before + header + late + pixels + behind


def fragments(*parts: bytes, offsets: bytes = b"") -> bytes:
    """Return compressed pixels in fragments."""
    return ended(PIXELS, "OB", item(offsets) + b"".join(map(item, parts)))


def nested(levels: int, *, kind: str = "SQ") -> bytes:
    """Return sequences of undefined length within one another."""
    inner = b""
    for _ in range(levels):
        inner = ended(UNWANTED, kind, item(inner + element(ITEM_END, "", b""), UNDEFINED))
    return inner
