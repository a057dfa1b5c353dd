"""Reading one element of a header: what can be understood of it, and never an error.

The standard gives each element a type and a number of values (PS3.5 section 6.2, PS3.6), and files
keep to neither. What is not understood is treated as if it were missing.
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
    value = value_of(header, keyword)
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    elif isinstance(value, MultiValue | list):
        value = "\\".join(map(str, value))
    return "" if value is None or isinstance(value, Sequence) else str(value).strip(_PADDING)


def readings(header: Dataset, keyword: str) -> Iterator[str]:
    """Yield what the bytes of a text can be read as, by the header's character set first.

    pydicom knows an element of type CS in ASCII alone (PS3.5, 6.1.2.2), in which no device of
    Japan, Russia or Greece keeps to it.
    """
    raw = header.get_item(keyword) if keyword in header else None
    data = raw.value if raw is not None else None
    if not isinstance(data, bytes) or (data.isascii() and b"\x1b" not in data):
        yield text(header, keyword)
        return
    if declared := [name for name in text(header, "SpecificCharacterSet").split("\\") if name]:
        with suppress(*NOT_UNDERSTOOD):
            yield decode_bytes(data, convert_encodings(declared), set())
    for encoding in _CHARACTER_SETS:
        with suppress(ValueError):
            yield data.decode(encoding)


def numbers(header: Dataset, keyword: str) -> list[float | None]:
    """Return the values of an element as finite numbers, `None` for each that is none.

    A comma is taken for a point, unless it may part thousands.
    """
    value = value_of(header, keyword)
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, str):
        value = value.split("\\")
    elif isinstance(value, int | float):
        value = [value]
    return [_number(item) for item in value] if isinstance(value, MultiValue | list) else []


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        value = value.strip(_PADDING)
        if not _NUMBER.fullmatch(value) or _THOUSANDS.fullmatch(value):
            return None
        value = value.replace(",", ".")
    with suppress(ValueError, TypeError, OverflowError):
        if isfinite(parsed := float(value)):
            return parsed
    return None


def number(header: Dataset, keyword: str) -> float | None:
    """Return the number that an element holds; several that differ count as none."""
    values = {value for value in numbers(header, keyword) if value is not None}
    return values.pop() if len(values) == 1 else None


def whole(header: Dataset, keyword: str) -> int | None:
    """Return the whole number that an element holds; several that differ count as none."""
    value = number(header, keyword)
    return int(value) if value is not None and value.is_integer() else None


def items(header: Dataset, keyword: str) -> list[Dataset]:
    """Return the items of a sequence."""
    value = value_of(header, keyword)
    return list(value) if isinstance(value, Sequence) else []
