"""Correcting the mean moves every logit by the shift, and changes nothing else in the graph."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from edge_export.films.pixels import Pixels
from edge_export.graph.artefact import Artefact, measure
from edge_export.graph.float_graphs import float_graphs
from edge_export.graph.network import InputRange, network
from edge_export.quantize.correct import shift_onnx, shift_tflite
from edge_export.quantize.recipe import FLOAT32
from edge_runtime.errors import DataError
from tiny_graphs import tflite_graph
from tiny_network import SIDE

SHIFT = 0.25
SHIFTS = {"tflite": shift_tflite, "onnx": shift_onnx}


@pytest.mark.parametrize("file", ["model.int8.tflite", "model.int8.onnx"])
def test_every_logit_moves_by_the_shift(
    artefacts: dict[str, Artefact], pixels: Pixels, file: str
) -> None:
    before = artefacts[file]
    after = replace(before, graph=SHIFTS[before.format](before.graph, (SHIFT, 2 * SHIFT)))
    moved = measure(after, pixels[:6]).outputs - measure(before, pixels[:6]).outputs
    assert moved == pytest.approx(np.tile((SHIFT, 2 * SHIFT), (6, 1)), abs=1e-5)


def test_of_a_tflite_graph_four_bytes_change_and_no_more(artefacts: dict[str, Artefact]) -> None:
    graph = artefacts["model.int8.tflite"].graph
    shifted = shift_tflite(graph, (SHIFT, 0.0))
    changed = [place for place, (a, b) in enumerate(zip(graph, shifted, strict=True)) if a != b]
    assert 1 <= len(changed) <= 4
    assert changed[-1] - changed[0] < 4


@pytest.mark.parametrize("use_bias", [True, False])
def test_a_bias_of_zero_or_none_at_all_can_be_shifted_too(use_bias: bool, pixels: Pixels) -> None:
    import keras

    layers = [
        keras.Input((SIDE, SIDE, 1)),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(1, "sigmoid", use_bias=use_bias),
    ]
    graphs = float_graphs(network(keras.Sequential(layers), InputRange()), pixels[:4])
    for form, graph in (("tflite", graphs.tflite), ("onnx", graphs.onnx)):
        before, after = (
            measure(Artefact("m", form, FLOAT32.name, one), pixels[:4]).logits
            for one in (graph, SHIFTS[form](graph, (SHIFT,)))
        )
        assert after - before == pytest.approx(np.full(4, SHIFT), abs=1e-4)


def dense_without_bias() -> bytes:
    """Return an ONNX graph of one dense layer, whose weights are no bias."""
    ends = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, (1, 1)) for name in "xy"
    ]
    weights = onnx.numpy_helper.from_array(np.ones((1, 1), np.float32), "w")
    node = onnx.helper.make_node("Gemm", ["x", "w"], ["y"])
    graph = onnx.helper.make_graph([node], "dense", ends[:1], ends[1:], [weights])
    return bytes(onnx.helper.make_model(graph).SerializeToString())


def test_a_tflite_graph_whose_last_layer_has_no_bias_is_refused() -> None:
    with pytest.raises(DataError, match="ends in a layer without bias"):
        shift_tflite(tflite_graph(), (SHIFT,))  # it ends in an addition


def test_an_onnx_graph_without_a_bias_gets_a_node_that_adds_the_shift() -> None:
    film = {"x": np.full((1, 1), 3, np.float32)}
    before, after = dense_without_bias(), shift_onnx(dense_without_bias(), (SHIFT,))
    onnx.checker.check_model(onnx.load_model_from_string(after))
    graphs: list[Any] = [onnx.load_model_from_string(one) for one in (before, after)]
    answers: list[Any] = [ReferenceEvaluator(one).run(["y"], film) for one in graphs]
    assert [one[0].item() for one in answers] == [3, 3 + SHIFT]


def heads() -> dict[str, list[Any]]:
    """Return the ends of networks that people have, after a map of their own size."""
    from keras import layers

    return {
        "reshaped": [layers.Conv2D(2, SIDE), layers.Reshape((2,)), layers.Softmax()],
        "sigmoid apart": [
            layers.Conv2D(1, SIDE),
            layers.Reshape((1,)),
            layers.Activation("sigmoid"),
        ],
    }


@pytest.mark.parametrize("end", ["reshaped", "sigmoid apart"])
def test_the_logit_of_a_convolution_moves_by_the_shift(end: str, pixels: Pixels) -> None:
    import keras

    model = keras.Sequential([keras.Input((SIDE, SIDE, 1)), *heads()[end]])
    graphs = float_graphs(network(model, InputRange()), pixels[:4])
    for form, graph in (("tflite", graphs.tflite), ("onnx", graphs.onnx)):
        before, after = (
            measure(Artefact("m", form, FLOAT32.name, one), pixels[:4]).logits
            for one in (graph, SHIFTS[form](graph, (SHIFT,)))
        )
        assert after - before == pytest.approx(np.full(4, SHIFT), abs=1e-4)
