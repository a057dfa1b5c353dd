"""A dense layer on a map is quantized in both formats alike, whatever it is followed by.

TFLite computes it with its bias and activation as one operator; in ONNX there are tensors between,
whose ranges are measured in the ONNX graph itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import onnx
import pytest
from keras import layers

from edge_export.films.pixels import Pixels
from edge_export.graph.artefact import measure
from edge_export.graph.float_graphs import float_graphs
from edge_export.graph.network import InputRange, network
from edge_export.quantize.onnx import tensors_inside
from edge_export.quantize.quantizer import Quantizer
from edge_export.quantize.recipe import INT8, INT16, Recipe, Setting


def on_a_map(x: Any) -> Any:
    return layers.Dense(8, activation="relu")(x)


def on_a_row_of_places(x: Any) -> Any:
    return layers.Dense(8, activation="gelu")(layers.Reshape((36, 4))(x))


def squeeze_and_excite(x: Any) -> Any:
    weights = layers.GlobalAveragePooling2D(keepdims=True)(x)
    weights = layers.Dense(4, activation="sigmoid")(layers.Dense(2, activation="relu")(weights))
    return layers.Multiply()([x, weights])


def attention(x: Any) -> Any:
    x = layers.LayerNormalization()(layers.Reshape((36, 4))(x))
    return layers.Add()([x, layers.MultiHeadAttention(2, 2)(x, x)])


BLOCKS = [on_a_map, on_a_row_of_places, squeeze_and_excite, attention]


@pytest.fixture(scope="module", params=BLOCKS, ids=lambda block: block.__name__)
def quantizer(request: pytest.FixtureRequest) -> Quantizer:
    block: Callable[[Any], Any] = request.param
    keras.utils.set_random_seed(0)
    image = keras.Input((12, 12, 1))
    x = block(layers.Conv2D(4, 3, strides=2, padding="same")(layers.Rescaling(1 / 255)(image)))
    x = layers.Flatten()(x)
    model = keras.Model(image, layers.Dense(1, activation="sigmoid")(x))
    return Quantizer(float_graphs(network(model, InputRange()), films()), films())


def films() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (12, 12, 12, 1), dtype=np.uint8)


@pytest.mark.parametrize("recipe", [INT8, INT16], ids=["int8", "int16"])
def test_both_formats_give_nearly_the_float_logit(quantizer: Quantizer, recipe: Recipe) -> None:
    expected = quantizer._float_outputs()
    for artefact in quantizer.artefacts(recipe, Setting())[0]:
        apart = np.abs(measure(artefact, films()).outputs - expected).max()
        assert apart < (0.05 if recipe == INT8 else 0.02) * max(np.ptp(expected), 1), artefact.file


def test_every_dense_layer_but_the_last_is_computed_in_integers(quantizer: Quantizer) -> None:
    artefact = quantizer.uncorrected(INT8, "onnx", quantizer.ranges("min_max"), Setting())
    graph = onnx.load_model_from_string(artefact.graph).graph
    makers = {name: node.op_type for node in graph.node for name in node.output}
    last = graph.output[0].name
    for node in graph.node:
        if node.op_type == "MatMul" and last not in node.output:
            assert {makers[name] for name in node.input} == {"DequantizeLinear"}


def test_only_what_has_no_twin_is_measured_anew(quantizer: Quantizer) -> None:
    names = tensors_inside(quantizer.graphs.onnx, quantizer.graphs.same)
    assert not set(names) & set(quantizer.graphs.same)
    graph = onnx.load_model_from_string(quantizer.graphs.onnx).graph
    assert set(names) <= {name for node in graph.node for name in node.output}
