"""What each operator of an ONNX graph gives: a rule for each in `RULES`, after those of ONNX.

A rule takes the attributes and the inputs, refuses what does not fit, and returns the shapes of the
outputs and the number of multiplications. What an input holds that decides a shape has to be a
constant.
"""

from __future__ import annotations

from math import prod

from edge_runtime.graphs.limits import (
    MOST_STEP,
    Shape,
    axis_of,
    broadcast,
    reduced,
    refuse_unless,
    windows,
)
from edge_runtime.graphs.onnx_shapes import SHAPING, Shapes, integers_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge_runtime.graphs.onnx_shapes import Attributes, Sources

    Rule = Callable[[Attributes, Sources], Shapes]


def _alike(_: Attributes, sources: Sources) -> Shapes:
    return Shapes(sources[0].shape)


def _along_axis(attributes: Attributes, sources: Sources) -> Shapes:
    axis_of(attributes.get("axis", -1), len(sources[0].shape))
    return Shapes(sources[0].shape)


def _elementwise(_: Attributes, sources: Sources) -> Shapes:
    shape = sources[0].shape
    for source in sources[1:]:
        shape = broadcast(shape, source.shape)
    return Shapes(shape)


def _one_way(_: Attributes, sources: Sources) -> Shapes:
    """PRelu, whose slopes are broadcast to the input."""
    shape = sources[0].shape
    refuse_unless(broadcast(shape, sources[1].shape) == shape, "slopes that do not fit")
    return Shapes(shape)


def _clip(_: Attributes, sources: Sources) -> Shapes:
    refuse_unless(all(not limit or prod(limit.shape) == 1 for limit in sources[1:]), "its limits")
    return Shapes(sources[0].shape)


def _scaled(attributes: Attributes, sources: Sources) -> Shapes:
    """To integers and back: one scale, or one for each element of an axis."""
    source, scale, *zero = sources
    if scale.shape not in ((), (1,)):
        axis = axis_of(attributes.get("axis", 1), len(source.shape))
        refuse_unless(scale.shape == (source.shape[axis],), "scales that do not fit")
    single = ((), (1,))
    fits = all(
        point.shape == scale.shape or (point.shape in single and scale.shape in single)
        for point in zero
    )
    refuse_unless(fits, "zero points that do not fit")
    return Shapes(source.shape)


def _dynamic(_: Attributes, sources: Sources) -> Shapes:
    return Shapes(sources[0].shape, (), ())


def _padding(attributes: Attributes, count: int) -> Sequence[int]:
    pads = attributes.get("pads", (0,) * 2 * count)
    refuse_unless(len(pads) == 2 * count and 0 <= min(pads) <= max(pads) <= MOST_STEP, "its pads")
    return pads  # type: ignore[no-any-return]


def _sides(attributes: Attributes, name: str, count: int) -> Sequence[int]:
    sides = attributes.get(name, (1,) * count)
    fits = len(sides) == count and 1 <= min(sides) <= max(sides) <= MOST_STEP
    refuse_unless(fits, f"its {name}")
    return sides  # type: ignore[no-any-return]


def _places(attributes: Attributes, lengths: Shape, window: Sequence[int]) -> Shape:
    """Return how many windows there are along each axis."""
    count = len(lengths)
    refuse_unless(attributes.get("auto_pad", "NOTSET") == "NOTSET", "its pads")
    refuse_unless(not attributes.get("ceil_mode") and len(window) == count > 0, "its windows")
    pads, strides = _padding(attributes, count), _sides(attributes, "strides", count)
    dilations = _sides(attributes, "dilations", count)
    return tuple(
        windows(length + pads[at] + pads[count + at], window[at], strides[at], dilations[at])
        for at, length in enumerate(lengths)
    )


def _pool(attributes: Attributes, sources: Sources) -> Shapes:
    films, channels, *lengths = _image(sources[0].shape)
    window = _sides(attributes, "kernel_shape", len(lengths))
    pads = _padding(attributes, len(lengths))
    refuse_unless(
        all(pad < side for pad, side in zip(pads, [*window] * 2, strict=True)), "its pads"
    )
    shape = (films, channels, *_places(attributes, tuple(lengths), window))
    return Shapes(shape, work=prod(shape) * prod(window))


def _image(shape: Shape) -> Shape:
    refuse_unless(3 <= len(shape) <= 5, f"an image of shape {list(shape)}")
    return shape


def _conv(attributes: Attributes, sources: Sources) -> Shapes:
    image, weights = _image(sources[0].shape), sources[1].shape
    refuse_unless(len(weights) == len(image), "its weights")
    window, groups = weights[2:], attributes.get("group", 1)
    refuse_unless(tuple(attributes.get("kernel_shape", window)) == window, "its windows")
    refuse_unless(groups > 0 and image[1] == weights[1] * groups, "its channels")
    refuse_unless(weights[0] % groups == 0, "its channels")
    shape = (image[0], weights[0], *_places(attributes, image[2:], window))
    return Shapes(shape, work=prod(shape) * prod(weights[1:]))


def _conv_with_bias(attributes: Attributes, sources: Sources) -> Shapes:
    results = _conv(attributes, sources)
    if len(sources) > 2 and sources[2]:
        refuse_unless(sources[2].shape == (sources[1].shape[0],), "its offsets")
    return results


def _conv_integer(attributes: Attributes, sources: Sources) -> Shapes:
    refuse_unless(all(prod(zero.shape) == 1 for zero in sources[2:3]), "its zero points")
    refuse_unless(
        all(prod(zero.shape) in (1, sources[1].shape[0]) for zero in sources[3:]), "its zero points"
    )
    return _conv(attributes, sources)


