"""What a graph may take, and what both formats share: shapes, and how a graph is refused.

Engines believe what a graph says: an index, a shape or a stride that is wrong ends the process or
fills the memory. What is checked before is on the cold path, hence what this does not import.
"""

from __future__ import annotations

from math import prod

MOST_TENSORS = 20_000
MOST_NUMBERS = 1 << 22
"""Numbers that are read of one graph, beside its weights: so that reading takes a bounded time."""
MOST_FIELDS = 300_000
"""Fields of all messages of one ONNX graph; NASNet has some 100,000."""
MOST_RANK = 6
MOST_INPUTS = 1024
LARGEST_INDEX = 1 << 16
"""Bytes of a constant that decides a shape."""
LARGEST_TENSOR = 1 << 28
"""Bytes of one tensor."""
MOST_MEMORY = 1 << 28
"""Bytes of all tensors that are computed and have to be there at the same time."""
MOST_WEIGHTS = 1 << 29
"""Bytes, as float, of int8 weights that no engine makes float of: 134 million of them."""
MOST_WORK = 1 << 36
"""Multiplications of one run; VGG16 has 2^34 of them for 224 x 224 pixels."""
MOST_STEP = 1 << 12
"""The largest stride, dilation or side of a window."""

Shape = tuple[int, ...]


class GraphFault(Exception):
    """What a graph says cannot be: the message is a few words.

    `place` is that of the operator which it is said of, counted from 0, where there is one.
    """

    place: int | None = None


def refuse_unless(holds: object, problem: str) -> None:
    """Refuse a graph by a `problem` where something does not hold.

    Raises:
        GraphFault: it does not.
    """
    if not holds:
        raise GraphFault(problem)


def broadcast(first: Shape, second: Shape) -> Shape:
    """Return the shape of what two tensors give, element by element.

    Raises:
        GraphFault: they do not fit each other.
    """
    if first == second:
        return first
    if len(first) < len(second):
        first, second = second, first
    lead = len(first) - len(second)
    shape = list(first)
    for place, length in enumerate(second, lead):
        if shape[place] == 1:
            shape[place] = length
        elif length not in (1, shape[place]):
            raise GraphFault(f"shapes {list(first)} and {list(second)} do not fit each other")
    return tuple(shape)


def axis_of(axis: int, rank: int) -> int:
    """Return an axis counted from the front.

    Raises:
        GraphFault: there is no such axis.
    """
    refuse_unless(-rank <= axis < rank, f"axis {axis} of {rank}")
    return axis % rank


def reduced(shape: Shape, axes: object, keep: object) -> Shape:
    """Return `shape` without `axes`, or with 1 in place of each if they are to `keep`.

    Raises:
        GraphFault: there is no such axis.
    """
    gone = {axis_of(axis, len(shape)) for axis in axes}  # type: ignore[attr-defined]
    if keep:
        return tuple(1 if place in gone else length for place, length in enumerate(shape))
    return tuple(length for place, length in enumerate(shape) if place not in gone)


def windows(length: int, window: int, stride: int, dilation: int = 1) -> int:
    """Return how many windows fit into `length`.

    Raises:
        GraphFault: none does, or a number is none that networks have.
    """
    steps = min(window, stride, dilation), max(window, stride, dilation)
    refuse_unless(steps[0] >= 1 and steps[1] <= MOST_STEP, "a window out of bounds")
    room = length - (window - 1) * dilation - 1
    refuse_unless(room >= 0, f"a window of {window} in {length}")
    return room // stride + 1


def bounded(shape: Shape, size: int) -> int:
    """Return the bytes of a tensor with elements of `size` bytes.

    Raises:
        GraphFault: it has a rank, a dimension or a size that no tensor may have.
    """
    refuse_unless(len(shape) <= MOST_RANK, f"a tensor of rank {len(shape)}")
    refuse_unless(not shape or min(shape) > 0, f"a tensor of shape {list(shape)}")
    total = prod(shape) * size
    refuse_unless(total <= LARGEST_TENSOR, f"a tensor of {total >> 20} MiB")
    return total
