"""Reading a FlatBuffer that nobody has verified: every offset is looked at before it is followed.

The layout is that of https://flatbuffers.dev/internals. What the schema does not have here is
refused, since an engine might read it. Vectors may not hold more bytes together than the file has,
so that no vector is read a thousand times by a thousand tables.
"""

from __future__ import annotations

from edge_runtime.graphs.limits import MOST_NUMBERS, GraphFault

_SIZES = {"b": 1, "h": 2, "i": 4, "f": 4, "V": 4, "T": 4, "q": 8}


class FlatBuffer:
    """The tables and vectors of `data`, whose words are numbers of 32 bits with a sign."""

    __slots__ = ("_layouts", "_numbers", "_room", "data", "floats", "halves", "size", "words")

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.size = len(data) & ~3
        self.words = data[: self.size].cast("i")
        self.floats = data[: self.size].cast("f")
        self.halves = data[: self.size].cast("H")
        self._layouts: dict[tuple[int, str], tuple[int, ...]] = {}
        self._room = len(data)
        self._numbers = MOST_NUMBERS

    def follow(self, place: int) -> int:
        """Return where the offset at `place` leads.

        Raises:
            GraphFault: it leads out of the file, or to no place of a table or vector.
        """
        step = self.words[place >> 2]
        place += step
        if step <= 0 or place & 3 or place > self.size - 4:
            raise GraphFault("an offset leads out of the file")
        return place

    def table(self, place: int, fields: str) -> tuple[int, ...]:
        """Return how far behind `place` each field of a table lies, 0 where it is left out.

        `fields` has a letter for each of the schema: `b` and `h` for one and two bytes, `i` and `f`
        for four, `q` for eight, `V` for an offset, `-` for what may not be there. The length of the
        table comes last.

        Raises:
            GraphFault: table or fields lie out of the file, or the schema has no such field.
        """
        vtable = place - self.words[place >> 2]
        layout = self._layouts.get((vtable, fields))
        if layout is None:
            layout = self._layouts[vtable, fields] = self._layout(vtable, fields)
        if place + layout[-1] > self.size:
            raise GraphFault("a table leads out of the file")
        return layout

    def _layout(self, vtable: int, fields: str) -> tuple[int, ...]:
        if vtable & 1 or not 0 <= vtable <= self.size - 4:
            raise GraphFault("a table's layout lies out of the file")
        length, whole = self.halves[vtable >> 1], self.halves[(vtable >> 1) + 1]
        if length & 1 or length < 4 or vtable + length > self.size or whole < 4:
            raise GraphFault("a table's layout is none")
        first = (vtable >> 1) + 2
        offsets = self.halves[first : first + (length - 4 >> 1)].tolist()
        if any(offsets[len(fields) :]):
            raise GraphFault("a table has a field that is not known here")
        del offsets[len(fields) :]
        for offset, kind in zip(offsets, fields, strict=False):
            if not offset:
                continue
            if kind == "-":
                raise GraphFault("a table has a field that no graph of ours has")
            size = _SIZES[kind]
            if offset < 4 or offset + size > whole or offset & min(size, 4) - 1:
                raise GraphFault("a table's field lies out of it")
        return (*offsets, *[0] * (len(fields) - len(offsets)), whole)

    def vector(self, place: int, size: int) -> tuple[int, int]:
        """Return where the vector begins that the offset at `place` leads to, and its length.

        `size` is the bytes of an element.

        Raises:
            GraphFault: it does not lie in the file, or vectors are longer than that together.
        """
        start = self.follow(place)
        length = self.words[start >> 2]
        start += 4
        taken = length * size
        self._room -= taken
        if length < 0 or start + taken > len(self.data) or self._room < 0:
            raise GraphFault("a vector leads out of the file")
        return start, length

    def numbers(self, place: int, most: int = MOST_NUMBERS) -> list[int]:
        """Return the vector of up to `most` numbers of 32 bits that the offset at `place` leads to.

        Raises:
            GraphFault: it does not lie in the file, is longer, or all are longer than may be.
        """
        start, length = self.vector(place, 4)
        self._numbers -= length
        if length > most or self._numbers < 0:
            raise GraphFault(f"{length} numbers in a vector")
        start >>= 2
        if start + length > len(self.words):
            raise GraphFault("a vector leads out of the file")
        return self.words[start : start + length].tolist()

    def tables(self, place: int, most: int) -> list[int]:
        """Return the places of the tables in the vector that the offset at `place` leads to.

        Raises:
            GraphFault: one of them lies out of the file, or there are more than `most`.
        """
        start, length = self.vector(place, 4)
        if length > most:
            raise GraphFault(f"{length} tables where there may be {most}")
        last, places = self.size - 4, []
        first = start >> 2
        for step in self.words[first : first + length].tolist():
            target = start + step
            if step <= 0 or target & 3 or target > last:
                raise GraphFault("an offset leads out of the file")
            places.append(target)
            start += 4
        return places

    def text(self, place: int) -> str:
        """Return the string of UTF-8 to which the offset at `place` leads, and which a zero ends.

        Raises:
            GraphFault: it leads to none, or there is more of it behind a zero.
        """
        start, length = self.vector(place, 1)
        if start + length >= len(self.data) or self.data[start + length]:
            raise GraphFault("a string does not end")
        try:
            string = str(self.data[start : start + length], "utf-8")
        except UnicodeDecodeError:
            raise GraphFault("a string is no text") from None
        if "\0" in string:  # an engine would read the beginning alone
            raise GraphFault("a string holds a zero")
        return string
