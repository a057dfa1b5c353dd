"""Films with odd headers: the films, and what is no number and no whole number in an element."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from edge_runtime.bundle.records import Preprocess
from edge_runtime.film.preprocess import film_stages, standard
from tiny_bundle import film_array

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


def in_each_syntax(said: dict[str, Said]) -> list[tuple[str, str]]:
    """Return each name with each syntax that can hold its elements: one has no room for types."""
    typed = {
        name for name, row in said.items() if any(isinstance(one, tuple) for one in row.values())
    }
    return [(name, syntax) for name in said for syntax in SYNTAXES
            if syntax == "explicit" or name not in typed]  # fmt: skip
