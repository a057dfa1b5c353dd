"""A layer that cannot be converted is named, and no other layer is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from edge_export.graph.float_graphs import float_graphs
from edge_export.graph.network import InputRange, load_model, network
from edge_export.graph.unconvertible import unconvertible_layer
from edge_runtime.errors import DataError


class Determinant(layers.Layer):  # type: ignore[misc]
    """What TFLite has no operation for."""

    def call(self, x: Any) -> Any:
        return x * tf.linalg.det(tf.reshape(x, (-1, 2, 2)))[:, None]


class Spectrum(layers.Layer):  # type: ignore[misc]
    """What TFLite has an operation for, but converts to a graph that it cannot run."""

    def call(self, x: Any) -> Any:
        return tf.math.abs(tf.signal.fft(tf.cast(x, tf.complex64)))


class Bits(layers.Layer):  # type: ignore[misc]
    """What TFLite computes, and ONNX has no operation for."""

    def call(self, x: Any) -> Any:
        return tf.bitcast(tf.bitcast(x, tf.int32) + 1, tf.float32)


def model(*behind: Any) -> keras.Model:
    """Return a network with the layers of `behind` after four pooled features."""
    body = [layers.Conv2D(4, 3, name="conv"), layers.GlobalAveragePooling2D()]
    head = layers.Dense(1, activation="sigmoid", name="head")
    return keras.Sequential([keras.Input((8, 8, 1)), *body, *behind, head], name="foreign")


@pytest.mark.parametrize(
    ("layer", "problem"),
    [
        (
            Determinant(name="odd"),
            "layer 'odd' (Determinant) that TFLite cannot express (TF Select ops: Matrix",
        ),
        (Spectrum(name="fourier"), "layer 'fourier' (Spectrum) that TFLite cannot express ("),
        (
            keras.Sequential([keras.Input((4,)), Bits(name="soft")]),
            "layer 'soft' (Bits) that ONNX cannot express (",
        ),
    ],
    ids=["no operation", "cannot run", "nested, onnx only"],
)
def test_the_layer_that_cannot_be_converted_is_named(layer: Any, problem: str) -> None:
    pixels = np.zeros((1, 8, 8, 1), np.uint8)
    with pytest.raises(DataError) as caught:
        float_graphs(network(model(layer), InputRange()), pixels)
    assert str(caught.value).startswith(f"model: has {problem}")
    assert str(caught.value).endswith("; replace that layer")


def test_layers_of_one_configuration_are_tried_once_each_shape_and_alone() -> None:
    alike = [layers.Dense(4, activation="relu") for _ in range(3)]
    nested = keras.Sequential([keras.Input((4,)), layers.Dense(4, activation="tanh", name="last")])
    tried: list[str] = []

    def convert(part: keras.Model) -> None:
        (layer,) = (one for one in part.layers if not isinstance(one, layers.InputLayer))
        tried.append(layer.name)
        if layer.name == "last":
            raise ValueError

    assert unconvertible_layer(model(*alike, nested), convert) == "layer 'last' (Dense)"
    assert [tried[0], *tried[2:]] == ["conv", alike[0].name, "last"]


def test_where_every_layer_converts_alone_none_is_blamed() -> None:
    assert unconvertible_layer(model(), lambda _: None) == "a layer"


def test_a_file_with_a_layer_that_nobody_knows_is_refused_by_its_class(tmp_path: Path) -> None:
    path = tmp_path / "foreign.keras"
    model(Determinant(name="odd")).save(path)
    with pytest.raises(DataError, match="Could not locate class 'Determinant'"):
        load_model(path)
