"""A DICOM element that is missing or not understood refuses nothing where the pixels can be read.

Each row is an element, an oddity of it, and the film that a viewer shows all the same; where the
pixels cannot be read, the line names the element, and never what it holds.
"""

from __future__ import annotations

import numpy as np
import pytest

from dicom_films import dicom_film, with_bytes
from edge_runtime.errors import Refusal
from odd_headers import (
    COLOURS,
    EXACT,
    GREY,
    NO_NUMBERS,
    NO_WHOLE,
    PLAIN,
    RESCALED,
    SYNTAXES,
    TWELVE,
    WINDOW,
    Elements,
    Row,
    Said,
    in_each_syntax,
    shown,
    us,
    without,
)

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
