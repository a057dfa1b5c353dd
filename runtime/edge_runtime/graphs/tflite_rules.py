"""What each operator of a TFLite graph wants of its tensors: a rule for each in `RULES`.

A rule takes the operator's options, its inputs and its outputs, refuses what does not fit, and
returns how many multiplications there are, where they count. How many inputs and outputs there are,
and of which element types, has been looked at before. What an input holds that decides a shape has
to be constant, and gives the shape that is stated.
"""

from __future__ import annotations

from math import prod

from edge_runtime.graphs.limits import MOST_STEP, axis_of, broadcast, reduced, refuse_unless
from edge_runtime.graphs.tflite_windows import WINDOWED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Tensors = list[Any]
    Options = tuple[Any, ...]
    Rule = Callable[[Options, Tensors, Tensors], int | None]

_SUM_BITS = {"c": 20, "u": 20, "s": 15, "i": 0}
_ONE = 0x3F800000  # the bits of a float 1
_INFINITE = 0x7F800000  # the bits of a float that no finite one reaches


def gives(result: Any, shape: tuple[int, ...]) -> None:
    """Refuse another shape of a result than what its operator gives."""
    if result.shape != shape:
        refuse_unless(False, f"gives {list(shape)}, not {list(result.shape)}")


def _alike(_: Options, sources: Tensors, results: Tensors) -> None:
    gives(results[0], sources[0].shape)


def _leaky(options: Options, sources: Tensors, results: Tensors) -> None:
    refuse_unless(options[0] & 0x7FFFFFFF < _INFINITE, "its slope")
    gives(results[0], sources[0].shape)


def _softmax(options: Options, sources: Tensors, results: Tensors) -> None:
    refuse_unless(options[0] == _ONE and sources[0].shape, "its factor is not one")
    # The factor of integers has to be above one.
    refuse_unless(sources[0].kind != "c" or sources[0].scale > 2.0**-26, "a scale too small")
    gives(results[0], sources[0].shape)


def _requantized(_: Options, sources: Tensors, results: Tensors) -> None:
    gives(results[0], sources[0].shape)
    (source,) = sources
    refuse_unless(source.scales <= 1 or source.start, "scales of what is computed")


def _pairs(options: Options, sources: Tensors, results: Tensors) -> None:
    first, second = sources
    refuse_unless(not options or options[0] <= 3, "its activation")
    refuse_unless(first.scales <= 1 and second.scales <= 1, "scales for each channel")
    gives(results[0], broadcast(first.shape, second.shape))


def _sum(options: Options, sources: Tensors, results: Tensors) -> None:
    """Sums, whose factor of integers has to be below one; that of differences has not."""
    _pairs(options, sources, results)
    if results[0].scales:
        larger, bits = 2 * max(source.scale for source in sources), _SUM_BITS[results[0].kind]
        refuse_unless(larger < results[0].scale * 2**bits, "scales that are too far apart")


def _squares(_: Options, sources: Tensors, results: Tensors) -> None:
    _pairs((), sources, results)
    if results[0].scales:
        larger = 2 * max(source.scale for source in sources)
        refuse_unless(larger**2 < results[0].scale * 2**14, "scales that are too far apart")


def _compared(_: Options, sources: Tensors, results: Tensors) -> None:
    _pairs((), sources, results)


def _select(_: Options, sources: Tensors, results: Tensors) -> None:
    chosen = broadcast(sources[1].shape, sources[2].shape)
    gives(results[0], broadcast(sources[0].shape, chosen))


def _reduce(options: Options, sources: Tensors, results: Tensors) -> None:
    axes = sources[1].integers()
    gives(results[0], reduced(sources[0].shape, axes, options[0]))


def _extreme_place(_: Options, sources: Tensors, results: Tensors) -> None:
    """The index of the largest or least, of which there is one axis and no `keep`."""
    (axis,) = sources[1].integers()
    gives(results[0], reduced(sources[0].shape, [axis], False))


def _reshape(options: Options, sources: Tensors, results: Tensors) -> None:
    wanted = options[0] if len(sources) == 1 else sources[1].integers()
    shape = results[0].shape
    fits = len(wanted) == len(shape) and all(
        one in (length, -1) for one, length in zip(wanted, shape, strict=True)
    )
    refuse_unless(fits and list(wanted).count(-1) <= 1, f"gives {wanted}, not {list(shape)}")
    refuse_unless(prod(shape) == prod(sources[0].shape), "other elements than it gets")


def _squeeze(options: Options, sources: Tensors, results: Tensors) -> None:
    shape = sources[0].shape
    axes = options[0] or [place for place, length in enumerate(shape) if length == 1]
    refuse_unless(all(shape[axis_of(axis, len(shape))] == 1 for axis in axes), "squeezes more")
    gives(results[0], reduced(shape, axes, False))


