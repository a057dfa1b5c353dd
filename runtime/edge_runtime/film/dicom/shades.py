"""From stored values to what a viewer would show: grey of eight or sixteen bits, or colours.

It is computed once for each value that the stored bits can hold, and each pixel looks its grey
level up in that table: a film of 16 million pixels costs no floats.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut, apply_windowing

from edge_runtime.film.dicom.elements import (
    NOT_UNDERSTOOD,
    items,
    number,
    numbers,
    text,
    value_of,
    whole,
)
from edge_runtime.film.dicom.frame import bounds
from edge_runtime.film.dicom.palette import refuse_endless
from edge_runtime.film.refuse import unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    Array = np.ndarray[Any, Any]

_PIXELS_AT_ONCE = 1 << 18


def grey(film: Dataset, stored: Array, subject: str) -> Image.Image:
    """Return stored values as `L` or, of more than eight bits, as `I;16`.

    Raises:
        Refusal: `unreadable`: a table contradicts itself.
    """
    bits = film.BitsStored
    lowest, highest = bounds(film)
    # The value of each bit pattern: two's complement begins with the positive ones.
    values = np.roll(np.arange(lowest, highest + 1), lowest)
    with np.errstate(all="ignore"):
        shades = _shades(film, values, subject)
    if film.PhotometricInterpretation == "MONOCHROME1":
        shades = -shades
    padding = _padding(film, values)
    darkest, brightest = shades[~padding].min(), shades[~padding].max()
    scale = ((1 << bits) - 1) / (brightest - darkest or 1)
    table = np.rint((shades.clip(darkest, brightest) - darkest) * scale)
    table = table.astype("u1" if bits <= 8 else "<u2")
    if padding.any():
        seen = np.zeros(len(table), bool)
        for _, codes in _codes(film, stored):
            seen[codes] = True
        # As dark as the film gets: black beyond it would move the percentiles.
        table[padding] = table[seen & ~padding].min(initial=table[~padding].max())
    grey = np.empty(stored.shape, table.dtype)
    for rows, codes in _codes(film, stored):
        grey[rows] = table[codes]
    mode = "L" if bits <= 8 else "I;16"
    return Image.frombuffer(mode, (film.Columns, film.Rows), grey, "raw", mode, 0, 1)


def _codes(film: Dataset, stored: Array) -> Iterator[tuple[slice, Array]]:
    """Yield the bit patterns of the stored values as unsigned numbers, some rows at a time."""
    shift, mask = 0, (1 << film.BitsStored) - 1
    if not film.file_meta.TransferSyntaxUID.is_encapsulated:
        shift = film.HighBit + 1 - film.BitsStored
    patterns = stored.view(stored.dtype.str.replace("i", "u"))
    step = max(1, _PIXELS_AT_ONCE // film.Columns)
    for first in range(0, film.Rows, step):
        rows = slice(first, first + step)
        yield rows, patterns[rows] >> shift & mask


def _shades(film: Dataset, values: Array, subject: str) -> Array:
    """Return what a viewer shows for stored values: modality LUT or rescale, VOI LUT or window.

    A table takes precedence over the rescaling or the window in its place. A table that
    contradicts itself is damage, even where there is a rescaling or a window.
    """
    rescale = _rescale(film, values)
    tabled = _looked_up(values, film, "ModalityLUTSequence", subject)
    if tabled is not None:
        values = tabled
    elif rescale is not None:
        values = values * rescale[0] + rescale[1]
    window = _window(film)
    tabled = _looked_up(values, film, "VOILUTSequence", subject)
    if tabled is not None:
        values = tabled
    elif window is not None:
        values = apply_windowing(values, window)
    return values.astype(float)


def _rescale(film: Dataset, values: Array) -> tuple[float, float] | None:
    """Return slope and intercept, of which a missing one is 1 or 0 (PS3.3 C.11.1).

    None where both are missing, and where they would make one of several values: a slope of 0, or
    numbers that are too large or too small for the values to be told apart.
    """
    slope, intercept = number(film, "RescaleSlope"), number(film, "RescaleIntercept")
    if slope is None and intercept is None:
        return None
    slope, intercept = slope or 1.0, intercept or 0.0
    for end, next_to_it in ((values.min(), 1), (values.max(), -1)):
        first, second = (float(at) * slope + intercept for at in (end, end + next_to_it))
        if not (isfinite(first) and isfinite(second) and first != second):
            return None
    return slope, intercept


def _window(film: Dataset) -> Dataset | None:
    """Return the first valid window, with only the elements that `apply_windowing` needs.

    The rescaling is left out: pydicom only takes its range of results from it, and inverts that
    range where the slope is negative.
    """
    function = text(film, "VOILUTFunction").upper().replace(" ", "_")
    if function not in ("LINEAR_EXACT", "SIGMOID"):
        function = "LINEAR"  # which is meant by none, and shown for others (PS3.3 C.11.2.1.3)
    for center, width in zip(
        numbers(film, "WindowCenter"), numbers(film, "WindowWidth"), strict=False
    ):
        # PS3.3 C.11.2.1.2.1 and C.11.2.1.3: no width below 1, or none of 0.
        if center is None or width is None or width <= 0 or (function == "LINEAR" and width < 1):
            continue
        window = Dataset()
        window.PhotometricInterpretation = film.PhotometricInterpretation
        window.BitsStored, window.PixelRepresentation = film.BitsStored, film.PixelRepresentation
        window.VOILUTFunction = function
        window.add_new("WindowCenter", "FD", center)
        window.add_new("WindowWidth", "FD", width)
        return window
    return None


def _looked_up(values: Array, film: Dataset, sequence: str, subject: str) -> Array | None:
    """Return the entry of a table for each value, the ends for those beyond it (PS3.3 C.11.1.1).

    None where there is no table.

    Raises:
        Refusal: `unreadable`: there is one, and it does not fit its descriptor.
    """
    for item in items(film, sequence):
        try:
            looked_up = _entries(values, film, item)
        except ValueError:
            problem = f"its DICOM element {sequence} has a table that its descriptor does not fit"
            raise unreadable(subject, problem) from None
        if looked_up is not None:
            return looked_up
    return None


def _entries(values: Array, film: Dataset, item: Dataset) -> Array | None:
    """Return the entry of the table in `item` for each value, None where no table is in it.

    pydicom's own function overflows where entries of 8 bits stand for more than 256 values.

    Raises:
        ValueError: the table does not fit its descriptor.
    """
    descriptor = numbers(item, "LUTDescriptor")
    if len(descriptor) != 3 or None in descriptor[:2]:
        return None
    # Only now, since it takes its time: of many tables, one is used.
    data = value_of(item, "LUTData")
    if not data:
        return None
    entries = int(descriptor[0] or 0) or 1 << 16
    # Signed if what goes in is (PS3.3 C.11.2.1.1): pydicom goes by what lies in the file.
    first = _wrapped(descriptor[1], 16, signed=values.min() < 0)
    if isinstance(data, bytes):
        order = "<" if film.file_meta.TransferSyntaxUID.is_little_endian else ">"
        packed = len(data) - entries in (0, entries % 2)  # a byte an entry, an even number in all
        data = np.frombuffer(data, "u1" if packed else f"{order}u2")[: entries if packed else None]
    # As integers that know a sign, or what lies before the next table's first would wrap around.
    table: Array = np.atleast_1d(data).astype(int)
    bits = int(descriptor[2] or 16)
    if len(table) != entries or not 0 <= table.min() <= table.max() < 1 << max(bits, 8):
        raise ValueError("a table that does not fit its descriptor")
    looked_up: Array = table[np.rint(values - first).clip(0, entries - 1).astype(int)]
    return looked_up


def _padding(film: Dataset, values: Array) -> Array:
    """Tell which values fill the place around the film (PS3.3 C.7.5.1.1.2)."""
    padding, limit = whole(film, "PixelPaddingValue"), whole(film, "PixelPaddingRangeLimit")
    if padding is None:
        return np.zeros(len(values), bool)
    ends = sorted(
        # Some files call the number unsigned where their pixels are signed.
        _wrapped(end, film.BitsAllocated, signed=bool(film.PixelRepresentation))
        for end in (padding, padding if limit is None else limit)
    )
    is_padding: Array = (values >= ends[0]) & (values <= ends[1])
    # What leaves no film is no padding.
    return np.zeros(len(values), bool) if is_padding.all() else is_padding


def _wrapped(number: Any, bits: int, *, signed: bool) -> int:
    """Return the value of a number's lowest `bits`, in two's complement where `signed`."""
    least = -(1 << bits - 1) if signed else 0
    return (int(number) - least) % (1 << bits) + least


def colour(film: Dataset, stored: Array, subject: str) -> Image.Image:
    """Return a palette's or a true-colour picture as `RGB` of eight bits a sample."""
    kind = film.PhotometricInterpretation
    if kind == "PALETTE COLOR":
        try:
            refuse_endless(film, subject)
            table = apply_color_lut(np.arange(1 << film.BitsStored, dtype="u2"), film)
        except NOT_UNDERSTOOD:
            problem = "a DICOM file whose RedPaletteColorLookupTable, or that of green or blue,"
            raise unreadable(subject, f"{problem} is missing or not understood") from None
        if table.dtype.itemsize > 1:
            table = (table >> 8).astype("u1")
        colours = np.empty((*stored.shape, 3), "u1")
        for rows, codes in _codes(film, stored):
            colours[rows] = table[codes]
        mode = "RGB"
    elif kind in ("RGB", "YBR_FULL", "YBR_FULL_422"):
        colours = stored
        if colours.dtype.itemsize > 1:
            colours = (colours >> max(0, film.BitsStored - 8)).astype("u1")
        mode = "RGB" if kind == "RGB" else "YCbCr"  # which Pillow means as JFIF, and DICOM does
    else:
        raise unreadable(subject, "a DICOM file in colours that are not read")
    return Image.frombytes(mode, (film.Columns, film.Rows), colours.tobytes()).convert("RGB")
