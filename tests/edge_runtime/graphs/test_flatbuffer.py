"""No offset, layout or vector of a FlatBuffer is followed out of the file, and none without end."""

from __future__ import annotations

import struct

import pytest

from edge_runtime.graphs.flatbuffer import FlatBuffer
from edge_runtime.graphs.limits import GraphFault


def buffer(*words: int) -> FlatBuffer:
    """Return a FlatBuffer of numbers of 32 bits."""
    return FlatBuffer(memoryview(bytearray(struct.pack(f"<{len(words)}i", *words))))


@pytest.mark.parametrize("offset", [0, -4, 1, 2, 100, 1 << 30, -(1 << 31)])
def test_an_offset_out_of_the_file_or_between_words_is_refused(offset: int) -> None:
    with pytest.raises(GraphFault):
        buffer(offset, 0, 0).follow(0)
    assert buffer(8, 0, 0).follow(0) == 8


def table(layout: tuple[int, ...], *, at: int = 12) -> FlatBuffer:
    """Return a FlatBuffer with a layout at 4 and its table at 12, of two words beside its own."""
    halves = struct.pack(f"<{len(layout)}H", *layout).ljust(8, b"\0")
    data = struct.pack("<i", at) + halves + struct.pack("<iii", at - 4, 1, 2)
    return FlatBuffer(memoryview(bytearray(data)))


def test_fields_are_found_where_the_layout_says() -> None:
    assert table((8, 12, 4, 8)).table(12, "ii") == (4, 8, 12)
    assert table((6, 12, 4)).table(12, "ii") == (4, 0, 12)


@pytest.mark.parametrize(
    ("layout", "fields"),
    [
        ((8, 12, 4, 12), "ii"),  # behind the table
        ((8, 12, 4, 2), "ii"),  # within its first word
        ((8, 12, 4, 6), "ii"),  # between words
        ((8, 12, 4, 8), "i"),  # a field too many
        ((8, 12, 4, 8), "i-"),  # one that may not be there
        ((7, 12, 4, 8), "ii"),
        ((2, 12), "ii"),
        ((64, 12), "ii"),
        ((8, 16, 4, 8), "ii"),  # a table that ends behind the file
        ((8, 2, 0, 0), "ii"),
    ],
)
def test_a_layout_that_cannot_be_is_refused(layout: tuple[int, ...], fields: str) -> None:
    with pytest.raises(GraphFault):
        table(layout).table(12, fields)


def test_a_table_whose_layout_lies_out_of_the_file_is_refused() -> None:
    for step in (1 << 20, -(1 << 20), 13):
        with pytest.raises(GraphFault):
            buffer(4, step, 0, 0).table(4, "i")


def test_vectors_end_within_the_file_and_hold_no_more_than_it_does() -> None:
    flat = buffer(4, 2, 7, 9)
    assert flat.numbers(0) == [7, 9]
    for length in (3, 1 << 29, -1):
        with pytest.raises(GraphFault):
            buffer(4, length, 7, 9).numbers(0)
    with pytest.raises(GraphFault):  # the same vector, again and again
        for _ in range(9):
            flat.numbers(0)
    with pytest.raises(GraphFault, match="2 numbers"):
        buffer(4, 2, 7, 9).numbers(0, 1)


def test_a_string_ends_with_a_zero_and_is_text() -> None:
    def text(data: bytes) -> str:
        return FlatBuffer(memoryview(bytearray(struct.pack("<ii", 4, 4) + data))).text(0)

    assert text(b"name\0\0\0\0") == "name"
    for data in (b"name", b"nameX\0\0\0", b"n\xff\xfee\0\0\0\0", b"na\0e\0\0\0\0"):
        with pytest.raises(GraphFault):
            text(data)
