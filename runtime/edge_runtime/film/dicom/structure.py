"""The elements of a DICOM file, found by their tags, types and lengths alone (PS3.5 section 7).

A file is walked once. What is not needed is skipped, not read, however long it is; what is needed
is compared with its limit before it is read. pydicom is given what was found here, and never the
file: it would read every element before it counts them.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from os import SEEK_END
from typing import TYPE_CHECKING, Any, NamedTuple

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement, empty_value_for_VR
from pydicom.tag import BaseTag
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32, VR

from edge_runtime.errors import Refusal
from edge_runtime.film.limits import (
    DEEPEST,
    LONGEST_OFFSETS,
    LONGEST_TABLE,
    LONGEST_VALUE,
    MOST_ELEMENTS,
    MOST_FRAGMENTS,
    MOST_ITEMS,
)

if TYPE_CHECKING:
    from typing import BinaryIO

UNDEFINED = 0xFFFFFFFF
PIXELS = 0x7FE00010
FLOATS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData"}
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_TYPES = {kind.encode(): str(kind) for kind in VR}
_LONG_TYPES = frozenset(map(str, EXPLICIT_VR_LENGTH_32))
_BINARY = (None, "OB", "OW", "US", "SS", "UN")  # what tables are of; text would take its time
_TABLES = ("LUTData", "PaletteColorLookupTableData")  # how their keywords end

EXPORT = "export it anew, as a plain picture"
"""The cure where a header is not what any device writes."""
TORN = "a DICOM file that is torn off within its pixels"


class Damaged(Exception):
    """The elements break off, or what stands there is none."""


class Element(NamedTuple):
    """The head of an element: its tag, its type where the file says it, and its value's length."""

    tag: int
    kind: str | None
    length: int


class PixelData(NamedTuple):
    """Where the pixels lie: from `place` up to `end`, at most to that of the file."""

    head: Element
    place: int
    end: int


class Found(NamedTuple):
    """What was found: an element as pydicom has it, or the items of a sequence."""

    elements: dict[BaseTag, RawDataElement]
    sequences: dict[BaseTag, list[Found]]


