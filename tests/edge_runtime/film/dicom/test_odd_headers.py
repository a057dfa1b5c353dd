"""A DICOM element that is missing or not understood refuses nothing where the pixels can be read.

Each row is an element, an oddity of it, and the film that a viewer shows all the same; where the
pixels cannot be read, the line names the element, and never what it holds.
"""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from dicom_films import dicom_film, lookup_table, with_bytes
from edge_runtime.bundle.records import Preprocess
from edge_runtime.errors import Refusal
from edge_runtime.film.preprocess import film_stages, standard
from tiny_bundle import encoded, film_array

GREY = film_array()
TWELVE = GREY.astype("u2") * 16
COLOURS = np.stack([GREY] * 3, axis=2)
RECIPE = Preprocess(**{**standard(64, 64).to_json(), "max_chroma": 255.0})
SYNTAXES = {"explicit": ExplicitVRLittleEndian, "implicit": ImplicitVRLittleEndian}

Said = dict[str, bytes | tuple[str, bytes] | None]
Elements = dict[str, Any]


def shown(film: bytes) -> np.ndarray[Any, Any]:
    """Return the decoded picture, before it is scaled and resized."""
    return np.asarray(next(film_stages(film, RECIPE))[1]).astype(int)


def us(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}H", *values)


NO_NUMBERS: dict[str, bytes | tuple[str, bytes] | None] = {
    "missing": None,
    "empty": b"",
    "blanks": b"    ",
    "text": b"AUTO",
    "a unit": b"1000 HU",
    "not a number": b"NaN",
    "infinite": b"inf",
    "too large": b"1e400",
    "thousands": b"1,000",  # or a decimal comma: no one can tell
    "undecodable": b"\xff\xfe\x80\x81",
    "NUL": b"\0\0",
    "of a binary type": ("FD", b"\0\0\0\0\0\0\xf0\x7f"),  # an infinity
    "a sequence": ("SQ", b""),
}
"""What is no number, where a decimal string is due."""
NO_WHOLE: dict[str, bytes | tuple[str, bytes] | None] = {
    "missing": None,
    "empty": b"",
    "two values": us(3, 9),
    "of one byte too many": b"\x01\x02\x03",
    "text": ("LO", b"AUTO"),
    "blanks": ("LO", b"    "),
    "a fraction": ("DS", b"7.5"),
    "undecodable": ("CS", b"\xff\xfe\x80\x81"),
}
"""What is no whole number, where a binary one is due."""

PLAIN: Elements = {"BitsStored": 12}
WINDOW: Elements = {**PLAIN, "WindowCenter": 1000, "WindowWidth": 1000}
EXACT: Elements = {**WINDOW, "VOILUTFunction": "LINEAR_EXACT"}
RESCALED: Elements = {**PLAIN, "RescaleSlope": 2, "RescaleIntercept": -1000, "WindowCenter": 500,
                      "WindowWidth": 2500}  # fmt: skip
Row = tuple[Elements, Said, Elements]
"""A film's elements, what is written over them, and the elements of the film that is shown."""


def without(elements: Elements, *keywords: str) -> Elements:
    return {one: said for one, said in elements.items() if one not in keywords}


