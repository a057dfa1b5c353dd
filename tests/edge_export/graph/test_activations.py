"""What Keras answers to grey levels 0..255 is finite in both formats, in float and in int8."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from edge_export.graph.activations import finite_activations
from edge_export.graph.artefact import measure
from edge_export.graph.float_graphs import float_graphs
from edge_export.graph.network import InputRange, network
from edge_export.proof.layers import layer_noise
from edge_export.proof.reference import reference_outputs
from edge_export.quantize.quantizer import Quantizer
from edge_export.quantize.recipe import FLOAT32, INT8, Setting


def films(side: int = 12) -> Any:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (8, side, side, 1), dtype=np.uint8)


def bent_twice(activation: str, *, grouped: bool = False) -> keras.Model:
    """Return a network of grey levels 0..255 with an activation in and behind a convolution."""
    keras.utils.set_random_seed(1)
    body = [
        layers.Conv2D(4, 3, activation=activation, name="inside"),
        *([layers.GroupNormalization(2, name="grouped")] if grouped else []),
        layers.Activation(activation, name="behind"),
        layers.GlobalAveragePooling2D(),
        layers.Rescaling(1 / 100),
    ]
    head = layers.Dense(1, activation="sigmoid")
    return keras.Sequential([keras.Input((12, 12, 1)), *body, head], name="foreign")


@pytest.mark.parametrize(
    "values", [np.linspace(-20, 20, 401), np.array([-1e4, -200, -90, 90, 200, 1e4])]
)
@pytest.mark.parametrize("name", ["softplus", "mish", "log_sigmoid", "selu"])
def test_they_are_those_of_keras(name: str, values: Any) -> None:
    bent, taken = keras.activations.get(name), values.astype(np.float32)
    expected = np.asarray(bent(taken))
    with finite_activations():
        assert np.allclose(np.asarray(bent(taken)), expected, rtol=1e-6, atol=1e-6)
        assert tf.math.softplus.__name__ == "_softplus"
    assert tf.math.softplus.__name__ == "softplus"


@pytest.mark.parametrize("grouped", [False, True], ids=["grey levels", "normalised"])
@pytest.mark.parametrize("name", ["softplus", "mish", "log_sigmoid", "selu", "hard_tanh"])
def test_a_network_of_them_goes_through_int8_on_grey_levels(name: str, *, grouped: bool) -> None:
    pixels, candidate = films(), network(bent_twice(name, grouped=grouped), InputRange())
    expected = reference_outputs(candidate, pixels)
    quantizer = Quantizer(float_graphs(candidate, pixels), pixels)
    spread = max(1.0, float(np.ptp(expected)))
    for recipe, share in ((FLOAT32, 1e-4), (INT8, 0.2)):
        for artefact in quantizer.artefacts(recipe, Setting())[0]:
            largest = np.abs(measure(artefact, pixels).outputs - expected).max()
            assert largest < share * spread, artefact.file
            layer_noise(quantizer.graphs, artefact, pixels[:2])
