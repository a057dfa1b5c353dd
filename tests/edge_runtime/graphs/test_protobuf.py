"""A protocol buffer is read in one way or refused, and its end is the end."""

from __future__ import annotations

import pytest

from edge_runtime.graphs.limits import MOST_FIELDS, GraphFault
from edge_runtime.graphs.protobuf import Message, Wire, signed, varint

KINDS = {1: "v", 2: "s", 3: "S", 4: "V", 5: "f"}


def message(data: bytes) -> Message:
    return Message(Wire(memoryview(data)), (0, len(data)), KINDS)


def test_fields_are_read_by_their_kind() -> None:
    read = message(
        b"\x08\x96\x01\x12\x03abc\x1a\x01x\x1a\x01y\x22\x02\x01\x02\x20\x03\x2d\0\0\x80\x3f"
    )
    assert read.number(1) == 150
    assert read.text(2) == "abc"
    assert read.texts(3) == ["x", "y"]
    assert read.numbers(4) == (1, 2, 3)
    assert read.span(5) is not None
    assert message(b"").number(1, 7) == 7


@pytest.mark.parametrize(
    "data",
    [
        b"\x08",  # nothing behind its tag
        b"\x08\xff",  # a number that does not end
        b"\x08" + b"\xff" * 10 + b"\x01",  # one of more than 64 bits
        b"\x12\x05abc",  # a span that is longer than the file
        b"\x08\x01\x08\x02",  # a field twice that is meant once
        b"\x0a\x01x",  # a span where a number is meant
        b"\x10\x01",  # a number where a span is meant
        b"\x0b\x0c",  # a group
        b"\x09" + bytes(8),  # eight bytes
        b"\x32\x01x",  # a field that is not known
        b"\x2d\0\0",  # four bytes of which there are two
        b"\x22" + b"\xc8\x0a" + b"\x01" * 1352,  # more numbers than any list of ours has
    ],
)  # fmt: skip
def test_what_can_be_read_in_two_ways_or_does_not_end_is_refused(data: bytes) -> None:
    with pytest.raises(GraphFault):
        message(data)


def test_text_is_text() -> None:
    with pytest.raises(GraphFault, match="a string is no text"):
        message(b"\x12\x01\xff").text(2)


def test_a_file_has_so_many_fields_and_no_more() -> None:
    wire = Wire(memoryview(b"\x1a\0" * 10))
    wire.left = 9
    with pytest.raises(GraphFault, match="too many"):
        Message(wire, (0, 20), KINDS)
    assert Wire(memoryview(b"")).left == MOST_FIELDS


def test_numbers_have_signs() -> None:
    assert signed((1 << 64) - 1) == -1
    assert signed(1 << 62) == 1 << 62
    assert varint(memoryview(b"\xff" * 9 + b"\x01"), 0, 10) == ((1 << 64) - 1, 10)