def _conv_transpose(attributes: Attributes, sources: Sources) -> Shapes:
    image, weights = _image(sources[0].shape), sources[1].shape
    refuse_unless(len(weights) == len(image) and image[1] == weights[0], "its channels")
    refuse_unless(attributes.get("group", 1) == 1, "its groups")
    window, count = weights[2:], len(image) - 2
    refuse_unless(tuple(attributes.get("kernel_shape", window)) == window, "its windows")
    strides, pads = _sides(attributes, "strides", count), _padding(attributes, count)
    dilations = _sides(attributes, "dilations", count)
    kind = attributes.get("auto_pad", "NOTSET")
    refuse_unless(kind in ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"), "its pads")
    if kind != "NOTSET":
        refuse_unless(not any(pads), "its pads")
    refuse_unless(len(sources) < 3 or sources[2].shape == (weights[1],), "its offsets")
    lengths = []
    for at, length in enumerate(image[2:]):
        wide = (length - 1) * strides[at] + (window[at] - 1) * dilations[at] + 1
        same = kind.startswith("SAME")
        lengths.append(length * strides[at] if same else wide - pads[at] - pads[count + at])
    shape = (image[0], weights[1], *lengths)
    return Shapes(shape, work=prod(image) * prod(weights[1:]))


def _global_pool(_: Attributes, sources: Sources) -> Shapes:
    shape = _image(sources[0].shape)
    return Shapes((*shape[:2], *(1 for _ in shape[2:])))


def _gemm(attributes: Attributes, sources: Sources) -> Shapes:
    first, second = sources[0].shape, sources[1].shape
    refuse_unless(len(first) == len(second) == 2, "its ranks")
    rows, inner = first[:: -1 if attributes.get("transA") else 1]
    again, columns = second[:: -1 if attributes.get("transB") else 1]
    refuse_unless(inner == again, f"{inner} columns times {again} rows")
    if len(sources) > 2:
        fits = broadcast((rows, columns), sources[2].shape) == (rows, columns)
        refuse_unless(fits, "its offsets")
    return Shapes((rows, columns), work=rows * columns * inner)


def _matmul(_: Attributes, sources: Sources) -> Shapes:
    first, second = sources[0].shape, sources[1].shape
    refuse_unless(min(len(first), len(second)) >= 2, "its ranks")
    refuse_unless(first[-1] == second[-2], f"{first[-1]} columns times {second[-2]} rows")
    shape = (*broadcast(first[:-2], second[:-2]), first[-2], second[-1])
    return Shapes(shape, work=prod(shape) * first[-1])


def _matmul_integer(attributes: Attributes, sources: Sources) -> Shapes:
    results = _matmul(attributes, sources)
    columns = sources[1].shape[-1]
    refuse_unless(all(prod(zero.shape) == 1 for zero in sources[2:3]), "its zero points")
    fits = all(zero.shape in ((), (1,), (columns,)) for zero in sources[3:])
    refuse_unless(fits, "its zero points")
    return results


def _reduce(attributes: Attributes, sources: Sources) -> Shapes:
    axes = integers_of(sources[1]) if len(sources) > 1 else attributes.get("axes")
    refuse_unless(axes, "no axes")
    return Shapes(reduced(sources[0].shape, axes, attributes.get("keepdims", 1)))


def _extreme_place(attributes: Attributes, sources: Sources) -> Shapes:
    axes = [attributes.get("axis", 0)]
    return Shapes(reduced(sources[0].shape, axes, attributes.get("keepdims", 1)))


def _cumulative(_: Attributes, sources: Sources) -> Shapes:
    (axis,) = integers_of(sources[1])
    axis_of(axis, len(sources[0].shape))
    return Shapes(sources[0].shape)


RULES: dict[str, Rule] = {
    **dict.fromkeys(
        (
            *("Abs", "Cast", "Ceil", "Cos", "Elu", "Erf", "Exp", "Floor", "HardSigmoid"),
            *("HardSwish", "Identity", "LeakyRelu", "Log", "Neg", "Not", "Reciprocal", "Relu"),
            *("Round", "Selu", "Sigmoid", "Sign", "Sin", "Softplus", "Softsign", "Sqrt", "Tanh"),
            "ThresholdedRelu",
        ),
        _alike,
    ),
    **dict.fromkeys(("Softmax", "LogSoftmax"), _along_axis),
    **dict.fromkeys(
        (
            *("Add", "And", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"),
            *("Max", "Min", "Mul", "Or", "Pow", "Sub", "Sum", "Where"),
        ),
        _elementwise,
    ),
    **dict.fromkeys(("QuantizeLinear", "DequantizeLinear"), _scaled),
    **dict.fromkeys(("MaxPool", "AveragePool"), _pool),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), _global_pool),
    **dict.fromkeys(("ReduceMean", "ReduceMax", "ReduceMin", "ReduceSum", "ReduceProd"), _reduce),
    **dict.fromkeys(("ArgMax", "ArgMin"), _extreme_place),
    "PRelu": _one_way, "Clip": _clip, "DynamicQuantizeLinear": _dynamic, "Conv": _conv_with_bias,
    "ConvInteger": _conv_integer, "ConvTranspose": _conv_transpose, "Gemm": _gemm,
    **SHAPING, "MatMul": _matmul, "MatMulInteger": _matmul_integer, "CumSum": _cumulative,
}  # fmt: skip