def _expand_dims(_: Options, sources: Tensors, results: Tensors) -> None:
    (axis,) = sources[1].integers()
    shape = list(sources[0].shape)
    shape.insert(axis_of(axis, len(shape) + 1), 1)
    gives(results[0], tuple(shape))


def _transpose(_: Options, sources: Tensors, results: Tensors) -> None:
    order, shape = sources[1].integers(), sources[0].shape
    refuse_unless(sorted(order) == list(range(len(shape))), f"an order of {order}")
    gives(results[0], tuple(shape[place] for place in order))


def _pad(options: Options, sources: Tensors, results: Tensors) -> None:
    amounts, shape = sources[1].integers(), sources[0].shape
    refuse_unless(sources[1].shape == (len(shape), 2), "its amounts are not two for each axis")
    refuse_unless(not amounts or 0 <= min(amounts) <= max(amounts) <= MOST_STEP, "its amounts")
    refuse_unless(len(sources) < 3 or prod(sources[2].shape) == 1, "what it pads with")
    del options
    before, after = amounts[::2], amounts[1::2]
    gives(results[0], tuple(map(sum, zip(shape, before, after, strict=True))))


def _mirror_pad(options: Options, sources: Tensors, results: Tensors) -> None:
    _pad(options, sources, results)
    # Mode 0 leaves the edge itself out.
    for place, amount in enumerate(sources[1].integers()):
        most = sources[0].shape[place // 2] - (not options[0])
        refuse_unless(amount <= most, "mirrors more than there is")


def _slice(_: Options, sources: Tensors, results: Tensors) -> None:
    shape, begin, size = sources[0].shape, sources[1].integers(), sources[2].integers()
    refuse_unless(len(begin) == len(size) == len(shape), "a slice of other axes")
    cut = []
    for length, start, count in zip(shape, begin, size, strict=True):
        cut.append(length - start if count == -1 else count)
        refuse_unless(start >= 0 and 0 < cut[-1] <= length - start, "a slice out of it")
    gives(results[0], tuple(cut))


def _strided_slice(options: Options, sources: Tensors, results: Tensors) -> None:
    begin_mask, end_mask, ellipsis, new, shrink, offset = options
    refuse_unless(not ellipsis and not new and not offset, "a slice with new axes")
    shape = list(sources[0].shape)
    begin, end, steps = (source.integers() for source in sources[1:])
    refuse_unless(len(begin) == len(end) == len(steps) <= len(shape), "a slice of other axes")
    cut = []
    for place, length in enumerate(shape):
        if place >= len(begin):
            cut.append(length)
            continue
        step = steps[place]
        refuse_unless(step, "a step of 0")
        start = None if begin_mask >> place & 1 else begin[place]
        if shrink >> place & 1:
            refuse_unless(step == 1 and -length <= begin[place] < length, "a slice out of it")
            refuse_unless(start is not None, "a slice out of it")
            continue
        stop = None if end_mask >> place & 1 else end[place]
        cut.append(len(range(length)[start:stop:step]))
    gives(results[0], tuple(cut))


def _concatenation(options: Options, sources: Tensors, results: Tensors) -> None:
    shapes = [list(source.shape) for source in sources]
    axis = axis_of(options[0], len(shapes[0]))
    refuse_unless(options[1] <= 3, "its activation")
    refuse_unless({len(shape) for shape in shapes} == {len(shapes[0])}, "ranks that differ")
    whole = sum(shape[axis] for shape in shapes)
    for shape in shapes:
        shape[axis] = whole
    refuse_unless(all(shape == shapes[0] for shape in shapes), "shapes that do not fit each other")
    gives(results[0], tuple(shapes[0]))


def _pack(options: Options, sources: Tensors, results: Tensors) -> None:
    count, axis = options
    shape = list(sources[0].shape)
    refuse_unless(count == len(sources), "another number of inputs")
    refuse_unless(all(list(source.shape) == shape for source in sources), "shapes that differ")
    shape.insert(axis_of(axis, len(shape) + 1), count)
    gives(results[0], tuple(shape))


def _unpack(options: Options, sources: Tensors, results: Tensors) -> None:
    count, axis = options
    shape = list(sources[0].shape)
    refuse_unless(count == len(results) == shape.pop(axis_of(axis, len(shape))), "its outputs")
    for result in results:
        gives(result, tuple(shape))


def _split(options: Options, sources: Tensors, results: Tensors) -> None:
    (axis,), shape = sources[0].integers(), list(sources[1].shape)
    axis, count = axis_of(axis, len(shape)), options[0]
    refuse_unless(count == len(results) and shape[axis] % count == 0, "its outputs")
    shape[axis] //= count
    for result in results:
        gives(result, tuple(shape))


def _split_sizes(options: Options, sources: Tensors, results: Tensors) -> None:
    sizes, (axis,), shape = sources[1].integers(), sources[2].integers(), list(sources[0].shape)
    axis = axis_of(axis, len(shape))
    refuse_unless(options[0] == len(results) == len(sizes), "its outputs")
    refuse_unless(min(sizes) > 0 and sum(sizes) == shape[axis], "sizes that do not fit")
    for result, size in zip(results, sizes, strict=True):
        shape[axis] = size
        gives(result, tuple(shape))


def _gather(options: Options, sources: Tensors, results: Tensors) -> None:
    axis, batch = options
    shape, indices = sources[0].shape, sources[1]
    axis, places = axis_of(axis, len(shape)), indices.integers()
    refuse_unless(not batch and min(places) >= 0 and max(places) < shape[axis], "an index")
    gives(results[0], shape[:axis] + indices.shape + shape[axis + 1 :])


def _tile(_: Options, sources: Tensors, results: Tensors) -> None:
    times, shape = sources[1].integers(), sources[0].shape
    refuse_unless(len(times) == len(shape) and min(times, default=1) > 0, "its multiples")
    gives(results[0], tuple(a * b for a, b in zip(shape, times, strict=True)))


def _broadcast_to(_: Options, sources: Tensors, results: Tensors) -> None:
    wanted = tuple(sources[1].integers())
    refuse_unless(broadcast(sources[0].shape, wanted) == wanted, "a shape that does not fit")
    gives(results[0], wanted)


def _along(_: Options, sources: Tensors, results: Tensors) -> None:
    """Cumulative sum and reversal, along constant axes."""
    for axis in sources[1].integers():
        axis_of(axis, len(sources[0].shape))
    gives(results[0], sources[0].shape)


def _top(_: Options, sources: Tensors, results: Tensors) -> None:
    (count,), shape = sources[1].integers(), sources[0].shape
    refuse_unless(shape and 0 < count <= shape[-1], "more than there are")
    for result in results:
        gives(result, (*shape[:-1], count))


_ALIKE = (
    *("ABS", "CEIL", "COS", "ELU", "EXP", "FLOOR", "GELU", "HARD_SWISH", "LOG", "LOGICAL_NOT"),
    *("LOGISTIC", "LOG_SOFTMAX", "NEG", "RELU", "RELU6", "RELU_0_TO_1", "RELU_N1_TO_1", "ROUND"),
    *("RSQRT", "SIGN", "SIN", "SQRT", "SQUARE", "TANH", "CAST", "ZEROS_LIKE"),
)
_COMPARED = (
    *("EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "LOGICAL_AND", "LOGICAL_OR"),
    *("MAXIMUM", "MINIMUM", "NOT_EQUAL", "POW", "PRELU", "FLOOR_DIV"),
    *("FLOOR_MOD", "ATAN2"),
)
_REDUCE = ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "REDUCE_ANY", "REDUCE_ALL")

RULES: dict[str, Rule] = {
    **dict.fromkeys(_ALIKE, _alike),
    **dict.fromkeys(("SUB", "MUL", "DIV"), _pairs),
    "ADD": _sum,
    **dict.fromkeys(_COMPARED, _compared),
    **dict.fromkeys(_REDUCE, _reduce),
    "SOFTMAX": _softmax, "LEAKY_RELU": _leaky, "SQUARED_DIFFERENCE": _squares,
    **dict.fromkeys(("QUANTIZE", "DEQUANTIZE"), _requantized),
    **dict.fromkeys(("SELECT", "SELECT_V2"), _select),
    **dict.fromkeys(("ARG_MAX", "ARG_MIN"), _extreme_place),
    **dict.fromkeys(("CUMSUM", "REVERSE_V2"), _along),
    **dict.fromkeys(("PAD", "PADV2"), _pad),
    "RESHAPE": _reshape, "SQUEEZE": _squeeze, "EXPAND_DIMS": _expand_dims,
    "TRANSPOSE": _transpose, "MIRROR_PAD": _mirror_pad, "SLICE": _slice,
    "STRIDED_SLICE": _strided_slice, "CONCATENATION": _concatenation, "PACK": _pack,
    "UNPACK": _unpack, "SPLIT": _split, "SPLIT_V": _split_sizes, "GATHER": _gather,
    "TILE": _tile, "BROADCAST_TO": _broadcast_to, "TOPK_V2": _top, **WINDOWED,
}  # fmt: skip