WINDOWS: dict[str, Row] = {
    **{f"WindowWidth {odd}": (WINDOW, {"WindowWidth": said}, PLAIN)
       for odd, said in NO_NUMBERS.items()},
    **{f"WindowCenter {odd}": (WINDOW, {"WindowCenter": said}, PLAIN)
       for odd, said in NO_NUMBERS.items()},
    "WindowWidth zero": (WINDOW, {"WindowWidth": b"0"}, PLAIN),
    "WindowWidth zero, exact": (EXACT, {"WindowWidth": b"0.0"}, PLAIN),
    "WindowWidth below 1": (WINDOW, {"WindowWidth": b"0.913"}, PLAIN),
    "WindowWidth below 1, exact": (EXACT, {"WindowCenter": b"0.25", "WindowWidth": b"0.5"},
                                   {**EXACT, "WindowCenter": "0.25", "WindowWidth": "0.5"}),
    "WindowWidth negative": (WINDOW, {"WindowWidth": b"-1000"}, PLAIN),
    "WindowWidth with a decimal comma": (WINDOW, {"WindowWidth": b"1000,0"}, WINDOW),
    "both with decimal commas": (WINDOW, {"WindowCenter": b"1000,5", "WindowWidth": b"999,25"},
                                 {**WINDOW, "WindowCenter": 1000.5, "WindowWidth": 999.25}),
    "a comma behind a leading zero": (EXACT, {"WindowCenter": b"0,250", "WindowWidth": b"0,500"},
                                      {**EXACT, "WindowCenter": 0.25, "WindowWidth": 0.5}),
    "both of whole numbers": (WINDOW, {"WindowCenter": ("US", us(1000)),
                                       "WindowWidth": ("US", us(1000))}, WINDOW),
    "both of text": (WINDOW, {"WindowCenter": ("LO", b" 1000 "), "WindowWidth": ("SH", b"1e3")},
                     WINDOW),
    "both of an unknown type": (WINDOW, {"WindowCenter": ("UN", b"1000"),
                                         "WindowWidth": ("UN", b"1000")}, WINDOW),
    "the first of two windows": (WINDOW, {"WindowCenter": b"1000\\9", "WindowWidth": b"1000\\2"},
                                 WINDOW),
    "the second, where the first is text": (
        WINDOW, {"WindowCenter": b"AUTO\\1000", "WindowWidth": b"AUTO\\1000"}, WINDOW),
    "the second, where the first is of width 0": (
        WINDOW, {"WindowCenter": b"5\\1000", "WindowWidth": b"0\\1000"}, WINDOW),
    "more centres than widths": (WINDOW, {"WindowCenter": b"1000\\9\\7"}, WINDOW),
    **{f"VOILUTFunction {odd}": (WINDOW, {"VOILUTFunction": said}, WINDOW)
       for odd, said in {"missing": None, "empty": b"", "blanks": b"  ", "unknown": b"BILINEAR",
                         "undecodable": b"\xff\xfe", "two values": b"SIGMOID\\LINEAR",
                         "a number": ("US", us(1))}.items()},
    "VOILUTFunction in small letters": (WINDOW, {"VOILUTFunction": b"linear_exact"}, EXACT),
    "VOILUTFunction in two words": (WINDOW, {"VOILUTFunction": b" Linear exact "}, EXACT),
}  # fmt: skip

RESCALES: dict[str, Row] = {
    **{f"RescaleSlope {odd}": (RESCALED, {"RescaleSlope": said}, {**RESCALED, "RescaleSlope": 1})
       for odd, said in {**NO_NUMBERS, "zero": b"0", "two values": b"3\\4"}.items()},
    **{f"RescaleIntercept {odd}": (RESCALED, {"RescaleIntercept": said},
                                   {**RESCALED, "RescaleIntercept": 0})
       for odd, said in {**NO_NUMBERS, "two values": b"3\\4"}.items()},
    "RescaleSlope twice the same": (RESCALED, {"RescaleSlope": b"2\\2.0"}, RESCALED),
    "RescaleSlope with a decimal comma": (RESCALED, {"RescaleSlope": b"2,0"}, RESCALED),
    "RescaleIntercept with a decimal comma": (RESCALED, {"RescaleIntercept": b"-1000,0"},
                                              RESCALED),
    "RescaleIntercept beside which values vanish": (
        RESCALED, {"RescaleIntercept": b"1e300", "RescaleSlope": b"1"},
        without(RESCALED, "RescaleSlope", "RescaleIntercept")),
    "RescaleSlope with which values overflow": (
        RESCALED, {"RescaleSlope": b"1e307"},
        without(RESCALED, "RescaleSlope", "RescaleIntercept")),
}  # fmt: skip

