"""How the pixels of a DICOM file are stored; what is missing or not understood is filled in.

The standard wants all of these elements (PS3.3 C.7.6.3), and many files come without one of them,
or with two that contradict each other. What the pixels need and nothing else tells (their size and
the bits they take) is asked for by its keyword; for the others the usual value stands in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.datadict import dictionary_VR
from pydicom.uid import JPEGBaseline8Bit, JPEGExtended12Bit

from edge_runtime.errors import Refusal
from edge_runtime.film.dicom.elements import text, value_of, whole
from edge_runtime.film.dicom.transfer_syntaxes import transfer_syntax
from edge_runtime.film.limits import LARGEST_CODED, LARGEST_FILE
from edge_runtime.film.refuse import unreadable
from edge_runtime.memory.reserve import reserve

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_COPIES, _COPIES_CODED = 3, 5
"""How often the pixels are in memory at most, while they become a picture."""
MORE_FRAMES = ("a DICOM file of more than one frame", "export the one frame to be judged")
"""Problem and cure."""

# (0028,0004) without separators -> the standard's term, PS3.3 C.7.6.3.1.2.
_GREY = {"MONOCHROME1": "MONOCHROME1", "MONOCHROME2": "MONOCHROME2",
         "PALETTECOLOR": "PALETTE COLOR"}  # fmt: skip
_COLOURS = {
    "RGB": "RGB", "YBRFULL": "YBR_FULL", "YBRFULL422": "YBR_FULL_422", "YBRICT": "YBR_ICT",
    "YBRRCT": "YBR_RCT",
}  # fmt: skip
# Colours that no decoder here turns into red, green and blue; all but the last are retired.
_NOT_READ = ("YBRPARTIAL422", "YBRPARTIAL420", "HSV", "ARGB", "CMYK", "XYB")


def _is_coded(film: Dataset) -> bool:
    """Tell whether the frame has a header of its own, which counts instead of the file's."""
    return transfer_syntax(film).is_encapsulated


def settle(film: Dataset, subject: str) -> None:
    """Set every element that says how the pixels of `film` are stored to a valid number.

    Raises:
        Refusal: `unreadable`, naming the element that is missing or not understood, or that says
            what is not read.
    """
    # First, since the type of other elements depends on it.
    signed = whole(film, "PixelRepresentation")
    _put(film, "PixelRepresentation", signed if signed in (0, 1) else 0)
    for keyword in ("Rows", "Columns"):
        _put(film, keyword, _needed(film, keyword, subject))
    _put(film, "NumberOfFrames", max(1, whole(film, "NumberOfFrames") or 1))
    _settle_colours(film, subject)
    _settle_bits(film, subject)


def _put(film: Dataset, keyword: str, value: int | str) -> None:
    """Replace an element with one of the type that it should have had."""
    film.add_new(keyword, dictionary_VR(keyword), value)


def _needed(film: Dataset, keyword: str, subject: str) -> int:
    value = whole(film, keyword)
    if value is not None and 0 < value < 1 << 16:
        return value
    how = "is missing" if value_of(film, keyword) is None else "is not understood"
    raise Refusal("unreadable", subject, f"its DICOM element {keyword} {how}", "export it anew")


def _settle_colours(film: Dataset, subject: str) -> None:
    said = "".join(
        letter for letter in text(film, "PhotometricInterpretation").upper() if letter.isalnum()
    )
    samples = whole(film, "SamplesPerPixel")
    # Two and four are of the standard, retired and not read; more are of none.
    if samples not in (1, 3) and (_is_coded(film) or samples not in (2, 4)):
        samples = 3 if said in _COLOURS else 1
    if said in _NOT_READ:
        raise unreadable(subject, "colours that are not read, by its PhotometricInterpretation")
    if samples not in (1, 3):
        raise unreadable(subject, "a DICOM file of other than 1 or 3 samples of up to 16 bits")
    _put(film, "SamplesPerPixel", samples)
    # What is compressed may have other samples than the header says.
    kind = _GREY.get(said) if samples == 1 or _is_coded(film) else None
    if samples == 3 or _is_coded(film):
        kind = kind or _COLOURS.get(said)
    if kind is None and samples == 1:
        palette = not said and "RedPaletteColorLookupTableDescriptor" in film
        kind = "PALETTE COLOR" if palette else "MONOCHROME2"
    elif kind is None:
        jpeg = transfer_syntax(film) in (JPEGBaseline8Bit, JPEGExtended12Bit)
        kind = "YBR_FULL_422" if jpeg else "RGB"
    _put(film, "PhotometricInterpretation", kind)
    planes = whole(film, "PlanarConfiguration")
    _put(film, "PlanarConfiguration", planes if planes in (0, 1) else 0)


def _settle_bits(film: Dataset, subject: str) -> None:
    """Settle the bits a sample takes, those of them that are used, and where they lie."""
    allocated = whole(film, "BitsAllocated")
    if _is_coded(film) and allocated not in (8, 16):
        allocated = 16  # until the frame tells
    allocated = allocated or _needed(film, "BitsAllocated", subject)
    if allocated not in (8, 16):
        raise unreadable(subject, "a DICOM file of other than 1 or 3 samples of up to 16 bits")
    highest, stored = whole(film, "HighBit"), whole(film, "BitsStored")
    if stored is None or not 1 <= stored <= allocated:
        # The highest bit is the last of those used, unless that is not to be understood either.
        known = highest is not None and 0 <= highest < allocated
        stored = highest + 1 if known and highest is not None else allocated
    if highest is None or not stored <= highest + 1 <= allocated:
        highest = stored - 1
    _put(film, "BitsAllocated", allocated)
    _put(film, "BitsStored", stored)
    _put(film, "HighBit", highest)


def judge_memory(film: Dataset, subject: str) -> None:
    """Refuse pixels that take too much memory, by the settled header, and wait for what they take.

    Raises:
        Refusal: `too_large`.
    """
    size = film.Rows * film.Columns * film.SamplesPerPixel * film.BitsAllocated // 8
    native = film.SamplesPerPixel == 1 and not _is_coded(film)
    largest = LARGEST_FILE if native else LARGEST_CODED
    if size > largest:
        problem = f"{size >> 20} MiB of pixels, at most {largest >> 20} MiB of this kind are read"
        raise Refusal("too_large", subject, problem, "export the film at a lower resolution")
    reserve(size * (_COPIES if native else _COPIES_CODED))
