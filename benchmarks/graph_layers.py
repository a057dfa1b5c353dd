"""A small network around each layer of Keras that may stand in a classifier."""

# A function makes each layer that has weights, for no two networks to share one.
# ruff: noqa: PLW0108

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import Input, Model, activations, layers, ops, utils

SIDE = 64
_DEPTH = (4, 4, 16, 8)  # a map of 16 x 16 x 8, as a volume

Part = Callable[[Any], Any]


def layer_network(name: str) -> Model:
    """Return the network around the layer `name` of `LAYERS`, its weights by a fixed seed.

    None is zero, as after training: an offset that is zero is left out of a graph, and with it the
    element types of an operator that has one.
    """
    utils.set_random_seed(0)
    image = Input((SIDE, SIDE, 1))
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Conv2D(8, 3, strides=2, activation="relu", padding="same")(x)
    x = LAYERS[name](layers.MaxPooling2D(2)(x))
    if len(x.shape) == 5:
        x = layers.Reshape((x.shape[1], x.shape[2], -1))(x)
    if len(x.shape) == 4:
        x = layers.AveragePooling2D(2)(x)
    x = layers.Flatten()(x) if len(x.shape) > 2 else x
    model = Model(image, layers.Dense(1, activation="sigmoid")(x))
    noise = np.random.default_rng(0)
    model.set_weights([one + noise.uniform(0.01, 0.1, one.shape) for one in model.get_weights()])
    return model


def _rows(x: Any) -> Any:
    return layers.Reshape((16, -1))(x)


def _activated(name: str) -> Part:
    """Return two convolutions with an activation, the first of which has it fused."""

    def part(x: Any) -> Any:
        x = layers.Conv2D(8, 3, activation=name)(x)
        return layers.Activation(name)(layers.BatchNormalization()(layers.Conv2D(8, 3)(x)))

    return part


def _twice(name: str) -> Part:
    """Return a convolution with an activation, and the same once more."""
    return lambda x: layers.Activation(name)(layers.Conv2D(4, 3, activation=name)(x))


