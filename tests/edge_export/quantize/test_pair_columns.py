"""`pair_columns` gives another graph whose every tensor holds the same integers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edge_export.films.pixels import Pixels
from edge_export.graph.network import InputRange, network
from edge_export.graph.tflite import to_tflite
from edge_export.graph.trace import TFLiteTrace, Values, operators
from edge_export.quantize import tflite
from edge_export.quantize.pair_columns import pair_columns
from edge_export.quantize.ranges import measure_ranges
from edge_export.quantize.recipe import DYNAMIC, FULL, INT8, INT16, Recipe

if TYPE_CHECKING:
    import keras

HEIGHT = 20


def films(width: int, channels: int) -> Pixels:
    shape = (4, HEIGHT, width, channels)
    return np.random.default_rng(7).integers(0, 256, shape, np.uint8)


def convolving(width: int, channels: int, **options: Any) -> keras.Model:
    """Return a small network with a 3x3 convolution that the `options` change."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    first = layers.Conv2D(
        **{"filters": 6, "kernel_size": 3, "activation": "relu"} | options,
        bias_initializer=keras.initializers.RandomUniform(),
    )
    front = [layers.Rescaling(1 / 255)]
    if channels == 4:  # which no film has
        front, channels = [layers.Conv2D(4, 2, strides=2)], 1
    end = [layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(1, activation="sigmoid")]
    return keras.Sequential([keras.Input((HEIGHT, width, channels)), *front, first, *end])


def as_quantized(model: keras.Model, recipe: Recipe = INT8) -> bytes:
    """Return the graph as `quantize_tflite` makes it, on the films of the model's size."""
    graph = to_tflite(network(model, InputRange()).logits)
    pixels = films(*model.input_shape[2:])
    ranges = measure_ranges(graph, pixels) if recipe.calibrated else {}
    return tflite.quantize_tflite(graph, ranges, recipe)


@pytest.fixture
def unpaired(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the quantizer's own graph through."""
    monkeypatch.setattr(tflite, "pair_columns", lambda graph: graph)


def tensors(graph: bytes, film: Pixels) -> dict[str, Values]:
    trace = TFLiteTrace(graph)
    trace.start(film)
    return {name: trace.values(index) for index, name in trace.names.items()}


@pytest.mark.usefixtures("unpaired")
@pytest.mark.parametrize(
    ("width", "channels", "kernel", "recipe"),
    [
        (20, 1, (3, 3), INT8),
        (20, 1, (1, 1), FULL),
        (22, 2, (3, 5), INT8),
        (18, 3, (5, 7), FULL),
        (20, 3, (3, 3), INT8),
    ],
    ids=str,
)
def test_every_tensor_that_was_there_holds_the_same(
    width: int, channels: int, kernel: tuple[int, int], recipe: Recipe
) -> None:
    before = as_quantized(convolving(width, channels, kernel_size=kernel), recipe)
    after = pair_columns(before)
    kinds = [one.kind for one in operators(after)]
    place = kinds.index("CONV_2D")
    assert kinds[place - 1 : place + 2] == ["RESHAPE", "CONV_2D", "RESHAPE"]
    for film in films(width, channels):
        one, other = tensors(before, film), tensors(after, film)
        assert one.keys() < other.keys()
        for name, values in one.items():
            np.testing.assert_array_equal(other[name], values, name)


@pytest.mark.usefixtures("unpaired")
@pytest.mark.parametrize(
    ("width", "channels", "options", "recipe"),
    [
        (20, 4, {}, INT8),  # enough channels for a vector
        (21, 1, {"kernel_size": (3, 2)}, INT8),  # an odd number of columns before it
        (20, 1, {"kernel_size": (3, 2)}, INT8),  # and behind it
        (20, 1, {"strides": 2}, INT8),
        (20, 1, {"padding": "same"}, INT8),
        (20, 1, {"dilation_rate": 2}, INT8),
        (20, 1, {}, INT16),
        (20, 1, {}, DYNAMIC),
    ],
    ids=str,
)
def test_whatever_else_there_is_stays(
    width: int, channels: int, options: dict[str, Any], recipe: Recipe
) -> None:
    graph = as_quantized(convolving(width, channels, **options), recipe)
    assert pair_columns(graph) is graph


def test_an_int8_graph_has_it() -> None:
    graph = as_quantized(convolving(20, 1))
    shapes = {name: values.shape for name, values in tensors(graph, films(20, 1)[0]).items()}
    assert {(1, HEIGHT, 10, 2), (1, HEIGHT - 2, 9, 12)} <= set(shapes.values())
