"""Where a graph holds what its readers believe: found by a reader that notes each place."""

from __future__ import annotations

from unittest.mock import patch

from edge_runtime.graphs import onnx, protobuf, tflite
from edge_runtime.graphs.flatbuffer import _SIZES, FlatBuffer

Place = tuple[int, int]
"""Offset and bytes of one number."""
_FEW = 24  # elements of a vector that are places of their own: the first ones and the last


class NotingFlatBuffer(FlatBuffer):
    """A FlatBuffer that notes every number that is read of it."""

    __slots__ = ("places",)

    def __init__(self, data: memoryview) -> None:
        super().__init__(data)
        self.places: list[Place] = [(0, 4), (4, 4)]

    def follow(self, place: int) -> int:
        self.places.append((place, 4))
        return super().follow(place)

    def table(self, place: int, fields: str) -> tuple[int, ...]:
        layout = super().table(place, fields)
        vtable = place - self.words[place >> 2]
        self.places.append((place, 4))
        length = self.halves[vtable >> 1]
        self.places += [(at, 2) for at in range(vtable, vtable + length, 2)][: 2 + len(fields)]
        self.places += [
            (place + at, _SIZES[kind])
            for at, kind in zip(layout, fields, strict=False) if at and kind in _SIZES
        ]  # fmt: skip
        return layout

    def vector(self, place: int, size: int) -> tuple[int, int]:
        start, length = super().vector(place, size)
        self.places.append((start - 4, 4))
        few = [*range(min(length, _FEW)), *range(max(_FEW, length - 4), length)]
        self.places += [(start + size * element, size) for element in few]
        return start, length

    def tables(self, place: int, most: int) -> list[int]:
        start, length = super().vector(place, 4)
        self.places += [(start + 4 * element, 4) for element in range(length)]
        return super().tables(place, most)


def tflite_places(data: bytes) -> list[Place]:
    """Return the places of a TFLite graph, those of constants that hold indices among them."""
    noted: list[NotingFlatBuffer] = []

    def noting(data: memoryview) -> FlatBuffer:
        noted.append(NotingFlatBuffer(data))
        return noted[-1]

    with patch.object(tflite, "FlatBuffer", noting):
        tflite.require_sound(memoryview(bytearray(data)), pixels_of(data, "tflite"))
    return sorted(set(noted[0].places))


def pixels_of(data: bytes, form: str) -> tuple[int, ...]:
    """Return the shape of a graph's input."""
    if form == "tflite":
        flat = FlatBuffer(memoryview(bytearray(data)))
        root = flat.words[0]
        (graph,) = flat.tables(root + flat.table(root, "iVVVV-VV--")[2], 1)
        tensors, inputs, *_ = flat.table(graph, "VVVVVi")
        image = flat.tables(graph + tensors, 1 << 20)[flat.numbers(graph + inputs)[0]]
        return tuple(flat.numbers(image + flat.table(image, "VbiVVb-Vb-i")[0]))
    wire = protobuf.Wire(memoryview(data))
    model = protobuf.Message(wire, (0, len(data)), onnx._MODEL)
    graph_message = protobuf.Message(wire, model.span(7) or (0, 0), onnx._GRAPH)
    _, _, shape = onnx._stated(wire, graph_message.spans(11)[0])
    return shape


def onnx_places(data: bytes) -> list[Place]:
    """Return the places of an ONNX graph: the bytes of tags, lengths, numbers and names."""
    places: list[Place] = []
    known = protobuf.varint

    def noting(data: memoryview, at: int, end: int) -> tuple[int, int]:
        value, after = known(data, at, end)
        places.extend((place, 1) for place in range(at, after))
        return value, after

    class NotingMessage(protobuf.Message):
        def span(self, number: int) -> tuple[int, int] | None:
            found: tuple[int, int] | None = super().span(number)
            if found and found[1] - found[0] <= 4 * _FEW:
                kind = self._fields.get(2, [0])[0]
                size = {1: 4, 6: 4, 7: 8}.get(kind, 1) if isinstance(kind, int) else 1
                places.extend((at, size) for at in range(found[0], found[1] - size + 1, size))
            return found

    with (
        patch.object(protobuf, "varint", noting),
        patch.object(onnx, "Message", NotingMessage),
    ):
        onnx.require_sound(memoryview(bytearray(data)), pixels_of(data, "onnx"))
    return sorted(set(places))
