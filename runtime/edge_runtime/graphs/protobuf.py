"""Reading protocol buffers that nobody has verified, strictly: https://protobuf.dev/programming-guides/encoding.

A field that is not expected, that stands twice where one is meant, or whose kind is another one is
refused: what merges or is skipped elsewhere must not be read in another way than here.
"""

from __future__ import annotations

from edge_runtime.graphs.limits import MOST_FIELDS, GraphFault

Span = tuple[int, int]
"""Where bytes begin and end."""

_LONGEST_PACKED = 640  # bytes: 64 numbers, as they are longest
_WIRES = {"v": 0, "V": 0, "s": 2, "S": 2, "f": 5, "F": 2}


class Wire:
    """The bytes of a file, and how many fields of it may still be read."""

    __slots__ = ("data", "left")

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.left = MOST_FIELDS


class Message:
    """The fields of a message between two places of a file, by number, as lists.

    `fields` gives the kind of each: `v` for a varint, `s` for a span of bytes, `f` for four bytes;
    capitals for those that may stand several times.
    """

    __slots__ = ("_fields", "data")

    def __init__(self, wire: Wire, span: Span, fields: dict[int, str]) -> None:
        """Read the message.

        Raises:
            GraphFault: it is none of this kind, or the file has more fields than it may.
        """
        self.data = wire.data
        self._fields: dict[int, list[object]] = {}
        at, end = span
        while at < end:
            key, at = varint(wire.data, at, end)
            kind = fields.get(key >> 3)
            wire.left -= 1
            if kind is None or wire.left < 0:
                raise GraphFault(f"a field {key >> 3} that is not known here, or too many")
            values = self._fields.setdefault(key >> 3, [])
            if values and kind.islower():
                raise GraphFault(f"a field {key >> 3} that stands twice")
            at = _read(wire.data, (at, end), key & 7, kind, values)

    def span(self, number: int) -> Span | None:
        """Return where the bytes of a field lie, or nothing where it is left out."""
        values = self._fields.get(number)
        return values[0] if values else None  # type: ignore[return-value]

    def spans(self, number: int) -> list[Span]:
        """Return where the bytes of each of these fields lie."""
        return self._fields.get(number, [])  # type: ignore[return-value]

    def number(self, number: int, default: int = 0) -> int:
        """Return the value of a field, with its sign."""
        values = self._fields.get(number)
        return signed(values[0]) if values else default  # type: ignore[arg-type]

    def numbers(self, number: int) -> tuple[int, ...]:
        """Return the values of all these fields, with their signs."""
        return tuple(map(signed, self._fields.get(number, ())))  # type: ignore[arg-type]

    def text(self, number: int) -> str:
        """Return a string, empty where it is left out.

        Raises:
            GraphFault: it is no text.
        """
        span = self.span(number)
        return text(self.data, span) if span else ""

    def texts(self, number: int) -> list[str]:
        """Return strings.

        Raises:
            GraphFault: one is no text.
        """
        return [text(self.data, span) for span in self.spans(number)]

    def __contains__(self, number: int) -> bool:
        return number in self._fields


def _read(data: memoryview, span: Span, wire: int, kind: str, values: list[object]) -> int:
    """Read a field into `values`, and return the place behind it."""
    at, end = span
    if wire == 0 == _WIRES[kind]:
        value, at = varint(data, at, end)
        values.append(value)
        return at
    length = 4
    if wire == 2 and kind in "sSFV":
        length, at = varint(data, at, end)
    elif wire != 5 or kind != "f":
        raise GraphFault("a field of another kind")
    after = at + length
    if after > end or (kind == "V" and length > _LONGEST_PACKED):
        raise GraphFault("a field leads out of the file, or is too long")
    # Numbers that may stand several times are packed, or not.
    values.extend(varints(data, (at, after)) if kind == "V" else [(at, after)])
    return after


def text(data: memoryview, span: Span) -> str:
    """Return the text between two places.

    Raises:
        GraphFault: it is none.
    """
    try:
        return str(data[span[0] : span[1]], "utf-8")
    except UnicodeDecodeError:
        raise GraphFault("a string is no text") from None


def varint(data: memoryview, at: int, end: int) -> tuple[int, int]:
    """Return the number of 64 bits at a place, and the place behind it.

    Raises:
        GraphFault: there is none.
    """
    value = shift = 0
    while at < end and shift < 64:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & 0xFFFFFFFFFFFFFFFF, at
        shift += 7
    raise GraphFault("a number does not end")


def varints(data: memoryview, span: Span) -> list[int]:
    """Return the numbers between two places.

    Raises:
        GraphFault: the last does not end.
    """
    at, end = span
    values = []
    while at < end:
        value, at = varint(data, at, end)
        values.append(value)
    return values


def signed(value: int) -> int:
    """Return a number of 64 bits with its sign."""
    return value - (1 << 64) if value >> 63 else value
