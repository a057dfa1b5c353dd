"""A graph turns its pixels once and nothing after them, or keeps the layout that it had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_export.graph.layout import fold_layout

RNG = np.random.default_rng(0)
HEIGHT, WIDTH, CHANNELS, FILTERS = 5, 7, 3, 4
FIRST, LAST = (0, 3, 1, 2), (0, 2, 3, 1)


class Sketch:
    """An ONNX graph as a converter writes it: channels last but for the convolutions."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: Any, kind: type = np.float32) -> str:
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def weights(self, *shape: int) -> str:
        return self.constant(RNG.normal(size=shape))

    def node(self, kind: str, *taken: str, **options: Any) -> str:
        given = f"{kind}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(taken), [given], **options))
        return given

    def turned(self, kind: str, image: str, *taken: str, **options: Any) -> str:
        """Return an operation of ONNX on a channels-last image."""
        first = self.node("Transpose", image, perm=FIRST)
        return self.node("Transpose", self.node(kind, first, *taken, **options), perm=LAST)

    def convolved(self, image: str, inputs: int = FILTERS) -> str:
        return self.turned("Conv", image, self.weights(FILTERS, inputs, 3, 3), pads=[1] * 4)

    def dense(self, image: str, size: int, **options: Any) -> str:
        flat = self.node("Reshape", image, self.constant([1, size], np.int64))
        shape = (2, size) if options.get("transB") else (size, 2)
        return self.node("Gemm", flat, self.weights(*shape), self.weights(2), **options)

    def model(self, output: str, channels: int = CHANNELS) -> onnx.ModelProto:
        graph = helper.make_graph(
            [*self.nodes, helper.make_node("Identity", [output], ["logit"])],
            "sketch",
            [
                helper.make_tensor_value_info(
                    "pixels", TensorProto.UINT8, [1, HEIGHT, WIDTH, channels]
                )
            ],
            [helper.make_tensor_value_info("logit", TensorProto.FLOAT, [1, 2])],
            self.constants,
        )
        opsets = [helper.make_opsetid("", 17)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def answers(model: onnx.ModelProto) -> Any:
    import onnxruntime

    channels = model.graph.input[0].type.tensor_type.shape.dim[3].dim_value
    films = np.random.default_rng(1).integers(0, 256, (3, 1, HEIGHT, WIDTH, channels), np.uint8)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return np.stack([session.run(None, {"pixels": film})[0] for film in films])


def folded_kinds(sketch: Sketch, output: str, channels: int = CHANNELS) -> Counter[str]:
    """Return how often each operation is left, having compared the answers before and after."""
    model = sketch.model(output, channels)
    onnx.checker.check_model(model)
    before = answers(model)
    fold_layout(model)
    onnx.checker.check_model(model, full_check=True)
    assert np.ptp(before) > 1
    assert answers(model) == pytest.approx(before, rel=1e-5, abs=1e-5 * float(np.abs(before).max()))
    return Counter(node.op_type for node in model.graph.node)


def body(sketch: Sketch, channels: int = CHANNELS) -> str:
    return sketch.convolved(sketch.node("Cast", "pixels", to=TensorProto.FLOAT), channels)


SIZE = HEIGHT * WIDTH * FILTERS
Between = Callable[[Sketch, str], tuple[str, int]]


def squeezed(sketch: Sketch, image: str) -> tuple[str, int]:
    """Squeeze-and-excite, its 1x1 maps reshaped instead of transposed."""
    mean = sketch.node("ReduceMean", image, axes=[1, 2], keepdims=1)
    first = sketch.node("Reshape", mean, sketch.constant([1, FILTERS, 1, 1], np.int64))
    gate = sketch.node("Conv", first, sketch.weights(FILTERS, FILTERS, 1, 1))
    same = sketch.node("Reshape", gate, sketch.constant([1, FILTERS, 1, 1], np.int64))
    last = sketch.node("Reshape", same, sketch.constant([1, 1, 1, FILTERS], np.int64))
    return sketch.node("Mul", image, last), SIZE


def padded(sketch: Sketch, image: str) -> tuple[str, int]:
    pads = sketch.constant([0, 1, 2, 0, 0, 3, 0, 0], np.int64)
    padded = sketch.node("Pad", image, pads, sketch.constant(0.5))
    return sketch.convolved(padded), (HEIGHT + 4) * (WIDTH + 2) * FILTERS


def joined(sketch: Sketch, image: str) -> tuple[str, int]:
    return sketch.node("Concat", image, sketch.node("Neg", image), axis=3), 2 * SIZE


MOVED: dict[str, Between] = {
    "nothing": lambda _, image: (image, SIZE),
    "activation": lambda sketch, image: (sketch.node("HardSwish", image), SIZE),
    "two convolutions": lambda sketch, image: (
        sketch.convolved(sketch.node("Sigmoid", image)),
        SIZE,
    ),
    "residual": lambda sketch, image: (sketch.node("Add", image, sketch.convolved(image)), SIZE),
    "scalar": lambda sketch, image: (sketch.node("Mul", image, sketch.constant(2)), SIZE),
    "by channel": lambda sketch, image: (
        sketch.node("PRelu", image, sketch.weights(FILTERS)),
        SIZE,
    ),
    "by place": lambda sketch, image: (
        sketch.node("Add", sketch.weights(1, HEIGHT, WIDTH, FILTERS), image),
        SIZE,
    ),
    "clip without lower limit": lambda sketch, image: (
        sketch.node("Clip", image, "", sketch.constant(20)),
        SIZE,
    ),
    "pad": padded,
    "concatenation": joined,
    "squeeze and excite": squeezed,
    "maximum": lambda sketch, image: (
        sketch.node("ReduceMax", image, axes=[1, -2], keepdims=0),
        FILTERS,
    ),
}


@pytest.mark.parametrize("between", MOVED)
def test_only_the_pixels_are_turned(between: str) -> None:
    sketch = Sketch()
    image, size = MOVED[between](sketch, body(sketch))
    kinds = folded_kinds(sketch, sketch.dense(image, size))
    assert kinds["Transpose"] == 1
    # Of one row already, the maximum is reshaped to what it is.
    assert kinds["Reshape"] == (between == "maximum")


@pytest.mark.parametrize("channels", [1, 3])
def test_one_channel_is_reshaped_and_not_turned(channels: int) -> None:
    sketch = Sketch()
    kinds = folded_kinds(sketch, sketch.dense(body(sketch, channels), SIZE), channels)
    assert (kinds["Reshape"], kinds["Transpose"]) == ((1, 0) if channels == 1 else (0, 1))


def test_a_dense_layer_of_turned_weights_is_permuted_too() -> None:
    sketch = Sketch()
    kinds = folded_kinds(sketch, sketch.dense(body(sketch), SIZE, transB=1))
    assert (kinds["Reshape"], kinds["Transpose"]) == (0, 1)


OPAQUE: dict[str, Between] = {
    "softmax": lambda sketch, image: (sketch.node("Softmax", image, axis=2), SIZE),
    "mean over rows": lambda sketch, image: (
        sketch.node("ReduceMean", image, axes=[1], keepdims=1),
        WIDTH * FILTERS,
    ),
    "other transposition": lambda sketch, image: (
        sketch.node("Transpose", image, perm=(0, 2, 1, 3)),
        SIZE,
    ),
    "reshape": lambda sketch, image: (
        sketch.node("Reshape", image, sketch.constant([1, WIDTH, HEIGHT, FILTERS], np.int64)),
        SIZE,
    ),
    "activation of what was flattened": lambda sketch, image: (
        sketch.node("Relu", sketch.node("Flatten", image)),
        SIZE,
    ),
}


@pytest.mark.parametrize("between", OPAQUE)
def test_what_cannot_be_moved_gets_the_layout_it_was_written_for(between: str) -> None:
    sketch = Sketch()
    image, size = OPAQUE[between](sketch, body(sketch))
    kinds = folded_kinds(sketch, sketch.dense(image, size))
    assert kinds["Transpose"] == 2 + (between == "other transposition")


def test_a_map_that_two_readers_need_in_two_layouts_is_in_both() -> None:
    sketch = Sketch()
    image = body(sketch)
    flat = sketch.node("Relu", sketch.node("Flatten", image))
    one = sketch.node("Gemm", flat, sketch.weights(SIZE, 2))
    both = sketch.node("Add", one, sketch.dense(sketch.convolved(image), SIZE))
    assert folded_kinds(sketch, both)["Transpose"] == 2


def test_a_graph_without_images_is_left_as_it_is() -> None:
    sketch = Sketch()
    flat = sketch.node("Flatten", sketch.node("Cast", "pixels", to=TensorProto.FLOAT))
    size = HEIGHT * WIDTH * CHANNELS
    logit = sketch.node("Gemm", sketch.node("Abs", flat), sketch.weights(size, 2))
    assert folded_kinds(sketch, logit)["Transpose"] <= 2
