"""A channels-first model gives the same answers channels last, with hardly a transposition."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from edge_export.graph.channels_last import channels_last, has_channels_first
from edge_export.graph.network import InputRange, network
from edge_export.graph.open_model import difference, open_model
from edge_export.graph.tflite import to_tflite
from edge_export.graph.trace import operators

FIRST: dict[str, Any] = {"data_format": "channels_first"}


def body(x: Any) -> Any:
    """Every kind of layer that turns with its neighbours, then a flattened map in both orders."""
    x = layers.ReLU()(layers.BatchNormalization(axis=1)(layers.Conv2D(8, 3, strides=2, **FIRST)(x)))
    y = layers.DepthwiseConv2D(3, padding="same", **FIRST)(x)
    x = layers.Concatenate(axis=1)([layers.Add()([x, y]), x])
    x = layers.Conv2D(6, 3, **FIRST)(layers.AveragePooling2D(2, **FIRST)(x))
    return layers.Concatenate()([layers.Flatten()(x), layers.Flatten(**FIRST)(x)])


def model(*, permuted: bool) -> keras.Model:
    image = keras.Input((24, 20, 1) if permuted else (1, 24, 20))
    x = layers.Permute((3, 1, 2))(image) if permuted else image
    made = keras.Model(image, layers.Dense(1, activation="sigmoid")(body(x)))
    rng = np.random.default_rng(0)
    for weight in made.weights:
        spread = (0.5, 1.5) if weight.name in ("gamma", "moving_variance") else (-0.3, 0.3)
        weight.assign(rng.uniform(*spread, weight.shape))
    return made


@pytest.mark.parametrize("permuted", [True, False])
def test_the_answers_are_the_same(permuted: bool, tmp_path: Path) -> None:
    before = model(permuted=permuted)
    assert has_channels_first(before)
    before.save(tmp_path / "first.keras")
    opened = open_model(tmp_path / "first.keras")
    assert opened.model.input_shape == (None, 24, 20, 1)
    assert opened.notes == ("computes channels first; exported channels last, same weights",)
    images = np.random.default_rng(1).uniform(0, 1, (4, 24, 20, 1)).astype(np.float32)
    assert np.ptp(opened.model.predict_on_batch(images)) > 1e-6
    apart = difference(opened, images)
    if apart is None:  # oneDNN, which has the kernel, is TensorFlow's choice with VNNI or AMX alone
        pytest.skip("TensorFlow has no channels-first convolution for this processor")
    assert apart == pytest.approx(0, abs=1e-5)


def test_transpositions_between_its_layers_are_gone() -> None:
    turned = channels_last(model(permuted=True))
    assert not has_channels_first(turned)
    kinds = Counter(one.kind for one in operators(to_tflite(network(turned, InputRange()).logits)))
    # Before the one flattening whose order is that of channels first.
    assert kinds["TRANSPOSE"] <= 1
