"""One element of a header at a time: what it can be understood to say, and never an error.

The standard gives each element a type and a number of values (PS3.5 section 6.2, PS3.6), and files
keep to neither. What is missing and what is not understood are the same to those who ask here.
"""

from __future__ import annotations

import re
import struct
import zlib
from contextlib import suppress
from math import isfinite
from typing import TYPE_CHECKING, Any

from pydicom.charset import convert_encodings, decode_bytes
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_UNDERSTOOD = (
    BytesLengthException, InvalidDicomError, ArithmeticError, AssertionError, AttributeError,
    EOFError, LookupError, RuntimeError, TypeError, ValueError, struct.error, zlib.error, Warning,
)  # fmt: skip
"""What pydicom and the decoders raise on hostile, torn or odd input; `Warning` is for programs that
turn warnings into exceptions."""

_PADDING = " \0\t\r\n"
_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)  # 1,024 is one number or another
# Tried where the character set is missing or wrong; the first of them in which a text is
# understood counts.
_CHARACTER_SETS = (
    "utf-8", "gb18030", "shift_jis", "iso2022_jp", "euc_jp", "euc_kr", "big5", "cp1251",
    "iso8859_5", "koi8_r", "cp866", "cp1253", "iso8859_7", "cp1256", "iso8859_6", "cp1255",
    "cp874", "cp1258", "cp1250", "iso8859_2", "cp1254", "cp1252", "cp850", "mac_roman",
)  # fmt: skip


def value_of(header: Dataset, keyword: str) -> Any:
    """Return what pydicom makes of an element, its bytes where it can make nothing of it.

    `None` where the element is missing or empty.
    """
    try:
        return header[keyword].value
    except KeyError:
        return None
    except NOT_UNDERSTOOD:
        return header.get_item(keyword).value


def text(header: Dataset, keyword: str) -> str:
    """Return an element as text, several values joined by a backslash: nothing where it has none.

    Letters beyond ASCII are those of Latin-1, whatever they are.
    """
    found = value_of(header, keyword)
    if isinstance(found, bytes):
        found = found.decode("latin-1")
    elif isinstance(found, MultiValue | list):
        found = "\\".join(map(str, found))
    return "" if found is None or isinstance(found, Sequence) else str(found).strip(_PADDING)


def readings(header: Dataset, keyword: str) -> Iterator[str]:
    """Yield what the bytes of a text can be read as, by the header's character set first.

    pydicom knows an element of type CS in ASCII alone (PS3.5, 6.1.2.2), in which no device of
    Japan, Russia or Greece keeps to it.
    """
    raw = header.get_item(keyword) if keyword in header else None
    found = raw.value if raw is not None else None
    if not isinstance(found, bytes) or (found.isascii() and b"\x1b" not in found):
        yield text(header, keyword)
        return
    if declared := [one for one in text(header, "SpecificCharacterSet").split("\\") if one]:
        with suppress(*NOT_UNDERSTOOD):
            yield decode_bytes(found, convert_encodings(declared), set())
    for encoding in _CHARACTER_SETS:
        with suppress(ValueError):
            yield found.decode(encoding)


def numbers(header: Dataset, keyword: str) -> list[float | None]:
    """Return the values of an element as finite numbers, `None` for each that is none.

    A comma is taken for a point, unless it may part thousands.
    """
    found = value_of(header, keyword)
    if isinstance(found, bytes):
        found = found.decode("latin-1")
    if isinstance(found, str):
        found = found.split("\\")
    elif isinstance(found, int | float):
        found = [found]
    return [_number(one) for one in found] if isinstance(found, MultiValue | list) else []


def _number(one: Any) -> float | None:
    if isinstance(one, str):
        one = one.strip(_PADDING)
        if not _NUMBER.fullmatch(one) or _THOUSANDS.fullmatch(one):
            return None
        one = one.replace(",", ".")
    with suppress(ValueError, TypeError, OverflowError):
        if isfinite(found := float(one)):
            return found
    return None


def number(header: Dataset, keyword: str) -> float | None:
    """Return the one number that an element is for; several are none, unless they are the same."""
    found = {one for one in numbers(header, keyword) if one is not None}
    return found.pop() if len(found) == 1 else None


def whole(header: Dataset, keyword: str) -> int | None:
    """Return the one whole number that an element is for."""
    found = number(header, keyword)
    return int(found) if found is not None and found.is_integer() else None


def items(header: Dataset, keyword: str) -> list[Dataset]:
    """Return the items of a sequence."""
    found = value_of(header, keyword)
    return list(found) if isinstance(found, Sequence) else []
