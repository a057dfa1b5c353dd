"""Weights of quantized products are never made float; all other values are counted as made."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_runtime.graphs import onnx_memory
from edge_runtime.graphs.limits import GraphFault
from edge_runtime.graphs.onnx import require_sound
from tiny_graphs import SHAPE, SIDE, onnx_graph

HEADS, WIDTH = 4, 64
WEIGHTS = SIDE * SIDE * WIDTH  # of one head: 1 MiB as float

CONSTANTS: dict[str, Any] = {
    "row": np.array([1, SIDE * SIDE], np.int64),
    "scale": np.float32(0.01),
    "zero": np.int8(0),
    "zero8": np.uint8(128),
    "bias": np.zeros(WIDTH, np.int32),
    "zero32": np.int32(0),
    **{f"w{one}": np.full((SIDE * SIDE, WIDTH), one, np.int8) for one in range(HEADS)},
}

Departure = Callable[[onnx.GraphProto], None]


def node(kind: str, *inputs: str, makes: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [makes], **attributes)


def head(one: int, product: str) -> list[onnx.NodeProto]:
    """Return the nodes of a quantized product of the film and weights of its own."""
    inputs, bias = ["film", f"weights{one}"], []
    if product == "Gemm":
        inputs.append(f"bias{one}")
        bias = [node("DequantizeLinear", "bias", "scale", "zero32", makes=f"bias{one}")]
    return [
        node("DequantizeLinear", f"w{one}", "scale", "zero", makes=f"weights{one}"),
        *bias,
        node(product, *inputs, makes=f"product{one}"),
        node("QuantizeLinear", f"product{one}", "scale", "zero8", makes=f"head8{one}"),
        node("DequantizeLinear", f"head8{one}", "scale", "zero8", makes=f"head{one}"),
    ]


def heads(product: str = "MatMul", departure: Departure | None = None) -> bytes:
    """Return a graph of quantized products side by side, of which the logit is the mean."""
    graph = onnx.GraphProto(name="heads")
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value), name) for name, value in CONSTANTS.items()
    )
    graph.node.extend(
        [
            node("Reshape", "pixels", "row", makes="flat"),
            node("Cast", "flat", makes="float", to=TensorProto.FLOAT),
            node("QuantizeLinear", "float", "scale", "zero8", makes="film8"),
            node("DequantizeLinear", "film8", "scale", "zero8", makes="film"),
            *(made for one in range(HEADS) for made in head(one, product)),
            node("Concat", *(f"head{one}" for one in range(HEADS)), makes="all", axis=1),
            node("ReduceMean", "all", makes="logit", axes=[1], keepdims=1),
        ]
    )
    graph.input.append(helper.make_tensor_value_info("pixels", TensorProto.UINT8, SHAPE))
    graph.output.append(helper.make_tensor_value_info("logit", TensorProto.FLOAT, [1, 1]))
    if departure:
        departure(graph)
    opsets = [helper.make_opsetid("", 13)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


def check(data: bytes) -> None:
    require_sound(memoryview(bytearray(data)), SHAPE)


def made_by(graph: onnx.GraphProto, name: str) -> Any:
    (maker,) = [node for node in graph.node if name in node.output]
    return maker


@pytest.mark.parametrize("product", ["MatMul", "Gemm"])
def test_weights_of_quantized_products_are_not_counted_as_made(
    product: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_memory, "MOST_MEMORY", 1 << 19)  # half the weights of one head
    check(heads(product))


@pytest.mark.parametrize("precise", ["0", "1"])
@pytest.mark.parametrize("product", ["MatMul", "Gemm"])
def test_onnx_runtime_makes_no_float_of_what_is_not_counted(
    product: str, precise: str, tmp_path: Path
) -> None:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "merged.onnx")
    options.log_severity_level = 3
    options.add_session_config_entry("session.x64quantprecision", precise)
    onnxruntime.InferenceSession(heads(product), options, providers=["CPUExecutionProvider"])
    merged = onnx.load_model(tmp_path / "merged.onnx").graph
    weights = {one.name: one for one in merged.initializer if np.prod(one.dims) == WEIGHTS}
    assert len(weights) == HEADS
    assert all(one.data_type != TensorProto.FLOAT for one in weights.values())
    readers = {one.op_type for one in merged.node if weights.keys() & set(one.input)}
    assert readers and "DequantizeLinear" not in readers


def test_weights_are_bounded_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_memory, "MOST_WEIGHTS", HEADS * WEIGHTS * 4)
    check(heads())
    monkeypatch.setattr(onnx_memory, "MOST_WEIGHTS", HEADS * WEIGHTS * 4 - 1)
    with pytest.raises(GraphFault, match="its weights take 4 MiB as float"):
        check(heads())


def read_twice(graph: onnx.GraphProto) -> None:
    """Let the weights of one head be read by another product also."""
    for one in range(1, HEADS):
        made_by(graph, f"product{one}").input[1] = "weights0"


def float_film(graph: onnx.GraphProto) -> None:
    for one in range(HEADS):
        made_by(graph, f"product{one}").input[0] = "float"


def signed_film(graph: onnx.GraphProto) -> None:
    """Read a film of int8, of which x86 makes uint8 where one product reads it alone."""
    for name in ("film8", "film"):
        made_by(graph, name).input[2] = "zero"


def signed_heads(graph: onnx.GraphProto) -> None:
    for one in range(HEADS):
        for name in (f"head8{one}", f"head{one}"):
            made_by(graph, name).input[2] = "zero"


def float_heads(graph: onnx.GraphProto) -> None:
    made_by(graph, "all").input[:] = [f"product{one}" for one in range(HEADS)]


def heads_read_twice(graph: onnx.GraphProto) -> None:
    made_by(graph, "all").input.extend(f"product{one}" for one in range(HEADS))


def heads_quantized_twice(graph: onnx.GraphProto) -> None:
    for one in range(HEADS):
        graph.node.append(
            node("QuantizeLinear", f"product{one}", "scale", "zero", makes=f"again{one}")
        )


def computed_weights(graph: onnx.GraphProto) -> None:
    for one in range(HEADS):
        weights = made_by(graph, f"weights{one}")
        graph.node.append(node("QuantizeLinear", "mixed", "scale", "zero", makes=f"weights8{one}"))
        weights.input[0] = f"weights8{one}"
    graph.node.append(node("DequantizeLinear", "w0", "scale", "zero", makes="mixed"))


def computed_scale(graph: onnx.GraphProto, *, of: str) -> None:
    graph.node.append(node("Abs", "scale", makes="computed"))
    for one in range(HEADS):
        made_by(graph, of.format(one)).input[1] = "computed"


def other_operator(graph: onnx.GraphProto) -> None:
    """Let the weights be read by what is no product."""
    shapes = numpy_helper.from_array(np.array([1, WIDTH, SIDE * SIDE], np.int64), "shape")
    graph.initializer.append(shapes)
    for one in range(HEADS):
        product = made_by(graph, f"product{one}")
        product.op_type = "ReduceMean"
        product.input[:] = [f"weights{one}"]
        product.attribute.extend(
            [helper.make_attribute("axes", [0]), helper.make_attribute("keepdims", 1)]
        )


DEPARTURES: dict[str, Departure] = {
    "weights that two products read": read_twice,
    "a film that is not quantized": float_film,
    "a film of int8": signed_film,
    "products of int8": signed_heads,
    "a product that is not quantized": float_heads,
    "a product that is read besides": heads_read_twice,
    "a product that is quantized twice": heads_quantized_twice,
    "weights that are computed": computed_weights,
    "weights of a scale that is computed": lambda graph: computed_scale(graph, of="weights{}"),
    "a film of a scale that is computed": lambda graph: computed_scale(graph, of="film"),
    "a product of a scale that is computed": lambda graph: computed_scale(graph, of="head8{}"),
    "an operator that is no product": other_operator,
}


@pytest.mark.parametrize("name", DEPARTURES)
def test_weights_that_may_be_made_float_are_counted(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = heads(departure=DEPARTURES[name])
    check(data)
    monkeypatch.setattr(onnx_memory, "MOST_MEMORY", 1 << 19)
    with pytest.raises(GraphFault, match=r"its tensors take \d+ MiB at once"):
        check(data)


def test_a_product_that_the_graph_gives_out_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def given_out(graph: onnx.GraphProto) -> None:
        graph.output[0].CopyFrom(
            helper.make_tensor_value_info("product0", TensorProto.FLOAT, [1, WIDTH])
        )

    data = heads(departure=given_out)
    check(data)
    monkeypatch.setattr(onnx_memory, "MOST_MEMORY", 1 << 19)
    with pytest.raises(GraphFault, match="at once"):
        check(data)


def test_values_are_counted_while_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value is there from its node to its last reader."""

    def chain(graph: onnx.GraphProto) -> None:
        del graph.node[2:]
        names = ["float", "a", "b", "c", "d"]
        graph.node.extend(node("Abs", one, makes=two) for one, two in pairwise(names))
        graph.node.append(node("ReduceMean", "d", makes="logit", axes=[1], keepdims=1))

    data, one = heads(departure=chain), SIDE * SIDE * 4
    monkeypatch.setattr(onnx_memory, "MOST_MEMORY", 2 * one)
    check(data)
    monkeypatch.setattr(onnx_memory, "MOST_MEMORY", 2 * one - 1)
    with pytest.raises(GraphFault, match="at once"):
        check(data)


def test_the_film_is_counted_with_what_is_made_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    film_and_floats = SIDE * SIDE * (1 + 4)
    monkeypatch.setattr(onnx_memory, "MOST_MEMORY", film_and_floats)
    check(onnx_graph())
    monkeypatch.setattr(onnx_memory, "MOST_MEMORY", film_and_floats - 1)
    with pytest.raises(GraphFault, match="at once"):
        check(onnx_graph())