class Walk:
    """A walk through the elements of one file, which are counted on the way."""

    def __init__(self, stream: BinaryIO, subject: str, wanted: dict[int, str]) -> None:
        """Begin where `stream` stands; `wanted` are tags to be read, and their keywords."""
        place = stream.tell()
        self._size = stream.seek(0, SEEK_END)
        stream.seek(place)
        self.order = "<"
        self.implicit = False
        self._stream = stream
        self._subject = subject
        self._wanted = wanted
        self._left = MOST_ELEMENTS

    def begins_implicit(self) -> bool:
        """Tell whether the next element has no type, whatever the transfer syntax says."""
        begin = self._stream.read(6)
        self._stream.seek(-len(begin), 1)
        return not (len(begin) == 6 and all(0x40 < letter < 0x5B for letter in begin[4:]))

    def group(self, number: int, seen: Found) -> None:
        """Read what is wanted of the elements of one group, which stand before all others."""
        self.implicit = self.begins_implicit()
        place = self._stream.tell()
        while head := self.head(implicit=self.implicit):
            if head.tag >> 16 != number:
                break
            self._take(head, seen, implicit=self.implicit)
            place = self._stream.tell()
        self._stream.seek(place)

    def to_pixels(self, seen: Found) -> Element | None:
        """Read what is wanted of the elements before the pixels; return the head of the pixels."""
        while head := self.head(implicit=self.implicit):
            if head.tag == PIXELS or head.tag in FLOATS:
                return head
            if head.tag == _ITEM_END:
                return None
            self._take(head, seen, implicit=self.implicit)
        return None

    def pixels(self, head: Element, *, encapsulated: bool) -> PixelData:
        """Return where pixels lie, after walking by their fragments and what stands behind them.

        Raises:
            Damaged: their fragments break off.
            Refusal: they are in too many pieces, or stand there twice.
        """
        place = self._stream.tell()
        if head.length != UNDEFINED:
            end = min(place + head.length, self._size)
            with suppress(Damaged):  # it may be no compressed picture at all
                if encapsulated:
                    self._fragments(end)
            self._stream.seek(end)
        else:
            end = self._fragments(None)
        with suppress(Damaged):  # which takes nothing from the pixels
            self._refuse_more()
        return PixelData(head, place, end)

    def _refuse_more(self) -> None:
        """Refuse what has pixels behind its pixels; anything but greater tags is filling."""
        while (behind := self.head(implicit=self.implicit)) and behind.tag >= PIXELS:
            if behind.tag == PIXELS:
                problem = "a DICOM file with its pixels in it twice"
                raise Refusal("unreadable", self._subject, problem, EXPORT)
            self._skip(behind, implicit=self.implicit)

    def head(self, *, implicit: bool) -> Element | None:
        """Return the head of the next element, `None` at the end of the file."""
        if len(data := self._stream.read(8)) < 8:
            return None
        self._left -= 1
        if self._left < 0:
            problem = f"a DICOM file of more than {MOST_ELEMENTS} elements"
            raise Refusal("too_large", self._subject, problem, EXPORT)
        group, number, code, length = struct.unpack(f"{self.order}HH2sH", data)
        tag = group << 16 | number
        # Some writers leave types out in the middle of a file that has them.
        if implicit or not b"AA" <= code <= b"ZZ":
            return Element(tag, None, struct.unpack_from(f"{self.order}L", data, 4)[0])
        kind = _TYPES.get(code, "??")
        if kind in _LONG_TYPES:
            if len(data := self._stream.read(4)) < 4:
                return None
            (length,) = struct.unpack(f"{self.order}L", data)
        return Element(tag, kind, length)

    def _take(self, head: Element, seen: Found, *, implicit: bool) -> None:
        """Read a wanted element, or the wanted elements of a sequence's items; skip another."""
        keyword = self._wanted.get(head.tag)
        if keyword is None:
            self._skip(head, implicit=implicit)
        elif _is_sequence(head):
            self._take_sequence(head, keyword, seen, implicit=implicit)
        elif head.length == UNDEFINED:
            self._skip(head, implicit=implicit)
        else:
            self._take_value(head, keyword, seen)

    def _take_value(self, head: Element, keyword: str, seen: Found) -> None:
        is_table = keyword.endswith(_TABLES) and head.kind in _BINARY
        longest = LONGEST_TABLE if is_table else LONGEST_VALUE
        if head.length > longest:
            problem = f"its DICOM element {keyword} is longer than {longest} bytes"
            raise Refusal("unreadable", self._subject, problem, EXPORT)
        place = self._stream.tell()
        value: Any = self._stream.read(head.length)
        if not head.length:
            value = empty_value_for_VR(head.kind, raw=True)
        seen.sequences.pop(BaseTag(head.tag), None)
        seen.elements[BaseTag(head.tag)] = RawDataElement(
            BaseTag(head.tag), head.kind, head.length, value, place,
            self.implicit, self.order == "<",
        )  # fmt: skip

    def _take_sequence(self, head: Element, keyword: str, seen: Found, *, implicit: bool) -> None:
        """Read the items of a wanted sequence; one whose end is known may be damaged within."""
        end = None if head.length == UNDEFINED else self._stream.tell() + head.length
        items: list[Found] = []
        try:
            while end is None or self._stream.tell() < end:
                item = self._item()
                if item.tag == _SEQUENCE_END:
                    break
                if len(items) == MOST_ITEMS:
                    problem = f"its DICOM element {keyword} has more than {MOST_ITEMS} items"
                    raise Refusal("unreadable", self._subject, problem, EXPORT)
                items.append(self._in_item(item.length, implicit=implicit))
        except Damaged:
            if end is None:
                raise
            items = []
        if end is not None:
            self._stream.seek(end)
        seen.elements.pop(BaseTag(head.tag), None)
        seen.sequences[BaseTag(head.tag)] = items

    def _in_item(self, length: int, *, implicit: bool) -> Found:
        seen = Found({}, {})
        end = None if length == UNDEFINED else self._stream.tell() + length
        implicit = implicit or self.begins_implicit()
        while end is None or self._stream.tell() < end:
            head = self.head(implicit=implicit)
            if head is None:
                raise Damaged
            if head.tag == _ITEM_END:
                break
            if _is_sequence(head):  # none in an item is wanted
                self._skip(head, implicit=implicit)
            else:
                self._take(head, seen, implicit=implicit)
        return seen

    def _item(self) -> Element:
        """Return the head of an item, or of the end of its sequence.

        Raises:
            Damaged: it is neither.
        """
        item = self.head(implicit=True)
        if item is None or item.tag not in (_ITEM, _SEQUENCE_END):
            raise Damaged
        return item

    def _skip(self, head: Element, *, implicit: bool) -> None:
        """Go to the end of a value; one of undefined length has items, whatever its type is."""
        if head.length != UNDEFINED:
            self._stream.seek(head.length, 1)
            return
        # Whether what is open is an item, and whether the elements in it have no types.
        opened = [(False, implicit)]
        while opened:
            if len(opened) > 2 * DEEPEST:
                problem = f"a DICOM file of more than {DEEPEST} sequences within one another"
                raise Refusal("too_large", self._subject, problem, EXPORT)
            is_item, implicit = opened[-1]
            inner = self.head(implicit=implicit) if is_item else self._item()
            if inner is None:
                raise Damaged
            if inner.tag == (_ITEM_END if is_item else _SEQUENCE_END):
                opened.pop()
            elif inner.length != UNDEFINED:
                self._stream.seek(inner.length, 1)
            elif is_item:
                opened.append((False, implicit))
            else:
                opened.append((True, implicit or self.begins_implicit()))

    def _fragments(self, end: int | None) -> int:
        """Walk by the fragments of compressed pixels, and return where the last one ends."""
        place, count = self._stream.tell(), 0
        while end is None or place < end:
            fragment = self._item()
            if fragment.tag == _SEQUENCE_END:
                return place
            if not count and fragment.length > LONGEST_OFFSETS:
                problem = f"a DICOM file whose offset table is longer than {LONGEST_OFFSETS} bytes"
                raise Refusal("unreadable", self._subject, problem, EXPORT)
            if count > MOST_FRAGMENTS:
                problem = f"a DICOM file whose pixels are in more than {MOST_FRAGMENTS} pieces"
                raise Refusal("too_large", self._subject, problem, EXPORT)
            if fragment.length == UNDEFINED:
                raise Damaged
            place, count = self._stream.seek(fragment.length, 1), count + 1
        return place


def _is_sequence(head: Element) -> bool:
    """Tell whether an element is a sequence, by its type or, where it has none, by its tag."""
    if head.kind in (None, "UN") and head.tag >> 16 & 1 == 0:
        try:
            return dictionary_VR(head.tag) == VR.SQ
        except KeyError:
            return False
    return head.kind == "SQ"
