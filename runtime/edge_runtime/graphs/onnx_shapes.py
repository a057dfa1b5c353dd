"""Values of an ONNX graph, and rules for the operators that only move them; see `onnx_rules`."""

from __future__ import annotations

from math import floor, isfinite, prod

from edge_runtime.graphs.limits import MOST_STEP, Shape, axis_of, broadcast, reduced, refuse_unless

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Sources = list[Any]
    Attributes = dict[str, Any]


OUTPUTS = "number of outputs"
"""What stands among the attributes of a split; no attribute is called so."""


class Value:
    """A tensor: the letter of its elements, its shape, and the numbers of a small constant."""

    __slots__ = ("constant", "floats", "integers", "kind", "shape")

    def __init__(
        self, kind: str, shape: Shape, *, constant: bool = False,
        integers: list[int] | None = None, floats: list[float] | None = None,
    ) -> None:  # fmt: skip
        self.kind = kind
        self.shape = shape
        self.constant = constant
        self.integers = integers
        self.floats = floats


class Shapes:
    """The shapes that an operator gives, and how many multiplications that takes.

    `integers` are those that it gives whatever the pixels are, where that is known.
    """

    __slots__ = ("integers", "shapes", "work")

    def __init__(self, *shapes: Shape, work: int = 0, integers: list[int] | None = None) -> None:
        self.shapes = shapes
        self.work = work
        self.integers = integers


def integers_of(source: Any) -> list[int]:
    """Return the integers of a small constant.

    Raises:
        GraphFault: it is none.
    """
    refuse_unless(source is not None and source.integers is not None, "what is no small constant")
    numbers: list[int] = source.integers
    return numbers


def _reshape(attributes: Attributes, sources: Sources) -> Shapes:
    wanted, shape = integers_of(sources[1]), sources[0].shape
    refuse_unless(not attributes.get("allowzero") and len(wanted) <= 8, "its shape")
    refuse_unless(all(length >= -1 for length in wanted), "its shape")
    refuse_unless(wanted.count(-1) <= 1, "its shape")
    refuse_unless(all(length or at < len(shape) for at, length in enumerate(wanted)), "its shape")
    lengths = [length or shape[at] for at, length in enumerate(wanted)]
    if -1 in lengths:
        known = prod(length for length in lengths if length != -1)
        lengths[lengths.index(-1)] = prod(shape) // known
    refuse_unless(prod(lengths) == prod(shape), f"{wanted} of {list(shape)}")
    return Shapes(tuple(lengths))


def _flatten(attributes: Attributes, sources: Sources) -> Shapes:
    axis, shape = attributes.get("axis", 1), sources[0].shape
    refuse_unless(0 <= axis <= len(shape), f"axis {axis}")
    return Shapes((prod(shape[:axis]), prod(shape[axis:])))


def _squeeze(_: Attributes, sources: Sources) -> Shapes:
    axes, shape = integers_of(sources[1]), sources[0].shape
    refuse_unless(all(shape[axis_of(axis, len(shape))] == 1 for axis in axes), "squeezes more")
    return Shapes(reduced(shape, axes, False))


def _unsqueeze(_: Attributes, sources: Sources) -> Shapes:
    axes, shape = integers_of(sources[1]), list(sources[0].shape)
    rank = len(shape) + len(axes)
    places = sorted(axis_of(axis, rank) for axis in axes)
    refuse_unless(len(set(places)) == len(places), "an axis twice")
    for place in places:
        shape.insert(place, 1)
    return Shapes(tuple(shape))


def _transpose(attributes: Attributes, sources: Sources) -> Shapes:
    shape = sources[0].shape
    order = attributes.get("perm", tuple(range(len(shape)))[::-1])
    refuse_unless(sorted(order) == list(range(len(shape))), f"an order of {list(order)}")
    return Shapes(tuple(shape[place] for place in order))


def _concat(attributes: Attributes, sources: Sources) -> Shapes:
    shapes = [list(source.shape) for source in sources]
    axis = axis_of(attributes.get("axis", 0), len(shapes[0]))
    refuse_unless({len(shape) for shape in shapes} == {len(shapes[0])}, "ranks that differ")
    whole = sum(shape[axis] for shape in shapes)
    for shape in shapes:
        shape[axis] = whole
    refuse_unless(all(shape == shapes[0] for shape in shapes), "shapes that do not fit each other")
    return Shapes(tuple(shapes[0]))


