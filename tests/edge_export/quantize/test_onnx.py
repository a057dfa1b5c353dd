"""The ONNX graph holds the same numbers as the TFLite graph: its integers, 128 above it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter
from onnx import numpy_helper

from edge_export.films.pixels import Pixels
from edge_export.graph.artefact import Artefact, measure
from edge_export.graph.tensors import match_tensors, onnx_tensors, tflite_tensors
from edge_export.quantize.onnx import quantize_onnx
from edge_export.quantize.ranges import Range, measure_ranges
from edge_runtime.engines.onnx_runtime import load, may_saturate
from edge_runtime.errors import DataError


@pytest.fixture(scope="module")
def ranges(artefacts: dict[str, Artefact], pixels: Pixels) -> dict[str, Range]:
    return measure_ranges(artefacts["model.f32.tflite"].graph, pixels[:12])


@pytest.fixture(scope="module")
def same(artefacts: dict[str, Artefact], pixels: Pixels) -> dict[str, str]:
    return match_tensors(
        tflite_tensors(artefacts["model.f32.tflite"].graph, pixels[:4]),
        onnx_tensors(artefacts["model.f32.onnx"].graph, pixels[:4]),
    )


@pytest.fixture(scope="module")
def quantized(artefacts: dict[str, Artefact]) -> onnx.ModelProto:
    return onnx.load_model_from_string(artefacts["model.int8.onnx"].graph)


def constants(model: onnx.ModelProto) -> dict[str, Any]:
    return {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}


def activations(model: onnx.ModelProto) -> dict[str, tuple[float, int]]:
    """Return scale and zero point of every tensor that is quantized while the graph runs."""
    held = constants(model)
    return {
        node.input[0]: (float(held[node.input[1]]), int(held[node.input[2]]))
        for node in model.graph.node
        if node.op_type == "QuantizeLinear"
    }


def test_pixels_come_in_as_bytes_and_both_logits_leave_as_floats(
    quantized: onnx.ModelProto,
) -> None:
    ends = [*quantized.graph.input, *quantized.graph.output]
    kinds = [one.type.tensor_type.elem_type for one in ends]
    assert kinds == [onnx.TensorProto.UINT8, *[onnx.TensorProto.FLOAT] * 2]
    shapes = [[d.dim_value for d in one.type.tensor_type.shape.dim] for one in ends]
    assert shapes == [[1, 64, 64, 1], [1, 1], [1, 1]]


def test_convolution_weights_are_int8_with_a_scale_for_every_channel(
    quantized: onnx.ModelProto,
) -> None:
    held = constants(quantized)
    makers = {node.output[0]: node for node in quantized.graph.node}
    convolutions = [node for node in quantized.graph.node if node.op_type == "Conv"]
    assert len(convolutions) == 3
    for node in convolutions:
        weights, scale, zero = (held[name] for name in makers[node.input[1]].input)
        assert (weights.dtype, weights.shape[0], scale.shape) == (np.int8, 4, (4,))
        assert not zero.any()


@pytest.mark.parametrize("precise", ["0", "1"])
def test_onnx_runtime_computes_in_integers_what_several_layers_read(
    precise: str, artefacts: dict[str, Artefact], quantized: onnx.ModelProto, tmp_path: Path
) -> None:
    reads = Counter(name for node in quantized.graph.node for name in node.input)
    assert max(reads[f"{name}_DequantizeLinear_Output"] for name in activations(quantized)) > 1
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "merged.onnx")
    options.log_severity_level = 3
    options.add_session_config_entry("session.x64quantprecision", precise)
    graph = artefacts["model.int8.onnx"].graph
    onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    merged = onnx.load_model(tmp_path / "merged.onnx").graph
    kinds = Counter(node.op_type for node in merged.node)
    assert (kinds["Conv"], kinds["QLinearConv"]) == (0, 3)
    assert kinds["Gemm"] + kinds["MatMul"] == 2  # the heads


def test_the_last_dense_layers_alone_have_float_weights(quantized: onnx.ModelProto) -> None:
    held = constants(quantized)
    dense = [node for node in quantized.graph.node if node.op_type in ("Gemm", "MatMul")]
    heads = {node.output[0] for node in dense if node.input[1] in held}
    assert (len(dense), heads) == (4, {"logit", "logit_film"})
    assert all(held[one.input[1]].dtype == np.float32 for one in dense if one.output[0] in heads)
    assert not heads & activations(quantized).keys()


def test_scales_and_zero_points_are_exactly_those_of_the_tflite_graph(
    artefacts: dict[str, Artefact], quantized: onnx.ModelProto, same: dict[str, str]
) -> None:
    details = Interpreter(model_content=artefacts["model.int8.tflite"].graph).get_tensor_details()
    tflite = {
        one["name"].removesuffix("_quantized"): (
            float(one["quantization_parameters"]["scales"][0]),
            int(one["quantization_parameters"]["zero_points"][0]) + 128,  # uint8 in ONNX
        )
        for one in details
        if one["dtype"] is np.int8 and len(one["quantization_parameters"]["scales"]) == 1
    }
    found = {
        same[name]: pair
        for name, pair in activations(quantized).items()
        if same.get(name) in tflite
    }
    assert len(found) >= 5
    assert found == {name: tflite[name] for name in found}


def test_litert_and_onnx_runtime_agree_on_int8(artefacts: dict[str, Artefact]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 64, 64, 1), dtype=np.uint8)
    tflite, other = (measure(artefacts[f"model.int8.{form}"], noise) for form in ("tflite", "onnx"))
    assert np.abs(tflite.logits - other.logits).max() <= 1e-4
    assert np.ptp(tflite.logits) > 0.01


def test_a_tensor_without_a_range_is_an_error(
    artefacts: dict[str, Artefact], ranges: dict[str, Range], same: dict[str, str]
) -> None:
    graph = artefacts["model.f32.onnx"].graph
    convolution = next(
        node for node in onnx.load_model_from_string(graph).graph.node if node.op_type == "Conv"
    )
    # What goes into the first convolution, and all copies of it.
    twin = same[convolution.input[0]]
    known = {name: one for name, one in same.items() if one != twin}
    with pytest.raises(DataError, match="ONNX graph: cannot be quantized"):
        quantize_onnx(graph, ranges, known)


def test_the_range_before_an_activation_is_its_own_where_it_has_one(
    artefacts: dict[str, Artefact], ranges: dict[str, Range], same: dict[str, str]
) -> None:
    from edge_export.quantize.onnx import _onnx_ranges

    model = onnx.load_model_from_string(artefacts["model.f32.onnx"].graph)
    relu = next(node for node in model.graph.node if node.op_type == "Relu")
    fused = _onnx_ranges(model, ranges, same)
    assert fused[relu.input[0]] == fused[relu.output[0]]
    apart = _onnx_ranges(
        model, {**ranges, "before": (-5.0, 5.0)}, {**same, relu.input[0]: "before"}
    )
    assert apart[relu.input[0]] == (-5.0, 5.0)


def test_a_graph_that_does_not_end_in_a_dense_layer_is_refused() -> None:
    from onnx import helper

    ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 1]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Tanh", "x", "y")], "g", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    with pytest.raises(DataError, match="does not end in a dense layer"):
        quantize_onnx(model.SerializeToString(), {}, {})


def drawn(text: str) -> tuple[onnx.ModelProto, dict[str, Range]]:
    """Return a graph of four pixels and one logit, and a range for each of its tensors."""
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]>\n'
        "g (uint8[1,4] pixels) => (float[1,1] logit)\n"
        "<float[1] half = {0.5}> {\n"
        f"grey = Cast<to = 1>(pixels) {text} logit = Gemm(last, head) }}"
    )
    rng = np.random.default_rng(0)
    for constant, shape in (("w", (4, 4)), ("head", (4, 1))):
        values = rng.normal(size=shape).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(values, constant))
    for place, node in enumerate(model.graph.node):
        node.name = f"{node.op_type}_{place}"
    return model, {name: (-9.0, 9.0) for node in model.graph.node for name in node.output}


OPERATOR = """
    first = MatMul(grey, w) inside = Mul(first, half) outside = Add(inside, first)
    last = MatMul(outside, w)
