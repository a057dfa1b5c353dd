"""Three equal channels fold into one without changing an answer, or the reason is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from edge_export.graph.grey import fold_grey
from edge_export.graph.network import InputRange, network
from edge_runtime.errors import DataError
from zoo import ZOO, zoo_pixels

BYTES = InputRange(0.0, 255.0)


def small(*front: Any, image: Any = None, **options: Any) -> keras.Model:
    """Return a network of 8x8 images with the layers of `front` before its convolution."""
    image = keras.Input((8, 8, 3)) if image is None else image
    x = image
    for layer in front:
        x = layer(x)
    x = layers.Conv2D(4, **{"kernel_size": 3, **options})(x)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    return keras.Model(image, layers.Dense(1, activation="sigmoid")(x), name="small")


def seeded(model: keras.Model) -> keras.Model:
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.1, 1.0, one.shape) for one in model.get_weights()])
    return model


def assert_folds(model: keras.Model, input_range: InputRange, pixels: Any) -> None:
    weights = model.get_weights()
    folded = fold_grey(model)
    assert folded.input_shape == (*model.input_shape[:3], 1)
    expected = network(model, input_range).logits.predict_on_batch(pixels.repeat(3, axis=3))
    logits = network(folded, input_range).logits.predict_on_batch(pixels)
    assert logits == pytest.approx(expected, rel=0, abs=1e-5 * float(np.abs(expected).max()))
    assert np.ptp(expected) > 1e-2
    assert all(np.array_equal(*pair) for pair in zip(weights, model.get_weights(), strict=True))


@pytest.mark.parametrize(
    "name", ["model3", "xray_cnn", "depthwise", "residual", "softmax", "normalised", "nested"]
)
def test_a_folded_network_says_of_grey_what_it_said_in_three_channels(name: str) -> None:
    kind = replace(ZOO[name], channels=3)
    assert_folds(kind.build(), kind.input_range, zoo_pixels(1, 8))


def scaled(*offset: float) -> Any:
    return layers.Rescaling([1 / 255, 1 / 200, 1 / 220], list(offset) or 0.0)


def normal() -> Any:
    return layers.Normalization(mean=[100.0, 110, 120], variance=[2500.0, 1600, 3600])


FOLDED: dict[str, Callable[[], keras.Model]] = {
    "nothing before": small,
    "without bias": lambda: small(use_bias=False),
    "pointwise and spatial layers": lambda: small(
        layers.ZeroPadding2D(2), layers.MaxPooling2D(2), layers.LeakyReLU(), padding="same"
    ),
    "scales by channel": lambda: small(scaled(), layers.ZeroPadding2D(1), padding="same"),
    "offsets by channel": lambda: small(scaled(0.1, 0.2, 0.3)),
    "offsets by channel into a convolution without bias": lambda: small(
        scaled(0.1, 0.2, 0.3), use_bias=False
    ),
    "offsets by channel, 1x1": lambda: small(normal(), kernel_size=1, padding="same"),
    "normalisation": lambda: small(normal()),
    "normalisation, then scales": lambda: small(normal(), scaled(0.3, 0.2, 0.1)),
    "the same normalisation for all, padded": lambda: small(
        layers.Normalization(mean=100.0, variance=2500.0), padding="same"
    ),
    "nested model of the front alone": lambda: small(
        keras.Sequential([keras.Input((8, 8, 3)), normal(), layers.Identity()])
    ),
}


@pytest.mark.parametrize("case", FOLDED)
def test_what_comes_before_the_convolution_folds_exactly(case: str) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (6, 8, 8, 1), dtype=np.uint8)
    assert_folds(seeded(FOLDED[case]()), BYTES, pixels)


REFUSED: dict[str, tuple[Callable[[], keras.Model], str]] = {
    "padded behind offsets": (
        lambda: small(normal(), padding="same", name="conv"),
        "layer 'conv' (Conv2D, padding zeros behind an offset) cannot be folded",
    ),
    "zeros behind offsets": (
        lambda: small(normal(), layers.ZeroPadding2D(name="pad")),
        "layer 'pad' (ZeroPadding2D) cannot",
    ),
    "activation behind scales": (
        lambda: small(scaled(), layers.ReLU(name="relu")),
        "layer 'relu' (ReLU) cannot",
    ),
    "maximum behind scales": (
        lambda: small(scaled(), layers.MaxPooling2D(padding="same", name="pool")),
        "layer 'pool' (MaxPooling2D) cannot",
    ),
    "depthwise": (
        lambda: small(layers.DepthwiseConv2D(3, name="depth")),
        "layer 'depth' (DepthwiseConv2D) cannot",
    ),
    "groups": (
        lambda: small(layers.Conv2D(3, 3, groups=3, name="three")),
        "layer 'three' (Conv2D)",
    ),
    "batch normalisation": (
        lambda: small(layers.BatchNormalization(name="batch")),
        "layer 'batch' (BatchNormalization) cannot",
    ),
    "dense": (lambda: small(layers.Dense(3, name="mix")), "layer 'mix' (Dense) cannot"),
    "arithmetic without a layer": (lambda: small(lambda x: x / 127.5), "(TrueDivide) cannot"),
    "two inputs": (
        lambda: small(lambda x: layers.Concatenate(name="both")([x, x])),
        "layer 'both' (Concatenate) cannot",
    ),
    "grey already": (lambda: small(image=keras.Input((8, 8, 1))), "takes 1 channels; only"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_layer_that_tells_the_channels_apart_is_named(case: str) -> None:
    model, problem = REFUSED[case]
    with pytest.raises(DataError) as caught:
        fold_grey(model())
    assert str(caught.value).startswith("small: ")
    assert problem in str(caught.value)
    assert caught.value.cure
