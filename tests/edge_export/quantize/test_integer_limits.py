"""What integers do not hold is computed in float or has other steps; loops are refused by layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from edge_export.graph.artefact import measure
from edge_export.graph.float_graphs import float_graphs
from edge_export.graph.network import InputRange, network
from edge_export.graph.trace import Operator
from edge_export.proof.reference import reference_outputs
from edge_export.quantize.integer_limits import computable, float_operators
from edge_export.quantize.quantizer import Quantizer
from edge_export.quantize.recipe import DYNAMIC, INT8, Setting
from edge_runtime.errors import DataError


def quantizer_of(body: Callable[[Any], Any]) -> tuple[Quantizer, Any]:
    """Return what quantizes a small network with `body` in it, and Keras's answers."""
    keras.utils.set_random_seed(0)
    pixels = np.random.default_rng(0).integers(0, 256, (8, 12, 12, 1), dtype=np.uint8)
    image = keras.Input((12, 12, 1))
    x = layers.Conv2D(4, 3, activation="relu", name="first")(layers.Rescaling(1 / 255)(image))
    x = layers.Flatten()(body(layers.MaxPooling2D(2)(x)))
    model = keras.Model(image, layers.Dense(1, activation="sigmoid")(x), name="foreign")
    candidate = network(model, InputRange())
    graphs = float_graphs(candidate, pixels)
    return Quantizer(graphs, pixels), reference_outputs(candidate, pixels)


def dead(**options: Any) -> Any:
    never = keras.initializers.Constant(-1e4)
    return layers.Conv2D(4, 1, activation="relu", bias_initializer=never, name="dead", **options)


@pytest.mark.parametrize(
    "body",
    [
        lambda x: layers.Add()([x, dead()(x)]),
        lambda x: layers.Add()([x, layers.Multiply()([x, dead()(x)])]),
        lambda x: layers.Concatenate()([x, layers.Conv2D(4, 1, activation="relu")(dead()(x))]),
        lambda x: ops.log(x + 1e-3),
        lambda x: x / (ops.mean(x, axis=-1, keepdims=True) + 1e-3),
        lambda x: x * ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + 1e-6),
        lambda x: layers.LSTM(4, unroll=True)(layers.Reshape((5, -1))(x)),
    ],
    ids=["dead", "dead product", "behind dead", "log", "division", "root", "unrolled"],
)
def test_it_goes_through_int8_in_both_formats(body: Callable[[Any], Any]) -> None:
    quantizer, expected = quantizer_of(body)
    for artefact in quantizer.artefacts(INT8, Setting())[0]:
        answers = measure(artefact, quantizer.calibration).outputs
        limit = 0.1 * max(1.0, float(np.ptp(expected)))
        assert np.abs(answers - expected).max() < limit, artefact.file


def test_a_loop_is_refused_by_its_layer_whether_it_is_calibrated_or_not() -> None:
    quantizer, _ = quantizer_of(lambda x: layers.LSTM(4, name="memory")(layers.Reshape((5, -1))(x)))
    with pytest.raises(DataError) as caught:
        quantizer.artefacts(INT8, Setting())
    assert str(caught.value) == (
        "model: layer 'memory' (LSTM with tanh) is computed in a loop, which no graph "
        "may hold; build it with unroll=True"
    )
    with pytest.raises(DataError, match="unroll=True"):
        quantizer.artefacts(DYNAMIC, Setting())


def test_only_what_is_always_zero_gets_the_width_of_what_it_is_made_of() -> None:
    graph = [Operator("CONV_2D", ("a", "w"), ("b",)), Operator("ADD", ("b", "a"), ("c",))]
    ranges = {"a": (-1.0, 2.0), "b": (0.0, 0.0), "c": (-1.0, 2.0)}
    assert computable(graph, ranges) == ranges | {"b": (0.0, 3.0)}
    live = ranges | {"b": (0.0, 1e-3)}
    assert computable(graph, live) == live


def test_what_a_division_reads_below_stays_float_and_what_it_reads_above_does_not() -> None:
    graph = [
        Operator("ADD", ("x", "y"), ("above",)),
        Operator("ADD", ("y", "y"), ("below",)),
        Operator("DIV", ("above", "below"), ("ratio",)),
    ]
    assert float_operators(graph) == {"below", "ratio"}