"""


def quantized_tensors(model: onnx.ModelProto, ranges: dict[str, Range], *kept: str) -> set[str]:
    same = {name: name for name in ranges}
    graph = quantize_onnx(model.SerializeToString(), ranges, same, keep_float=kept)
    return {*activations(onnx.load_model_from_string(graph))}


def test_all_that_has_a_range_is_quantized() -> None:
    model, ranges = drawn(OPERATOR)
    assert quantized_tensors(model, ranges) == {"grey", "first", "inside", "outside", "last"}


def test_the_insides_of_one_tflite_operator_stay_float() -> None:
    model, ranges = drawn(OPERATOR)
    del ranges["inside"]  # what TFLite does in one operator has no range inside
    assert quantized_tensors(model, ranges) == {"grey", "first", "outside", "last"}


def test_all_nodes_of_an_operator_that_is_kept_float_are() -> None:
    model, ranges = drawn("biased = MatMul(grey, w) moved = Add(biased, half) last = Relu(moved)")
    del ranges["biased"], ranges["moved"]
    assert quantized_tensors(model, ranges, "last") == set()


def test_a_softmax_has_steps_of_one_in_256() -> None:
    model, ranges = drawn("first = MatMul(grey, w) soft = Softmax(first) last = MatMul(soft, w)")
    same = {name: name for name in ranges}
    graph = quantize_onnx(model.SerializeToString(), ranges, same)
    steps = activations(onnx.load_model_from_string(graph))
    assert steps["soft"] == (1 / 256, 0)


@pytest.fixture(scope="module")
def shared_bias() -> bytes:
    """Two convolutions share the bias tensor_1, whose copy would be tensor_10: what one writes."""
    weights = {
        "tensor_1": np.zeros(2),
        "tensor_2": np.ones((2, 1, 3, 3)),
        "tensor_3": np.full((2, 2, 1, 1), 0.5),
        "tensor_6": np.ones((2, 1)),
        "tensor_7": np.zeros(1),
    }
    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17]>
        g (uint8[1,1,8,8] pixels) => (float[1,1] logit) {
            tensor_4 = Cast<to = 1>(pixels)
            tensor_10 = Conv(tensor_4, tensor_2, tensor_1)
            tensor_5 = Conv(tensor_10, tensor_3, tensor_1)
            tensor_8 = GlobalAveragePool(tensor_5)
            tensor_9 = Flatten(tensor_8)
            logit = Gemm(tensor_9, tensor_6, tensor_7)
        }
    """)
    model.graph.initializer.extend(
        numpy_helper.from_array(one.astype(np.float32), name) for name, one in weights.items()
    )
    for number, node in enumerate(model.graph.node):
        node.name = f"node_{number}"
    table = {f"tensor_{one}": (0.0, 2550.0) for one in (4, 10, 5, 8, 9)} | {"logit": (0.0, 1.0)}
    return quantize_onnx(model.SerializeToString(), table, {name: name for name in table})


@pytest.mark.parametrize("exact", [False, True])
def test_a_bias_that_several_layers_share_takes_no_other_tensor_s_name(
    exact: bool, shared_bias: bytes
) -> None:
    names = [one.name for one in onnx.load_model_from_string(shared_bias).graph.initializer]
    assert not any(name.startswith("tensor_10_quantized") for name in names)
    engine = load(memoryview(shared_bias), (1, 1, 8, 8), exact=exact)
    (answer,) = engine.logits(bytes([200]) * 64)
    if exact or not may_saturate():  # or else the graph has to open, and that is all
        assert answer == pytest.approx(2 * 1800, rel=0.02)
