"""The tensors and buffers of a TFLite graph, each looked at as it is read; see `tflite`."""

from __future__ import annotations

from edge_runtime.graphs.flatbuffer import FlatBuffer
from edge_runtime.graphs.limits import (
    LARGEST_INDEX,
    MOST_RANK,
    MOST_TENSORS,
    GraphFault,
    Shape,
    bounded,
    refuse_unless,
)

# The letter by which an element type stands in `OPERATORS`, and its bytes; by its number.
ELEMENTS = {
    0: ("f", 4), 1: ("e", 2), 2: ("i", 4), 3: ("u", 1), 4: ("l", 8), 6: ("b", 1), 7: ("s", 2),
    9: ("c", 1),
}  # fmt: skip
_ZERO_POINTS = {"c": (-128, 127), "u": (0, 255)}
# The bits of positive floats are in the order of their values.
_LEAST_SCALE, _LARGEST_SCALE = 0x0DA24260, 0x501502F9  # 1e-30 and 1e10


class GraphTensor:
    """A tensor's shape, the letter of its elements, its bytes in all, and where a constant lies.

    `start` is 0 for what is computed. `scales` is how many it has, none for floats, `scale` the
    first of them.
    """

    __slots__ = ("axis", "flat", "kind", "scale", "scales", "shape", "size", "start")

    def __init__(self, flat: FlatBuffer, shape: Shape, kind: str, size: int, start: int) -> None:
        self.flat = flat
        self.shape = shape
        self.kind = kind
        self.size = size
        self.start = start
        self.scales = self.axis = 0
        self.scale = 0.0

    def integers(self) -> list[int]:
        """Return the integers of a constant.

        Raises:
            GraphFault: it is computed.
        """
        known = self.start and self.size <= LARGEST_INDEX
        refuse_unless(known, "what has to be a small constant is none")
        data = self.flat.data[self.start : self.start + self.size]
        if self.kind == "i":
            return data.cast("i").tolist()
        return data.cast("q").tolist() if self.kind == "l" else data.tolist()


def read_buffers(flat: FlatBuffer, place: int) -> list[tuple[int, int]]:
    """Return start and length of each buffer, 0 and 0 of one without data.

    Raises:
        GraphFault: one lies out of the file.
    """
    held, table = [], flat.table
    whole = len(flat.data)
    for at in flat.tables(place, MOST_TENSORS):
        data, offset, size, _ = table(at, "Vqq")
        if data:
            refuse_unless(not offset and not size, "a buffer is in two places")
            held.append(flat.vector(at + data, 1))
        elif offset or size:
            start, length = _long(flat, at, offset), _long(flat, at, size)
            # 1 stands for one whose place was to be written later.
            refuse_unless(1 < start <= whole and start + length <= whole, "a buffer out of it")
            held.append((start, length))
        else:
            held.append((0, 0))
    return held


def _long(flat: FlatBuffer, place: int, offset: int) -> int:
    """Return a number of 64 bits without a sign, 0 where it is left out."""
    if not offset:
        return 0
    low, high = flat.words[place + offset >> 2], flat.words[(place + offset >> 2) + 1]
    refuse_unless(high == 0 and low >= 0, "a buffer out of it")
    return low


def read_tensor(flat: FlatBuffer, place: int, held: list[tuple[int, int]]) -> GraphTensor:
    """Return the tensor in a table, whose constants lie in `held`.

    Raises:
        GraphFault: something of it cannot be.
    """
    shape, kind, buffer, name, quantization, variable, _, signature, _, _, external, _ = flat.table(
        place, "VbiVVb-Vb-i"
    )
    words, data = flat.words, flat.data
    element = ELEMENTS.get(data[place + kind] if kind else 0)
    number = words[place + buffer >> 2] if buffer else 0
    if element is None or not 0 <= number < len(held) or (variable and data[place + variable]):
        raise GraphFault("a tensor of a type or with a buffer that no graph of ours has")
    if external and words[place + external >> 2]:
        raise GraphFault("a tensor whose data lie elsewhere")
    lengths: Shape = tuple(flat.numbers(place + shape, MOST_RANK)) if shape else ()
    size = bounded(lengths, element[1])
    if name:
        flat.text(place + name)
    if signature:
        refuse_unless(
            tuple(flat.numbers(place + signature, MOST_RANK)) == lengths, "a shape that may change"
        )
    start, length = held[number]
    if start and length != size:
        raise GraphFault(f"a constant of {length} bytes in place of {size}")
    tensor = GraphTensor(flat, lengths, element[0], size, start)
    if quantization:
        _quantization(flat, flat.follow(place + quantization), tensor)
    if element[0] in "cs":
        refuse_unless(tensor.scales and (start or tensor.scales == 1), "scales that are missing")
    return tensor


def _quantization(flat: FlatBuffer, place: int, tensor: GraphTensor) -> None:
    """Note scales and zero point of a tensor, after looking at each."""
    least, most, scale, zero, details, _, axis, _ = flat.table(place, "VVVVb-i")
    for extreme in (least, most):
        if extreme:
            flat.vector(place + extreme, 4)
    refuse_unless(not details or not flat.data[place + details], "a quantization of its own kind")
    scales = flat.numbers(place + scale) if scale else []  # by their bits
    start, zeros = flat.vector(place + zero, 8) if zero else (0, 0)
    dimension = flat.words[place + axis >> 2] if axis else 0
    tensor.scales, tensor.axis = len(scales), dimension
    if not scales:
        refuse_unless(not zeros, "zero points without scales")
        return
    refuse_unless(zeros == len(scales), "as many zero points as scales are wanted")
    if min(scales) < _LEAST_SCALE or max(scales) > _LARGEST_SCALE:
        raise GraphFault("a scale out of bounds")
    points = flat.data[start : start + 8 * zeros].cast("q").tolist()
    low, high = _ZERO_POINTS.get(tensor.kind, (0, 0))
    if min(points) < low or max(points) > high:
        raise GraphFault("a zero point out of bounds")
    tensor.scale = flat.floats[flat.follow(place + scale) + 4 >> 2]
    if zeros > 1:
        fits = 0 <= dimension < len(tensor.shape) and tensor.shape[dimension] == zeros
        refuse_unless(fits and not any(points), "scales that do not fit the shape")