_ACTIVATIONS = (
    *("celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu"),
    *("hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6"),
    *("selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus"),
    *("sparse_sigmoid", "squareplus", "tanh", "tanh_shrink"),
)
_OPERATIONS: dict[str, Part] = {
    "argmax": lambda x: ops.cast(ops.argmax(x, -1, keepdims=True), "float32") * 0.1,
    "clip": lambda x: ops.clip(x, 0.1, 0.7),
    "cos": ops.cos, "cumsum": lambda x: ops.cumsum(x, 1), "erf": ops.erf, "exp": ops.exp,
    "divide": lambda x: x / (ops.mean(x, axis=-1, keepdims=True) + 1e-7),
    "floor": lambda x: ops.floor(4 * x), "gelu tanh": lambda x: activations.gelu(x, True),
    "generalised mean": lambda x: ops.power(
        ops.mean(ops.power(ops.maximum(x, 1e-6), 3.0), axis=(1, 2)), 1 / 3
    ),
    "log": lambda x: ops.log(x + 1e-7), "log1p": ops.log1p,
    "logsumexp": lambda x: ops.logsumexp(x, axis=(1, 2)),
    "max of two": lambda x: ops.maximum(x, 0.5 * x + 0.1), "min": lambda x: ops.min(x, axis=(1, 2)),
    "power": lambda x: ops.power(x + 1e-6, 0.3), "prod": lambda x: ops.prod(x + 0.5, axis=-1),
    "reciprocal": lambda x: 1 / (x + 1e-6), "round": lambda x: ops.round(4 * x),
    "rsqrt": lambda x: x * ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + 1e-9),
    "sign": lambda x: ops.sign(x - 0.2), "sin": ops.sin, "sort": lambda x: ops.sort(_rows(x), -1),
    "split": lambda x: ops.concatenate(ops.split(x, 2, axis=-1)[::-1], axis=-1),
    "sqrt": lambda x: ops.sqrt(x + 1e-12), "stack": lambda x: ops.stack([x, x + 0.1], axis=1)[:, 1],
    "standard deviation": lambda x: ops.std(x, axis=(1, 2)), "flip": lambda x: ops.flip(x, 1),
    "take": lambda x: ops.take(x, [0, 3, 5], axis=-1), "tile": lambda x: ops.tile(x, (1, 2, 1, 1)),
    "top k": lambda x: ops.top_k(_rows(x), 3)[0], "slice": lambda x: x[:, 2:14:2, ::3, 1:],
    "where": lambda x: ops.where(x > 0.2, x, 0.1 * x), "sum": lambda x: ops.sum(x, axis=(1, 2)),
    "where of a map": lambda x: ops.where(ops.flip(x, 1) > 0.2, x, 0.1 * x),
    "reflect": lambda x: ops.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect"),
}  # fmt: skip
_ATTENTION: dict[str, Part] = {
    "AdditiveAttention": lambda x: layers.AdditiveAttention()([_rows(x), _rows(x)]),
    "Attention": lambda x: layers.Attention()([_rows(x), _rows(x)]),
    "GroupQueryAttention": lambda x: layers.GroupQueryAttention(4, 4, 2)(_rows(x), _rows(x)),
    "MultiHeadAttention": lambda x: layers.MultiHeadAttention(2, 4)(_rows(x), _rows(x)),
    "EinsumDense": lambda x: layers.EinsumDense(
        "abc,cd->abd", output_shape=(16, 6), bias_axes="d", activation="relu"
    )(_rows(x)),
    "Dot": lambda x: layers.Dot(axes=2)([_rows(x), _rows(x)]),
    "GRU unrolled": lambda x: layers.GRU(8, unroll=True)(_rows(x)),
    "LSTM unrolled of few rows": lambda x: layers.LSTM(4, unroll=True)(layers.Reshape((4, -1))(x)),
    "GRU unrolled of few rows": lambda x: layers.GRU(4, unroll=True)(layers.Reshape((4, -1))(x)),
    "LSTM unrolled": lambda x: layers.LSTM(8, unroll=True)(_rows(x)),
    "SimpleRNN unrolled": lambda x: layers.SimpleRNN(8, unroll=True)(_rows(x)),
    "TimeDistributed": lambda x: layers.TimeDistributed(layers.Dense(6))(_rows(x)),
}
_MAPS: dict[str, Part] = {
    "AdaptiveAveragePooling2D": lambda x: layers.AdaptiveAveragePooling2D(4)(x),
    "AdaptiveMaxPooling2D": lambda x: layers.AdaptiveMaxPooling2D(3)(x),
    "Average": lambda x: layers.Average()([x, layers.ReLU(6)(x)]),
    "CenterCrop": lambda x: layers.CenterCrop(10, 10)(x),
    "Conv1D": lambda x: layers.Conv1D(6, 3, activation="relu")(_rows(x)),
    "Conv1DTranspose": lambda x: layers.Conv1DTranspose(4, 3, strides=2)(_rows(x)),
    "Conv2D dilated": lambda x: layers.Conv2D(4, 3, dilation_rate=2)(x),
    "Conv2D grouped": lambda x: layers.Conv2D(8, 3, groups=4)(x),
    "Conv2DTranspose": lambda x: layers.Conv2DTranspose(4, 3, strides=2, padding="same")(x),
    "Conv2DTranspose valid": lambda x: layers.Conv2DTranspose(4, 3, strides=2)(x),
    "Conv3D": lambda x: layers.Conv3D(4, 3)(layers.Reshape(_DEPTH)(x)),
    "Cropping2D": lambda x: layers.Cropping2D(2)(layers.ZeroPadding2D(1)(x)),
    "DepthwiseConv2D": lambda x: layers.DepthwiseConv2D(3, depth_multiplier=3)(x),
    "ELU": lambda x: layers.ELU(0.5)(x),
    "GroupNormalization": lambda x: layers.GroupNormalization(2)(x),
    "LayerNormalization": lambda x: layers.LayerNormalization()(x),
    "MaxPooling3D": lambda x: layers.MaxPooling3D(2)(layers.Reshape(_DEPTH)(x)),
    "Minimum": lambda x: layers.Minimum()([x, 0.2 * x + 0.1]),
    "Normalization": lambda x: layers.Normalization(mean=[0.1] * 8, variance=[0.2] * 8)(x),
    "PReLU": lambda x: layers.PReLU()(x),
    "PReLU shared": lambda x: layers.PReLU(shared_axes=[1, 2])(x),
    "Permute": lambda x: layers.Permute((3, 1, 2))(x),
    "Pooling same": lambda x: layers.AveragePooling2D(3, 2, "same")(
        layers.MaxPooling2D(3, 2, "same")(x)
    ),
    "RMSNormalization": lambda x: layers.RMSNormalization()(x),
    "ReLU": lambda x: layers.ReLU(6, 0.1, 0.05)(x),
    "RepeatVector": lambda x: layers.RepeatVector(3)(layers.GlobalMaxPooling2D()(x)),
    "Resizing": lambda x: layers.Resizing(8, 8)(x),
    "Resizing nearest": lambda x: layers.Resizing(8, 8, interpolation="nearest")(x),
    "SeparableConv2D": lambda x: layers.SeparableConv2D(6, 3, depth_multiplier=2)(x),
    "Softmax of another axis": lambda x: layers.Softmax(axis=1)(x),
    "Subtract": lambda x: layers.Subtract()([x, layers.MaxPooling2D(3, 1, "same")(x)]),
    "UnitNormalization": lambda x: layers.UnitNormalization()(x),
    "UpSampling1D": lambda x: layers.UpSampling1D(2)(_rows(x)),
    "UpSampling2D": lambda x: layers.UpSampling2D(2)(x),
    "UpSampling2D bilinear": lambda x: layers.UpSampling2D(2, interpolation="bilinear")(x),
}
LAYERS: dict[str, Part] = {
    **{name: _activated(name) for name in _ACTIVATIONS},
    **{f"{name} alone": layers.Activation(name) for name in _ACTIVATIONS},
    **{f"{name} twice": _twice(name) for name in _ACTIVATIONS},
    **_OPERATIONS,
    **_ATTENTION,
    **_MAPS,
}
"""Name -> what is put into the network: layers, activations, and operations of `keras.ops`."""