PADDING = int(TWELVE.max())
PADDED: Elements = {**PLAIN, "PixelPaddingValue": PADDING}
FRAMES: Said = {"missing": None, "empty": b"", "blanks": b"  ", "zero": b"0", "negative": b"-1",
                "1\\1": b"1\\1", "1\\2": b"1\\2", "text": b"ONE", "1.0": b"1.0", "1,0": b"1,0",
                "binary": ("US", us(1)), "undecodable": b"\xff\xfe"}  # fmt: skip
HIGH_BITS: Said = {"missing": None, "empty": b"", "zero": us(0), "two values": us(3, 9),
             "too low": us(7), "too high": us(99), "text": ("LO", b"AUTO"),
             "undecodable": ("CS", b"\xff\xfe")}  # fmt: skip
LAYOUTS: dict[str, Row] = {
    **{f"PixelRepresentation {odd}": (PLAIN, {"PixelRepresentation": said}, PLAIN)
       for odd, said in {**NO_WHOLE, "beyond 1": us(2)}.items()},
    **{f"HighBit {odd}": (PLAIN, {"HighBit": said}, PLAIN) for odd, said in HIGH_BITS.items()},
    **{f"BitsStored {odd}": (PLAIN, {"BitsStored": said}, PLAIN)
       for odd, said in {**NO_WHOLE, "zero": us(0), "too many": us(17)}.items()},
    "BitsStored and HighBit missing": (PLAIN, {"BitsStored": None, "HighBit": None}, {}),
    "HighBit 11 of 16": (PLAIN, {"BitsStored": us(16)}, {}),
    **{f"SamplesPerPixel {odd}": (PLAIN, {"SamplesPerPixel": said}, PLAIN)
       for odd, said in {**NO_WHOLE, "zero": us(0)}.items()},
    **{f"PhotometricInterpretation {odd}": (PLAIN, {"PhotometricInterpretation": said}, PLAIN)
       for odd, said in {
           "missing": None, "empty": b"", "small": b"monochrome2", "parted": b" MONOCHROME 2",
           "unknown": b"GRAYSCALE", "undecodable": b"\xff\xfe", "colour": b"RGB",
           "underscored": b"Monochrome_2", "a number": ("US", us(2)),
           "two values": b"MONOCHROME2\\RGB"}.items()},
    **{f"PhotometricInterpretation {odd} of white": (
        {**PLAIN, "PhotometricInterpretation": "MONOCHROME1"},
        {"PhotometricInterpretation": said}, {**PLAIN, "PhotometricInterpretation": "MONOCHROME1"})
       for odd, said in {"small": b"monochrome1", "parted": b"Monochrome 1 "}.items()},
    **{f"NumberOfFrames {odd}": (PLAIN, {"NumberOfFrames": said}, PLAIN)
       for odd, said in FRAMES.items()},
    **{f"PixelPaddingValue {odd}": (PADDED, {"PixelPaddingValue": said}, PLAIN)
       for odd, said in NO_WHOLE.items()},
    "PixelPaddingValue as text": (
        PADDED, {"PixelPaddingValue": ("LO", str(PADDING).encode())}, PADDED),
    "PixelPaddingValue twice the same": (
        PADDED, {"PixelPaddingValue": us(PADDING, PADDING)}, PADDED),
    **{f"PixelPaddingRangeLimit {odd}": (PADDED, {"PixelPaddingRangeLimit": said}, PADDED)
       for odd, said in NO_WHOLE.items()},
    "PixelPaddingRangeLimit that leaves no film": (
        PADDED, {"PixelPaddingValue": us(0), "PixelPaddingRangeLimit": us(4095)}, PLAIN),
}  # fmt: skip

ODD = {**WINDOWS, **RESCALES, **LAYOUTS}


