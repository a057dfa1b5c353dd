"""An error about a tensor names the Keras layer, with its activation."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops

from edge_export.graph.float_graphs import float_graphs
from edge_export.graph.layer_names import in_words, naming_layers
from edge_export.graph.network import InputRange, network
from edge_export.quantize.quantizer import Quantizer
from edge_runtime.errors import DataError


def test_every_tensor_behind_the_pixels_is_told_by_its_layer() -> None:
    image = keras.Input((8, 8, 1))
    inner = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 3, name="conv_2")])
    x = layers.Activation("mish", name="bent")(inner(image))
    x = layers.GlobalAveragePooling2D(name="pool")(ops.square(x))
    model = keras.Model(image, layers.Dense(1, name="end")(x), name="foreign")
    graphs = float_graphs(network(model, InputRange()), np.zeros((1, 8, 8, 1), np.uint8))
    told = list(dict.fromkeys(graphs.layers.values()))
    assert told == [
        "layer 'conv_2' (Conv2D)",
        "layer 'bent' (Activation with mish)",
        "what follows layer 'bent' (Activation with mish)",
        "layer 'pool' (GlobalAveragePooling2D)",
        "what follows layer 'pool' (GlobalAveragePooling2D)",
    ]


def test_a_layer_that_overflows_is_named() -> None:
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(2, 3, activation="exponential", name="hot", kernel_initializer="ones"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1),
        ]
    )
    dark, bright = np.zeros((4, 8, 8, 1), np.uint8), np.full((1, 8, 8, 1), 255, np.uint8)
    graphs = float_graphs(network(model, InputRange()), dark)
    with pytest.raises(DataError, match=r"model: layer 'hot' \(Conv2D with exponential\) takes"):
        Quantizer(graphs, np.concatenate([dark, bright])).ranges("min_max")


def test_an_error_about_something_else_stays_as_it_is() -> None:
    with pytest.raises(DataError, match=r"^graph: is none"), naming_layers({"a": "layer 'a'"}):
        raise DataError("graph", "is none")


def test_a_linear_activation_is_not_worth_a_word() -> None:
    assert in_words(layers.Dense(1, name="a")) == "layer 'a' (Dense)"
    assert in_words(layers.Dense(1, activation="tanh", name="a")) == "layer 'a' (Dense with tanh)"
