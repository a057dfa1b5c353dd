"""Rules for TFLite's operators that multiply or look through windows; see `tflite_rules`."""

from __future__ import annotations

from math import prod

from edge_runtime.graphs.limits import MOST_STEP, broadcast, refuse_unless, windows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Tensors = list[Any]
    Options = tuple[Any, ...]


def _gives(result: Any, shape: tuple[int, ...]) -> None:
    refuse_unless(result.shape == shape, f"gives {list(shape)}, not {list(result.shape)}")


def _places(padding: int, length: int, window: int, stride: int, dilation: int = 1) -> int:
    """Return how many windows there are along one axis."""
    if padding == 1:
        return windows(length, window, stride, dilation)
    steps = (window, stride, dilation)
    refuse_unless(padding == 0 and 1 <= min(steps) <= max(steps) <= MOST_STEP, "its windows")
    return -(-length // stride)


def _weights(weights: Any, bias: Any, axis: int) -> None:
    """Refuse scales that are not those of the channels given, and another number of offsets."""
    channels = weights.shape[axis]
    refuse_unless(weights.scales in (0, 1) or weights.axis == axis, "scales of another axis")
    if bias is not None:
        refuse_unless(prod(bias.shape) == channels, "offsets that do not fit the channels")
        refuse_unless(bias.scales in (0, 1, weights.scales), "scales of its offsets")


def _conv(options: Options, sources: Tensors, results: Tensors) -> int:
    padding, across, down, activation, dilated_across, dilated_down, _ = options
    (image, weights, bias), (result,) = (*sources, None)[:3], results
    refuse_unless(len(image.shape) == len(weights.shape) == 4 and activation <= 3, "its ranks")
    films, height, width, channels = image.shape
    filters, tall, wide, taken = weights.shape
    refuse_unless(channels % taken == 0 and filters % (channels // taken) == 0, "its channels")
    _weights(weights, bias, 0)
    height = _places(padding, height, tall, down, dilated_down)
    width = _places(padding, width, wide, across, dilated_across)
    _gives(result, (films, height, width, filters))
    return int(films * height * width * filters * tall * wide * taken)


def _depthwise(options: Options, sources: Tensors, results: Tensors) -> int:
    padding, across, down, times, activation, dilated_across, dilated_down = options
    (image, weights, bias), (result,) = (*sources, None)[:3], results
    refuse_unless(len(image.shape) == len(weights.shape) == 4 and activation <= 3, "its ranks")
    films, height, width, channels = image.shape
    first, tall, wide, filters = weights.shape
    refuse_unless(first == 1 and times > 0 and filters == channels * times, "its channels")
    _weights(weights, bias, 3)
    height = _places(padding, height, tall, down, dilated_down)
    width = _places(padding, width, wide, across, dilated_across)
    _gives(result, (films, height, width, filters))
    return int(films * height * width * filters * tall * wide)


def _transposed(options: Options, sources: Tensors, results: Tensors) -> int:
    padding, across, down, activation, _ = options
    (shape, weights, image, bias), (result,) = (*sources, None)[:4], results
    refuse_unless(len(image.shape) == len(weights.shape) == 4 and activation <= 3, "its ranks")
    films, height, width, channels = image.shape
    filters, tall, wide, taken = weights.shape
    refuse_unless(channels == taken and len(result.shape) == 4, "its channels")
    _weights(weights, bias, 0)
    _gives(result, tuple(shape.integers()))
    up, along = result.shape[1:3]
    refuse_unless(result.shape == (films, up, along, filters), "its channels")
    there = _places(padding, up, tall, down), _places(padding, along, wide, across)
    refuse_unless(there == (height, width), "an output that does not fit")
    return int(films * height * width * filters * tall * wide * taken)


def _conv3d(options: Options, sources: Tensors, results: Tensors) -> int:
    padding, deep, across, down, activation, *dilated = options
    (image, weights, bias), (result,) = (*sources, None)[:3], results
    refuse_unless(len(image.shape) == len(weights.shape) == 5 and activation <= 3, "its ranks")
    refuse_unless(dilated == [1, 1, 1], "a dilation")
    *sides, taken, filters = weights.shape
    refuse_unless(image.shape[4] == taken, "its channels")
    refuse_unless(bias is None or bias.shape == (filters,), "its offsets")
    steps = (deep, down, across)
    places = [_places(padding, *one) for one in zip(image.shape[1:4], sides, steps, strict=True)]
    _gives(result, (image.shape[0], *places, filters))
    return int(image.shape[0] * prod(places) * prod(weights.shape))


def _pool(options: Options, sources: Tensors, results: Tensors) -> int:
    padding, across, down, wide, tall, activation = options
    refuse_unless(len(sources[0].shape) == 4 and activation <= 3, "its ranks")
    films, height, width, channels = sources[0].shape
    height = _places(padding, height, tall, down)
    width = _places(padding, width, wide, across)
    _gives(results[0], (films, height, width, channels))
    return int(films * height * width * channels * tall * wide)


def _fully_connected(options: Options, sources: Tensors, results: Tensors) -> int:
    activation, form, keep = options[:3]
    (rows, weights, bias), (result,) = (*sources, None)[:3], results
    refuse_unless(len(weights.shape) == 2 and activation <= 3 and not form, "its weights")
    filters, taken = weights.shape
    count, rest = divmod(prod(rows.shape), taken)
    refuse_unless(not rest, "other weights than it has elements")
    _weights(weights, bias, 0)
    if keep:
        refuse_unless(rows.shape and rows.shape[-1] == taken, "its weights")
    _gives(result, (*rows.shape[:-1], filters) if keep else (count, filters))
    return int(count * taken * filters)


def _batch_matmul(options: Options, sources: Tensors, results: Tensors) -> int:
    (first, second), (result,) = sources, results
    refuse_unless(min(len(first.shape), len(second.shape)) >= 2, "its ranks")
    rows, inner = first.shape[-2:][:: -1 if options[0] else 1]
    again, columns = second.shape[-2:][:: -1 if options[1] else 1]
    refuse_unless(inner == again, f"{inner} columns times {again} rows")
    refuse_unless(first.scales <= 1, "scales for each channel")
    refuse_unless(second.scales <= 1 or second.start, "scales for each channel")
    many = broadcast(first.shape[:-2], second.shape[:-2])
    _gives(result, (*many, rows, columns))
    return int(prod(many) * rows * columns * inner)


def _resize(_: Options, sources: Tensors, results: Tensors) -> None:
    refuse_unless(len(sources[0].shape) == 4 and sources[1].shape == (2,), "its ranks")
    films, _, _, channels = sources[0].shape
    _gives(results[0], (films, *sources[1].integers(), channels))


def _space(deep: bool) -> Any:
    """Return the rule of depth to space, or of space to depth."""

    def rule(options: Options, sources: Tensors, results: Tensors) -> None:
        block = options[0]
        source, result = (sources[0], results[0]) if deep else (results[0], sources[0])
        refuse_unless(len(source.shape) == len(result.shape) == 4 and block > 0, "its ranks")
        films, height, width, channels = source.shape
        refuse_unless(channels % block**2 == 0, "its channels")
        _gives(result, (films, height * block, width * block, channels // block**2))

    return rule


def _blocks(to_batch: bool) -> Any:
    """Return the rule of space to batch, or of batch to space: a dilation of old."""

    def rule(_: Options, sources: Tensors, results: Tensors) -> None:
        image, sides, amounts = sources[0].shape, sources[1].integers(), sources[2].integers()
        refuse_unless(len(image) in (3, 4) and len(sides) == len(image) - 2, "its ranks")
        refuse_unless(len(amounts) == 2 * len(sides), "its amounts")
        refuse_unless(min(sides) > 0 and min(amounts) >= 0, "its amounts")
        count, *lengths, channels = image
        for place, side in enumerate(sides):
            more = sum(amounts[2 * place : 2 * place + 2])
            length = lengths[place] + more if to_batch else lengths[place] * side - more
            fits = length % side == 0 if to_batch else count % side == 0 and length > 0
            refuse_unless(fits, "blocks that do not fit")
            lengths[place] = length // side if to_batch else length
            count = count * side if to_batch else count // side
        _gives(results[0], (count, *lengths, channels))

    return rule


WINDOWED = {
    "CONV_2D": _conv, "DEPTHWISE_CONV_2D": _depthwise, "TRANSPOSE_CONV": _transposed,
    "CONV_3D": _conv3d, "AVERAGE_POOL_2D": _pool, "MAX_POOL_2D": _pool,
    "FULLY_CONNECTED": _fully_connected, "BATCH_MATMUL": _batch_matmul,
    "RESIZE_BILINEAR": _resize, "RESIZE_NEAREST_NEIGHBOR": _resize,
    "DEPTH_TO_SPACE": _space(True), "SPACE_TO_DEPTH": _space(False),
    "SPACE_TO_BATCH_ND": _blocks(True), "BATCH_TO_SPACE_ND": _blocks(False),
}  # fmt: skip