def in_each_syntax(said: dict[str, Said]) -> list[tuple[str, str]]:
    """Return each name with each syntax that can hold its elements: one has no room for types."""
    typed = {
        name for name, row in said.items() if any(isinstance(one, tuple) for one in row.values())
    }
    return [(name, syntax) for name in said for syntax in SYNTAXES
            if syntax == "explicit" or name not in typed]  # fmt: skip


@pytest.mark.parametrize(("name", "syntax"), in_each_syntax({one: ODD[one][1] for one in ODD}))
def test_an_odd_element_of_a_grey_film(name: str, syntax: str) -> None:
    elements, said, right = ODD[name]
    film = with_bytes(dicom_film(TWELVE, SYNTAXES[syntax], **elements), said)
    wanted = dicom_film(TWELVE, **right)
    assert np.array_equal(shown(film), shown(wanted))


def test_the_rows_above_can_tell_one_outcome_from_another() -> None:
    films = (PLAIN, WINDOW, EXACT, RESCALED, PADDED, {**RESCALED, "RescaleSlope": 1},
             {**RESCALED, "RescaleIntercept": 0},
             without(RESCALED, "RescaleSlope", "RescaleIntercept"),
             {**PLAIN, "PhotometricInterpretation": "MONOCHROME1"})  # fmt: skip
    pictures = {shown(dicom_film(TWELVE, **one)).tobytes() for one in films}
    assert len(pictures) == len(films)


NO_PLANES: dict[str, Said] = {
    odd: {"PlanarConfiguration": said} for odd, said in {**NO_WHOLE, "beyond 1": us(2)}.items()
}


@pytest.mark.parametrize(("odd", "syntax"), in_each_syntax(NO_PLANES))
def test_without_planes_the_samples_of_a_pixel_lie_together(odd: str, syntax: str) -> None:
    film = with_bytes(dicom_film(COLOURS, SYNTAXES[syntax]), NO_PLANES[odd])
    assert np.array_equal(shown(film), COLOURS)


@pytest.mark.parametrize(
    "said",
    [{"SamplesPerPixel": None}, {"PhotometricInterpretation": None},
     {"PhotometricInterpretation": b"rgb "}, {"PhotometricInterpretation": b"MONOCHROME2"},
     {"PhotometricInterpretation": b"COLOUR"}],
    ids=str,
)  # fmt: skip
def test_three_samples_are_colours_however_they_are_called(said: Said) -> None:
    assert np.array_equal(shown(with_bytes(dicom_film(COLOURS), said)), COLOURS)


