"""A float graph computes the network and nothing else, and answers like Keras in both formats."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import pytest

from edge_export.films.pixels import Pixels
from edge_export.graph.artefact import Artefact, measure
from edge_export.graph.network import Network, network
from edge_export.graph.nodes import node_counts
from edge_export.graph.onnx import to_onnx
from edge_export.graph.tensors import match_tensors, onnx_tensors, tflite_tensors
from edge_export.graph.tflite import to_tflite
from edge_export.proof.reference import reference_outputs
from zoo import ZOO, zoo_pixels


@dataclass(frozen=True, slots=True)
class Converted:
    """One network of the zoo with its float graphs."""

    name: str
    candidate: Network
    tflite: bytes
    onnx: bytes
    pixels: Pixels


@pytest.fixture(scope="module", params=ZOO)
def converted(request: pytest.FixtureRequest) -> Converted:
    kind = ZOO[request.param]
    candidate = network(kind.build(), kind.input_range)
    tflite = to_tflite(candidate.logits)
    return Converted(
        request.param, candidate, tflite, to_onnx(tflite), zoo_pixels(kind.channels, 4)
    )


def operators(graph: bytes) -> list[str]:
    from ai_edge_litert.interpreter import Interpreter

    return [one["op_name"] for one in Interpreter(model_content=graph)._get_ops_details()]


def test_either_graph_answers_like_keras(converted: Converted) -> None:
    expected = reference_outputs(converted.candidate, converted.pixels)[:, 0]
    largest = float(np.abs(expected).max())
    # LiteRT adds up the 58,000 products of an unpooled map's dense layer in another order.
    unpooled = converted.name in ("baseline", "model2", "xray_cnn")
    limits = {"tflite": 5e-5 if unpooled else 1e-5, "onnx": 1e-5}
    for form, graph in (("tflite", converted.tflite), ("onnx", converted.onnx)):
        answers = measure(Artefact(f"model.{form}", form, "float32", graph), converted.pixels)
        assert answers.logits == pytest.approx(expected, rel=0, abs=limits[form] * largest)
    assert np.ptp(expected) > 0.5


def test_a_tflite_graph_computes_nothing_but_the_network(converted: Converted) -> None:
    found = operators(converted.tflite)
    assert found[0] == "CAST"
    assert found[-1] == "FULLY_CONNECTED"
    assert not {"SHAPE", "PACK", "STRIDED_SLICE", "TRANSPOSE"} & set(found)
    # Three times of a map: x + 3 clipped and divided by six, twice, and -1..1 from 0..255.
    assert found.count("MUL") == {"depthwise": 5, "normalised": 1, "nested": 1}.get(
        converted.name, 0
    )
    assert node_counts(converted.tflite, "tflite") == len(found)


def test_an_onnx_graph_is_plain_and_turns_the_pixels_only(converted: Converted) -> None:
    model = onnx.load_model_from_string(converted.onnx)
    onnx.checker.check_model(model, full_check=True)
    assert [(one.domain, one.version) for one in model.opset_import] == [("", 17)]
    kinds = Counter(node.op_type for node in model.graph.node)
    unwanted = {
        "BatchNormalization",
        "Concat",
        "Constant",
        "Gather",
        "Identity",
        "Shape",
        "Unsqueeze",
    }
    assert not unwanted & set(kinds)
    turned = "Reshape" if converted.pixels.shape[3] == 1 else "Transpose"
    assert [node.op_type for node in model.graph.node][:2] == [turned, "Cast"]
    assert (kinds["Transpose"] + kinds["Reshape"], kinds["Cast"]) == (1, 1)
    assert node_counts(converted.onnx, "onnx") == kinds.total()


def test_no_constant_is_multiplied_or_added_behind_a_convolution(converted: Converted) -> None:
    graph = onnx.load_model_from_string(converted.onnx).graph
    maker = {name: node.op_type for node in graph.node for name in node.output}
    constants = {one.name for one in graph.initializer}
    for node in graph.node:
        if node.op_type in ("Mul", "Add") and constants.intersection(node.input):
            assert "Conv" not in [maker.get(name) for name in node.input]


def test_every_onnx_tensor_but_those_before_a_fused_activation_has_a_twin(
    converted: Converted,
) -> None:
    ours = onnx_tensors(converted.onnx, converted.pixels)
    matches = match_tensors(tflite_tensors(converted.tflite, converted.pixels), ours)
    graph = onnx.load_model_from_string(converted.onnx).graph
    readers: dict[str, list[Any]] = {name: [] for name in ours}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node.op_type)
    for name in ours.keys() - matches.keys():
        assert set(readers[name]) <= {"Relu", "Clip"}
