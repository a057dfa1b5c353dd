"""No DICOM file costs more than the walk by its tags and lengths allows, and no legal one less."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
)

import hostile_dicom as raw
from dicom_films import dicom_film, lookup_table
from edge_runtime.film import limits
from edge_runtime.film.dicom import structure
from film_refusals import reason_of, refusal_of
from hostile_dicom import GREY, element, ended, film, fragments, item
from odd_headers import shown
from tiny_bundle import encoded, film_image

TINY = b"".join(element(0x00090000 + number, "LO", b"") for number in range(0x1000, 0x1200))
EMPTY_ITEMS = item() * 300
FEW = {"MOST_ELEMENTS": 200, "MOST_FRAGMENTS": 50}
MANY = "a DICOM file of more than 200 elements"
DEEP = f"a DICOM file of more than {limits.DEEPEST} sequences within one another"
PIECES = "a DICOM file whose pixels are in more than 50 pieces"
JPEG_CALLED: dict[str, Any] = {"syntax": raw.JPEG}
COUNTED: dict[str, tuple[bytes, str, str]] = {
    "elements": (film(TINY), "too_large", MANY),
    "elements without types": (film(element(0x00090000, "", b"") * 300, syntax=raw.IMPLICIT),
                               "too_large", MANY),
    "elements twice": (film(late=element(raw.WINDOW_CENTER, "DS", b"1") * 300), "too_large", MANY),
    "elements of the meta information": (film(meta=element(0x00021000, "LO", b"") * 300),
                                         "too_large", MANY),
    "elements of a message": (
        film().replace(element(0x00080060, "CS", b"DX"), element(0x00000002, "", b"") * 300),
        "too_large", MANY),
    "elements behind the pixels": (film(behind=element(raw.TRAILING, "LO", b"") * 300),
                                   "too_large", MANY),
    "items nobody wants": (film(ended(raw.UNWANTED, "SQ", EMPTY_ITEMS)), "too_large", MANY),
    "items of no known type": (film(ended(0x00091010, "UN", EMPTY_ITEMS)), "too_large", MANY),
    "items behind the pixels": (film(behind=ended(0xFFFAFFFA, "SQ", EMPTY_ITEMS)),
                                "too_large", MANY),
    "fragments nobody wants": (film(ended(0x00091010, "OB", EMPTY_ITEMS)), "too_large", MANY),
    "elements of one item": (
        film(ended(raw.UNWANTED, "SQ", item(TINY + element(raw.ITEM_END, "", b""), raw.UNDEFINED))),
        "too_large", MANY),
    "elements of one item that is read": (film(late=element(raw.VOI_LUT, "SQ", item(TINY))),
                                          "too_large", MANY),
    "items of a table": (film(late=element(raw.VOI_LUT, "SQ", item() * 129)), "unreadable",
                         "its DICOM element VOILUTSequence has more than 128 items"),
    "items of a table without an end": (
        film(late=ended(raw.VOI_LUT, "SQ", item() * 129)), "unreadable",
        "its DICOM element VOILUTSequence has more than 128 items"),
    "items of the views": (film(element(raw.VIEW_CODES, "", item() * 129), syntax=raw.IMPLICIT),
                           "unreadable",
                           "its DICOM element ViewCodeSequence has more than 128 items"),
    "sequences within one another": (film(raw.nested(limits.DEEPEST + 1)), "too_large", DEEP),
    "the same without types": (film(raw.nested(limits.DEEPEST + 1, kind=""), syntax=raw.IMPLICIT),
                               "too_large", DEEP),
    "the same without ends": (film((element(raw.UNWANTED, "SQ", b"", raw.UNDEFINED)
                                    + item(b"", raw.UNDEFINED)) * 90), "too_large", DEEP),
    "the same in a table": (film(late=(element(raw.VOI_LUT, "SQ", b"", raw.UNDEFINED)
                                       + item(b"", raw.UNDEFINED)) * 90), "too_large", DEEP),
    "fragments": (film(pixels=fragments(*[b"\xff\xd8"] * 51), **JPEG_CALLED), "too_large", PIECES),
    "empty fragments": (film(pixels=fragments(*[b""] * 51), **JPEG_CALLED), "too_large", PIECES),
    "fragments of a known length": (
        film(pixels=element(raw.PIXELS, "OB", item() * 52), **JPEG_CALLED), "too_large", PIECES),
    "offsets": (film(pixels=fragments(b"", offsets=bytes(limits.LONGEST_OFFSETS + 2)),
                     **JPEG_CALLED), "unreadable",
                f"a DICOM file whose offset table is longer than {limits.LONGEST_OFFSETS} bytes"),
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTED)
def test_what_is_too_much_is_named_with_its_limit(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit, number in FEW.items():
        monkeypatch.setattr(structure, limit, number)
    data, reason, problem = COUNTED[name]
    refusal = refusal_of(data)
    assert refusal is not None
    assert (refusal.reason, refusal.problem) == (reason, problem)


WANTED = {
    0x00080005: "SpecificCharacterSet", 0x00080060: "Modality", 0x00180015: "BodyPartExamined",
    0x00185101: "ViewPosition", 0x00101010: "PatientAge", 0x00100030: "PatientBirthDate",
    0x00080020: "StudyDate", 0x00080016: "SOPClassUID", 0x00280008: "NumberOfFrames",
    0x00280010: "Rows", 0x00280100: "BitsAllocated", 0x00280120: "PixelPaddingValue",
    0x00281050: "WindowCenter", 0x00281051: "WindowWidth", 0x00281052: "RescaleIntercept",
    0x00281056: "VOILUTFunction", 0x00281101: "RedPaletteColorLookupTableDescriptor",
}  # fmt: skip


@pytest.mark.parametrize("tag", WANTED)
@pytest.mark.parametrize("kind", ["LO", "UT", "UN", "OW", "DS"])
def test_a_value_that_is_read_is_no_longer_than_its_limit(tag: int, kind: str) -> None:
    longest = limits.LONGEST_VALUE
    refusal = refusal_of(film(late=element(tag, kind, b"1\\" * (longest // 2 + 1))))
    assert refusal is not None
    assert refusal.reason == "unreadable"
    assert refusal.problem == f"its DICOM element {WANTED[tag]} is longer than {longest} bytes"


def test_a_value_that_nobody_reads_may_have_any_length() -> None:
    name = element(0x00100010, "UT", b"A" * 9_000_000)
    tracemalloc.start()
    stream = BytesIO(film(name))
    assert reason_of(stream.getvalue()) == ""
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    walk = structure.Walk(stream, "a film", {})
    stream.seek(132)
    walk.group(2, found := structure.Found({}, {}))
    assert walk.to_pixels(found) is not None
    assert tracemalloc.get_traced_memory()[1] - before < 100_000
    tracemalloc.stop()


def table(kind: str, data: bytes, entries: int) -> bytes:
    descriptor = element(0x00283002, "US", raw.us(entries % 65536, 0, 16))
    return element(raw.VOI_LUT, "SQ", item(descriptor + element(0x00283006, kind, data)))


def test_a_table_has_as_many_entries_as_a_descriptor_can_tell_of() -> None:
    rising = np.arange(65536).astype("<u2").tobytes()
    assert reason_of(film(late=table("OW", rising, 65536))) == ""
    for late in (table("OW", rising + b"\0\0", 65536), table("UT", b"1\\" * 999, 999)):
        refusal = refusal_of(film(late=late))
        assert refusal is not None
        assert "its DICOM element LUTData is longer than" in refusal.problem


@pytest.mark.parametrize("twice", [False, True])
def test_a_deflated_file_is_refused_before_it_is_inflated(*, twice: bool) -> None:
    bomb = zlib.compress(bytes(1 << 20), 9)[2:]
    deflated = element(0x00020010, "UI", raw.DEFLATED.encode())
    # Of two transfer syntaxes, the second counts.
    whole = film(meta=deflated) if twice else film(syntax=raw.DEFLATED)
    refusal = refusal_of(whole[: whole.index(element(0x00080060, "CS", b"DX"))] + bomb)
    assert refusal is not None
    assert refusal.problem == "a deflated DICOM file"


TWICE = "a DICOM file with its pixels in it twice"


@pytest.mark.parametrize("between", [b"", element(raw.TRAILING, "OB", bytes(64)) * 9])
def test_a_file_with_its_pixels_in_it_twice_is_refused(between: bytes) -> None:
    refusal = refusal_of(film(behind=between + element(raw.PIXELS, "OW", GREY.tobytes())))
    assert refusal is not None
    assert (refusal.reason, refusal.problem) == ("unreadable", TWICE)


BROKEN = {
    "a sequence that ends with the file": element(raw.UNWANTED, "SQ", item(b"", raw.UNDEFINED),
                                                  raw.UNDEFINED),
    "no item in a sequence": ended(raw.UNWANTED, "SQ", b"nonsense"),
    "a sequence that is longer than the file": element(raw.UNWANTED, "SQ", b"", 0x7FFFFFF0),
    "a table that is longer than the file": element(raw.VOI_LUT, "SQ", b"", 0x7FFFFFF0),
    "a value that is longer than the file": element(0x00091010, "UN", b"", 0xFFFFFFFE),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_lengths_that_lie_are_refused(name: str) -> None:
    data = film(BROKEN[name])
    assert reason_of(data[: data.index(BROKEN[name]) + len(BROKEN[name])]) == "unreadable"
    assert reason_of(data) == "unreadable"


def test_lengths_that_lie_where_nothing_is_read_change_nothing() -> None:
    plain = shown(film())
    length = element(0x00020000, "UL", struct.pack("<I", 0xFFFFFFF0))
    with_length = film()[:132] + length + film()[132:]
    for data in (with_length, film()[132:], film(behind=bytes(4096)), film(behind=b"\0\1\2")):
        assert np.array_equal(shown(data), plain)


SYNTAXES = {"implicit": ImplicitVRLittleEndian, "explicit": ExplicitVRLittleEndian,
            "big endian": ExplicitVRBigEndian}  # fmt: skip


def crowded(syntax: str, *, undefined: bool) -> bytes:
    """Return a film with all that a legal file may have more of than others."""
    data = pydicom.dcmread(BytesIO(dicom_film(GREY, syntax, WindowCenter=90, WindowWidth=120)))
    inner = pydicom.Dataset()
    inner.CodeValue = "R-10206"
    inner.ReferencedImageSequence = [pydicom.Dataset() for _ in range(50)]
    data.ViewCodeSequence = [inner] + [pydicom.Dataset() for _ in range(49)]
    data.ReferencedImageSequence = [inner] * 50
    block = data.private_block(0x000B, "A MAKER", create=True)
    for number in range(0x100):
        block.add_new(number, "LO" if number % 2 else "UN", b"private" if number % 2 == 0 else "p")
    for group in range(0x0011, 0x0027, 2):
        data.private_block(group, "A MAKER", create=True).add_new(1, "OB", bytes(1000))
    if undefined:
        for one in data.iterall():
            if one.VR == "SQ":
                one.is_undefined_length = True
                for each in one.value:
                    each.is_undefined_length_sequence_item = True
    stream = BytesIO()
    data.save_as(stream)
    return stream.getvalue()


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("name", SYNTAXES)
def test_a_legal_file_with_much_in_it_is_read_as_before(name: str, *, undefined: bool) -> None:
    plain = dicom_film(GREY, WindowCenter=90, WindowWidth=120)
    assert np.array_equal(shown(crowded(SYNTAXES[name], undefined=undefined)), shown(plain))


def test_three_thousand_private_elements_change_nothing() -> None:
    private = b"".join(
        element(group << 16 | number, "LO", b"x")
        for group in (9, 0x0B, 0x0D)
        for number in range(0x1000, 0x1400)
    )
    assert np.array_equal(shown(film(private)), shown(film()))


def test_a_frame_in_two_hundred_fragments_is_read() -> None:
    frame = encoded(film_image(), "JPEG", quality=92)
    pieces = encapsulate([frame], fragments_per_frame=200)
    data = dicom_film(GREY, JPEGBaseline8Bit, PixelData=pieces)
    whole = dicom_film(GREY, JPEGBaseline8Bit, PixelData=encapsulate([frame]))
    assert data.count(b"\xfe\xff\x00\xe0") > 190
    assert np.array_equal(shown(data), shown(whole))


@pytest.mark.parametrize("count", [50, limits.MOST_ITEMS])
def test_the_first_of_many_tables_is_read(count: int) -> None:
    rising = np.arange(256)[::-1] * 200
    tables = lookup_table(rising, 0, 16)
    many = [*tables, *[tables[0]] * (count - 1)]
    one, all_of_them = (dicom_film(GREY, VOILUTSequence=of) for of in (tables, many))
    assert np.array_equal(shown(all_of_them), shown(one))


SHARED = Path(__file__).parents[5] / "shared"


def test_no_real_film_comes_near_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    base = Path(pydicom.__file__).parent / "data" / "test_files"
    real = [*base.rglob("*"), *(SHARED / "cases").rglob("*.dcm")]
    far = {"MOST_ELEMENTS": 50, "MOST_ITEMS": 16, "DEEPEST": 2, "LONGEST_VALUE": 8,
           "LONGEST_TABLE": 8, "MOST_FRAGMENTS": 64}  # fmt: skip
    before = {one: str(refusal_of(one)) for one in real if one.is_file()}
    for limit, factor in far.items():
        monkeypatch.setattr(structure, limit, getattr(structure, limit) // factor)
    before = {one: said for one, said in before.items() if "without a picture" not in said}
    after = {one: str(refusal_of(one)) for one in before}
    assert [one.name for one in before if before[one] != after[one]] == []
    assert len(before) > 80