# Tables -----------------------------------------------------------------------------------------
TABLE = lookup_table(np.arange(4096)[::-1] // 2, 0, 16)
TABLED: Elements = {**PLAIN, "VOILUTSequence": TABLE}


def table_with(**elements: Any) -> Sequence:
    """Return the table above with some of its elements replaced, or left out by `None`."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [4096, 0, 16])
    item.add_new("LUTData", "US", TABLE[0].LUTData)
    for keyword, said in elements.items():
        del item[keyword]
        if said is not None:
            item.add_new(keyword, *said)
    return Sequence([item])


NO_TABLES: dict[str, Any] = {
    "no item": Sequence([]),
    "an empty item": Sequence([Dataset()]),
    "no descriptor": table_with(LUTDescriptor=None),
    "an empty descriptor": table_with(LUTDescriptor=("US", None)),
    "a descriptor of two values": table_with(LUTDescriptor=("US", [4096, 0])),
    "a descriptor of text": table_with(LUTDescriptor=("LO", "TABLE")),
    "no data": table_with(LUTData=None),
    "empty data": table_with(LUTData=("OW", b"")),
}
"""What says of itself that there is no table in it."""
UNFIT: dict[str, Any] = {
    "fewer entries than said": table_with(LUTData=("US", list(range(99)))),
    "a single entry": table_with(LUTData=("US", 7)),
    "an entry less": table_with(LUTData=("US", list(range(4095)))),
    "an entry more": table_with(LUTData=("US", list(range(4097)))),
    "twice the entries": table_with(LUTData=("OW", bytes(4 * 4096))),
    "bytes for a half of them": table_with(LUTData=("OW", bytes(4096 + 2))),
    "entries of more bits than said": table_with(LUTDescriptor=("US", [4096, 0, 10])),
    "fewer entries than 65,536": table_with(LUTDescriptor=("US", [0, 0, 16])),
}
"""Tables that contradict themselves."""
NO_USE: dict[str, Any] = NO_TABLES | UNFIT


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("name", NO_USE)
def test_the_window_beside_what_is_no_table_counts(name: str, syntax: str) -> None:
    table = NO_USE[name]
    film = dicom_film(TWELVE, SYNTAXES[syntax], **WINDOW, VOILUTSequence=table)
    assert np.array_equal(shown(film), shown(dicom_film(TWELVE, **WINDOW)))


@pytest.mark.parametrize("name", NO_TABLES)
def test_what_is_no_table_says_nothing_alone(name: str) -> None:
    plain = shown(dicom_film(TWELVE, **PLAIN))
    for keyword in ("VOILUTSequence", "ModalityLUTSequence"):
        film = dicom_film(TWELVE, **PLAIN, **{keyword: NO_TABLES[name]})
        assert np.array_equal(shown(film), plain)


@pytest.mark.parametrize("name", NO_USE)
def test_the_rescaling_beside_what_is_no_table_counts(name: str) -> None:
    table = NO_USE[name]
    film = dicom_film(TWELVE, **RESCALED, ModalityLUTSequence=table)
    assert np.array_equal(shown(film), shown(dicom_film(TWELVE, **RESCALED)))


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("name", UNFIT)
@pytest.mark.parametrize("keyword", ["VOILUTSequence", "ModalityLUTSequence"])
def test_a_table_alone_that_contradicts_itself_is_refused(
    keyword: str, name: str, syntax: str
) -> None:
    with pytest.raises(Refusal) as caught:
        shown(dicom_film(TWELVE, SYNTAXES[syntax], **PLAIN, **{keyword: UNFIT[name]}))
    assert caught.value.reason == "unreadable"
    wanted = f"its DICOM element {keyword} has a table that its descriptor does not fit"
    assert caught.value.problem == wanted


def test_a_table_of_bytes_may_have_one_more_to_be_even() -> None:
    levels = np.arange(255)[::-1].astype("u1")
    wanted = dicom_film(GREY, VOILUTSequence=lookup_table(levels, 0, 8))
    for data in (levels.tobytes() + b"\0", levels.tobytes()):
        table = table_with(LUTDescriptor=("US", [255, 0, 8]), LUTData=("OB", data))
        assert np.array_equal(shown(dicom_film(GREY, VOILUTSequence=table)), shown(wanted))


def test_the_first_item_with_a_table_in_it_counts() -> None:
    several = dicom_film(TWELVE, **PLAIN, VOILUTSequence=Sequence([Dataset(), TABLE[0]]))
    assert np.array_equal(shown(several), shown(dicom_film(TWELVE, **TABLED)))


@pytest.mark.parametrize("said", [("LO", b"A TABLE"), ("US", us(1)), ("OB", b"\xff\xfe")])
def test_a_sequence_of_another_type_is_none(said: tuple[str, bytes]) -> None:
    film = with_bytes(dicom_film(TWELVE, **WINDOW), {"VOILUTSequence": said})
    assert np.array_equal(shown(film), shown(dicom_film(TWELVE, **WINDOW)))


# What the pixels need ------------------------------------------------------------------------
NEEDED: dict[str, Said] = {
    f"{keyword} {odd}": {keyword: said}
    for keyword in ("Rows", "Columns", "BitsAllocated")
    for odd, said in {**NO_WHOLE, "zero": us(0)}.items()
}


@pytest.mark.parametrize(("name", "syntax"), in_each_syntax(NEEDED))
def test_an_element_that_nothing_else_tells_is_named(name: str, syntax: str) -> None:
    keyword, _, odd = name.partition(" ")
    with pytest.raises(Refusal) as caught:
        shown(with_bytes(dicom_film(TWELVE, SYNTAXES[syntax]), NEEDED[name]))
    how = "is missing" if odd in ("missing", "empty") else "is not understood"
    assert caught.value.problem == f"its DICOM element {keyword} {how}"
    assert (caught.value.reason, caught.value.cure) == ("unreadable", "export it anew")


def test_pixels_that_are_empty_are_named() -> None:
    with pytest.raises(Refusal, match="its DICOM element PixelData is empty"):
        shown(dicom_film(TWELVE, PixelData=b""))


def test_colours_that_are_not_read_are_named_by_their_element() -> None:
    film = dicom_film(COLOURS, PhotometricInterpretation="HSV")
    with pytest.raises(Refusal, match="colours that are not read, by its PhotometricInterpr"):
        shown(film)


@pytest.mark.parametrize("keyword", ["Descriptor", "Data"])
def test_a_palette_that_is_not_there_is_named(keyword: str) -> None:
    elements: Elements = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in ("Red", "Green", "Blue"):
        elements[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        elements[f"{colour}PaletteColorLookupTableData"] = np.arange(256, dtype="<u2").tobytes()
    elements[f"RedPaletteColorLookupTable{keyword}"] = None
    whole = without(elements, f"RedPaletteColorLookupTable{keyword}")
    with pytest.raises(Refusal, match="RedPaletteColorLookupTable"):
        shown(dicom_film(GREY, **whole))


# Compressed films ----------------------------------------------------------------------------
def coded(levels: np.ndarray[Any, Any], form: str, **options: Any) -> bytes:
    return bytes(encapsulate([encoded(Image.fromarray(levels), form, **options)]))


def jpeg(levels: np.ndarray[Any, Any] = GREY, **elements: Any) -> bytes:
    """Return a film in JPEG whose header is that of the grey film, but for `elements`."""
    data = coded(levels, "JPEG", quality=95, subsampling=0)
    return dicom_film(GREY, JPEGBaseline8Bit, PixelData=data, **elements)


def rle(levels: np.ndarray[Any, Any]) -> bytes:
    film = dcmread(BytesIO(dicom_film(levels)))
    film.compress(RLELossless, encoding_plugin="pydicom")
    stream = BytesIO()
    film.save_as(stream)
    return stream.getvalue()


def jpeg_2000(levels: np.ndarray[Any, Any]) -> bytes:
    data = coded(levels, "JPEG2000", no_jp2=True, irreversible=False)
    return dicom_film(levels, JPEG2000Lossless, PixelData=data)


EIGHT_IN_SIXTEEN: Said = {"BitsAllocated": us(16), "BitsStored": us(8), "HighBit": us(7)}
BELIEVED: dict[str, Said] = {
    "8 bits in 16 allocated": EIGHT_IN_SIXTEEN,
    "16 bits said": {"BitsAllocated": us(16), "BitsStored": us(16), "HighBit": us(15)},
    "BitsAllocated missing": {"BitsAllocated": None},
    "BitsAllocated of 12": {"BitsAllocated": us(12)},
    "all bits missing": {"BitsAllocated": None, "BitsStored": None, "HighBit": None},
    "SamplesPerPixel missing": {"SamplesPerPixel": None},
    "SamplesPerPixel 3": {"SamplesPerPixel": us(3)},
    "called RGB": {"SamplesPerPixel": us(3), "PhotometricInterpretation": b"RGB"},
    "PhotometricInterpretation missing": {"PhotometricInterpretation": None},
    "called colours": {"PhotometricInterpretation": b"YBR_FULL_422"},
    "NumberOfFrames 1\\1": {"NumberOfFrames": b"1\\1"},
}


@pytest.mark.parametrize("form", ["JPEG", "JPEG 2000", "RLE"])
@pytest.mark.parametrize("name", BELIEVED)
def test_what_a_compressed_frame_says_of_itself_is_believed(name: str, form: str) -> None:
    film = {"JPEG": jpeg(), "JPEG 2000": jpeg_2000(GREY), "RLE": rle(GREY)}[form]
    assert np.array_equal(shown(with_bytes(film, BELIEVED[name])), shown(film))


def test_the_grey_of_a_colour_jpeg_that_is_called_grey_is_its_luma() -> None:
    called = {"JFIF": jpeg(COLOURS), "JPEG 2000": jpeg_2000(COLOURS), "RLE": rle(COLOURS)}
    grey: Said = {"SamplesPerPixel": us(1), "PhotometricInterpretation": b"MONOCHROME2"}
    for film in called.values():
        picture = shown(with_bytes(film, grey))
        assert picture.shape == GREY.shape
        assert np.abs(picture - shown(jpeg())).max() <= 8
    tinted = np.stack([GREY, GREY // 2, GREY // 4], axis=2)
    luma = np.asarray(Image.fromarray(tinted).convert("L")).astype(int)
    assert np.abs(shown(with_bytes(jpeg(tinted), grey)) - luma).max() <= 8
    white = shown(with_bytes(jpeg(COLOURS), {**grey, "PhotometricInterpretation": b"MONOCHROME1"}))
    assert np.array_equal(white, 255 - shown(with_bytes(jpeg(COLOURS), grey)))


def test_colours_of_a_jpeg_are_those_that_the_jpeg_says() -> None:
    tinted = np.stack([GREY, GREY // 2 + 60, GREY // 4], axis=2)
    right = shown(jpeg(tinted, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422",
                       PlanarConfiguration=0))  # fmt: skip
    assert np.abs(right - tinted).mean() < 8
    for said in (b"RGB", b"YBR_FULL", b"", b"COLOUR"):
        film = jpeg(tinted, SamplesPerPixel=3, PlanarConfiguration=1)
        assert np.array_equal(
            shown(with_bytes(film, {"PhotometricInterpretation": said})), right
        )  # fmt: skip


def test_frames_are_counted_in_the_pixels_whatever_the_header_says() -> None:
    frame = encoded(Image.fromarray(GREY), "JPEG", quality=95)
    for data in (encapsulate([frame, frame]), encapsulate([frame, frame], has_bot=False)):
        for said in (None, b"1", b"0", b"1\\2", b"ONE"):
            film = dicom_film(GREY, JPEGBaseline8Bit, PixelData=bytes(data))
            with pytest.raises(Refusal, match="more than one frame"):
                shown(with_bytes(film, {"NumberOfFrames": said}))
    several = encapsulate([frame], fragments_per_frame=3)
    film = dicom_film(GREY, JPEGBaseline8Bit, PixelData=bytes(several))
    assert np.array_equal(shown(film), shown(jpeg()))


def test_colours_are_judged_by_what_is_in_the_frame_before_they_are_decoded() -> None:
    large = np.zeros((4000, 4000), "u1")
    data = coded(np.stack([large] * 3, axis=2), "JPEG")
    film = dicom_film(large, JPEGBaseline8Bit, PixelData=data)
    with pytest.raises(Refusal, match="45 MiB of pixels") as caught:
        shown(film)
    assert caught.value.reason == "too_large"


@pytest.mark.parametrize(
    "said",
    [
        b"ISO_IR 999",
        b"\xff\xfe",
        b"",
        b"GB18030\\X",
        b"\\\\",
        b"UTF8",
        b"ISO_IR 6\0\0",
        b"ISO 2022",
    ],
)
def test_a_character_set_that_is_none_refuses_nothing(said: bytes) -> None:
    film = with_bytes(dicom_film(TWELVE, **WINDOW), {"SpecificCharacterSet": b"ISO_IR 100"})
    film = film.replace(b"ISO_IR 100", said.ljust(10))
    assert np.array_equal(shown(film), shown(dicom_film(TWELVE, **WINDOW)))