def _split(attributes: Attributes, sources: Sources) -> Shapes:
    shape = list(sources[0].shape)
    axis = axis_of(attributes.get("axis", 0), len(shape))
    if len(sources) > 1:
        sizes = integers_of(sources[1])
    else:  # alike
        count = attributes[OUTPUTS]
        sizes = [shape[axis] // count] * count
    refuse_unless(min(sizes, default=0) > 0 and sum(sizes) == shape[axis], "its sizes")
    return Shapes(*((*shape[:axis], size, *shape[axis + 1 :]) for size in sizes))


def _slice(_: Attributes, sources: Sources) -> Shapes:
    shape = list(sources[0].shape)
    starts, ends = integers_of(sources[1]), integers_of(sources[2])
    axes = integers_of(sources[3]) if len(sources) > 3 else [*range(len(starts))]
    steps = integers_of(sources[4]) if len(sources) > 4 else [1] * len(starts)
    refuse_unless(len(starts) == len(ends) == len(axes) == len(steps), "a slice of other axes")
    places = [axis_of(axis, len(shape)) for axis in axes]
    refuse_unless(len(set(places)) == len(places) and all(steps), "a slice of other axes")
    for place, start, end, step in zip(places, starts, ends, steps, strict=True):
        refuse_unless(step > 0 or start < 0 or end < 0 or end < start, "a slice of nothing")
        # Backwards, an end that is far below 0 takes the first element as well.
        stop = None if step < 0 and end < -shape[place] else end
        shape[place] = len(range(shape[place])[start:stop:step])
    return Shapes(tuple(shape))


def _gather(attributes: Attributes, sources: Sources) -> Shapes:
    shape, places = sources[0].shape, integers_of(sources[1])
    axis = axis_of(attributes.get("axis", 0), len(shape))
    fits = -shape[axis] <= min(places, default=0) and max(places, default=0) < shape[axis]
    refuse_unless(fits, "an index")
    known = sources[0].integers if len(shape) == 1 else None
    return Shapes(
        shape[:axis] + sources[1].shape + shape[axis + 1 :],
        integers=None if known is None else [known[place] for place in places],
    )


def _shape(_: Attributes, sources: Sources) -> Shapes:
    shape = sources[0].shape
    return Shapes((len(shape),), integers=list(shape))


def _reverse_sequence(attributes: Attributes, sources: Sources) -> Shapes:
    shape, lengths = sources[0].shape, integers_of(sources[1])
    batch, time = attributes.get("batch_axis", 1), attributes.get("time_axis", 0)
    refuse_unless({batch, time} == {0, 1} and len(shape) >= 2, "its axes")
    fits = len(lengths) == shape[batch] and 0 < min(lengths) <= max(lengths) <= shape[time]
    refuse_unless(fits, "lengths that do not fit")
    return Shapes(shape)


def _pad(attributes: Attributes, sources: Sources) -> Shapes:
    amounts, shape = integers_of(sources[1]), sources[0].shape
    mode, rank = attributes.get("mode", "constant"), len(shape)
    refuse_unless(len(amounts) == 2 * rank and len(sources) <= 3, "its amounts")
    refuse_unless(not rank or 0 <= min(amounts) <= max(amounts) <= MOST_STEP, "its amounts")
    refuse_unless(mode in ("constant", "reflect", "edge"), "its mode")
    if mode == "reflect":
        small = all(amount < shape[at % rank] for at, amount in enumerate(amounts))
        refuse_unless(small, "mirrors more than there is")
    if len(sources) > 2 and sources[2]:
        refuse_unless(prod(sources[2].shape) == 1, "what it pads with")
    return Shapes(tuple(length + amounts[at] + amounts[rank + at]
                         for at, length in enumerate(shape)))  # fmt: skip


def _resize(attributes: Attributes, sources: Sources) -> Shapes:
    shape = sources[0].shape
    region = sources[1] if len(sources) > 1 else None
    refuse_unless(region is None or region.shape == (0,), "a region of its own")
    mode = attributes.get("mode", "nearest")
    refuse_unless(mode in ("nearest", "linear", "cubic"), "its mode")
    transform = attributes.get("coordinate_transformation_mode", "half_pixel")
    refuse_unless(transform != "tf_crop_and_resize", "a region of its own")
    if len(sources) == 4:
        refuse_unless(sources[2] is None or sources[2].shape == (0,), "both scales and sizes")
        lengths = tuple(integers_of(sources[3]))
    else:
        scales = (sources[2].floats or []) if len(sources) > 2 and sources[2] else []
        refuse_unless(all(isfinite(scale) and 0 < scale <= MOST_STEP for scale in scales), "scales")
        refuse_unless(len(scales) == len(shape), "its scales")
        lengths = tuple(floor(a * b) for a, b in zip(shape, scales, strict=True))
    refuse_unless(len(lengths) == len(shape) == 4 and lengths[:2] == shape[:2], "its sizes")
    return Shapes(lengths)


def _top(attributes: Attributes, sources: Sources) -> Shapes:
    (count,), shape = integers_of(sources[1]), list(sources[0].shape)
    axis = axis_of(attributes.get("axis", -1), len(shape))
    refuse_unless(0 < count <= shape[axis], "more than there are")
    shape[axis] = count
    return Shapes(tuple(shape), tuple(shape))


def _tile(_: Attributes, sources: Sources) -> Shapes:
    times, shape = integers_of(sources[1]), sources[0].shape
    refuse_unless(len(times) == len(shape) and min(times, default=1) > 0, "its multiples")
    return Shapes(tuple(a * b for a, b in zip(shape, times, strict=True)))


def _expand(_: Attributes, sources: Sources) -> Shapes:
    wanted = tuple(integers_of(sources[1]))
    refuse_unless(not wanted or min(wanted) > 0, "its shape")
    shape, known = broadcast(sources[0].shape, wanted), sources[0].integers
    repeated = known is not None and len(known) == 1 and prod(shape) <= MOST_STEP
    return Shapes(shape, integers=known * prod(shape) if repeated else None)


def _deeper(attributes: Attributes, sources: Sources) -> Shapes:
    """Depth to space."""
    films, channels, *sides = sources[0].shape
    block = attributes.get("blocksize", 0)
    refuse_unless(len(sides) == 2 and 0 < block <= MOST_STEP, "its block")
    refuse_unless(channels % block**2 == 0, "its channels")
    return Shapes((films, channels // block**2, *(side * block for side in sides)))


SHAPING = {
    "Reshape": _reshape, "Flatten": _flatten, "Squeeze": _squeeze, "Unsqueeze": _unsqueeze,
    "Transpose": _transpose, "Concat": _concat, "Split": _split, "Slice": _slice,
    "Gather": _gather, "Shape": _shape, "ReverseSequence": _reverse_sequence, "Pad": _pad,
    "Resize": _resize, "TopK": _top, "Tile": _tile, "Expand": _expand, "DepthToSpace": _deeper,
}  # fmt: skip
