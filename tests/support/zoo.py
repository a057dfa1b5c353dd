"""A zoo of small untrained classifiers: every kind of network the exporter promises to take.

    for name, kind in ZOO.items():
        candidate = network(kind.build(), kind.input_range)
        pixels = zoo_pixels(kind.channels)

All take 64x64 images and none is degenerate: weights are seeded, batch normalisation has moving
statistics of its own data and random gamma and beta, and the head is scaled so that the logits of
`zoo_pixels` have a mean near 0 and a standard deviation near 2.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_export.films.phantom import phantom
from edge_export.graph.network import InputRange

if TYPE_CHECKING:
    import keras

SIDE = 64
BYTES = InputRange(0.0, 255.0)
UNIT = InputRange(0.0, 1.0)


@dataclass(frozen=True, slots=True)
class ZooModel:
    """A network that takes `channels` of 64x64 values in `input_range` (black, white)."""

    bare: Callable[[int], keras.Model]
    channels: int = 1
    input_range: InputRange = BYTES

    def build(self) -> keras.Model:
        """Return the network with its weights, the same every time."""
        import keras

        keras.backend.clear_session(free_memory=False)  # automatic names count from one again
        model = self.bare(self.channels)
        _randomise(model, self)
        return model

    __call__ = build


@functools.cache
def _films(count: int) -> NDArray[np.uint8]:
    drawn = [phantom(seed, positive=seed % 2 == 0, size=(SIDE, SIDE)) for seed in range(count)]
    return np.stack([np.asarray(film) for film in drawn])[..., None]


def zoo_pixels(channels: int = 1, count: int = 16) -> NDArray[np.uint8]:
    """Return `(count, 64, 64, channels)` uint8 phantoms, their grey in every channel."""
    return np.repeat(_films(count), channels, axis=3)


def _baseline(channels: int) -> keras.Model:
    """Two convolutions without pooling, dense 16."""
    from keras import layers

    return _study("baseline", channels, [_conv(8), _conv(16)], [layers.Dense(16, "relu")])


def _model1(channels: int) -> keras.Model:
    """The baseline with max pooling after the second convolution and a dense layer of 64."""
    from keras import layers

    body = [_conv(8), _conv(16), layers.MaxPooling2D(2)]
    return _study("model1", channels, body, [layers.Dense(16, "relu"), layers.Dense(64, "relu")])


def _model2(channels: int) -> keras.Model:
    """The baseline with a third convolution and weight decay."""
    from keras import layers

    body = [_conv(8), _conv(16, kernel_regularizer="l2"), _conv(16, kernel_regularizer="l2")]
    return _study("model2", channels, body, [layers.Dense(16, "relu", kernel_regularizer="l2")])


def _model3(channels: int) -> keras.Model:
    """Four convolutions, each with max pooling, two dense layers."""
    from keras import layers

    body = [one for filters in (8, 8, 16, 16) for one in (_conv(filters), layers.MaxPooling2D(2))]
    return _study("model3", channels, body, [layers.Dense(32, "relu"), layers.Dense(32, "relu")])


def _xray_cnn(channels: int) -> keras.Model:
    """The X-ray study: values 0..1 in three channels, dropout."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((SIDE, SIDE, channels)),
            *(_conv(8), _conv(16), layers.MaxPooling2D(2), layers.Dropout(0.25)),
            *(_conv(32), layers.MaxPooling2D(2), layers.Dropout(0.25)),
            *(layers.Flatten(), layers.Dense(64, "relu"), layers.Dropout(0.5)),
            layers.Dense(1, "sigmoid"),
        ],
        name="xray_cnn",
    )


def _depthwise(channels: int) -> keras.Model:
    """Return a MobileNetV3 in small: depthwise, hard-swish, squeeze-and-excite, residual."""
    from keras import Input, Model, layers

    def normal(x: Any, activation: str) -> Any:
        return layers.Activation(activation)(layers.BatchNormalization()(x))

    image = Input((SIDE, SIDE, channels))
    x = layers.Rescaling(1 / 127.5, -1.0)(image)
    x = normal(layers.Conv2D(16, 3, 2, "same", use_bias=False)(x), "hard_silu")
    for strides in (2, 1):
        skip = x
        x = normal(layers.Conv2D(48, 1, use_bias=False)(x), "hard_silu")
        x = normal(layers.DepthwiseConv2D(3, strides, "same", use_bias=False)(x), "hard_silu")
        squeezed = layers.GlobalAveragePooling2D(keepdims=True)(x)
        squeezed = layers.Conv2D(12, 1, activation="relu")(squeezed)
        x = layers.Multiply()([x, layers.Conv2D(48, 1, activation="hard_sigmoid")(squeezed)])
        x = layers.BatchNormalization()(layers.Conv2D(16, 1, use_bias=False)(x))
        x = x if strides == 2 else layers.Add()([x, skip])
    x = normal(layers.Conv2D(64, 1, use_bias=False)(x), "hard_silu")
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    return Model(image, layers.Dense(1, "sigmoid")(x), name="depthwise")


def _residual(channels: int) -> keras.Model:
    """Return a ResNet in small: batch normalisation behind every convolution, two adds."""
    from keras import Input, Model, layers

    image = Input((SIDE, SIDE, channels))
    x = layers.Rescaling(1 / 255)(image)
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(16, 3, 2, "same")(x)))
    for _ in range(2):
        y = layers.ReLU()(layers.BatchNormalization()(_conv(16, padding="same", relu=False)(x)))
        y = layers.BatchNormalization()(_conv(16, padding="same", relu=False)(y))
        x = layers.MaxPooling2D(2)(layers.ReLU()(layers.Add()([x, y])))
    x = layers.GlobalAveragePooling2D()(x)
    return Model(image, layers.Dense(1, "sigmoid")(x), name="residual")


def _headed(name: str, *head: Callable[[], Any]) -> Callable[[int], keras.Model]:
    """Return the builder of a plain network that ends in the layers of `head`."""

    def bare(channels: int) -> keras.Model:
        from keras import layers

        pool = layers.MaxPooling2D(4)
        return _study(name, channels, [_conv(8), pool, _conv(16)], [], [make() for make in head])

    return bare


def _dense(*arguments: Any) -> Callable[[], Any]:
    def make() -> Any:
        from keras import layers

        return layers.Dense(*arguments)

    return make


def _sigmoid() -> Any:
    from keras import layers

    return layers.Activation("sigmoid")


def _normalised(channels: int) -> keras.Model:
    """Values scaled to -1..1 before a convolution that pads with zeros."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((SIDE, SIDE, channels)),
            layers.Rescaling(1 / 127.5, -1.0),
            *(_conv(8, padding="same"), layers.MaxPooling2D(4), _conv(16, padding="same")),
            *(layers.AveragePooling2D(4), layers.Flatten(), layers.Dense(1, "sigmoid")),
        ],
        name="normalised",
    )


def _nested(channels: int) -> keras.Model:
    """Return transfer learning's shape: a whole model as first layer, a new head behind it."""
    from keras import Input, Model, Sequential, layers

    image = Input((SIDE, SIDE, channels))
    x = layers.ZeroPadding2D(1)(layers.Rescaling(1 / 255)(image))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, 2)(x)))
    backbone = Model(image, _conv(16)(layers.MaxPooling2D(2)(x)), name="backbone")
    pool, drop = layers.GlobalAveragePooling2D(), layers.Dropout(0.2)
    return Sequential([backbone, pool, drop, layers.Dense(1, "sigmoid")], name="nested")


def _global_head(channels: int) -> keras.Model:
    """Return a network without a dense layer: a map of logits, averaged."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((SIDE, SIDE, channels)),
            layers.Rescaling(1 / 255),
            *(_conv(8), layers.MaxPooling2D(4), _conv(16), layers.Conv2D(1, 1)),
            *(layers.GlobalAveragePooling2D(), layers.Activation("sigmoid")),
        ],
        name="global_head",
    )


def _recurrent(channels: int) -> keras.Model:
    """Return a network that calls a convolution and a dense layer several times each."""
    from keras import Input, Model, layers

    image = Input((SIDE, SIDE, channels))
    x = layers.MaxPooling2D(4)(_conv(8)(layers.Rescaling(1 / 255)(image)))
    again, dense = _conv(8, padding="same"), layers.Dense(8, "relu")
    x = layers.Add()([again(x), again(again(x))])
    x = dense(dense(layers.GlobalAveragePooling2D()(x)))
    return Model(image, layers.Dense(1, "sigmoid")(x), name="recurrent")


ZOO: dict[str, ZooModel] = {
    "baseline": ZooModel(_baseline),
    "model1": ZooModel(_model1),
    "model2": ZooModel(_model2),
    "model3": ZooModel(_model3),
    "xray_cnn": ZooModel(_xray_cnn, 3, UNIT),
    "depthwise": ZooModel(_depthwise, 3),
    "residual": ZooModel(_residual),
    "separate_sigmoid": ZooModel(_headed("separate_sigmoid", _dense(1), _sigmoid)),
    "logits": ZooModel(_headed("logits", _dense(1))),
    "softmax": ZooModel(_headed("softmax", _dense(2, "softmax"))),
    "normalised": ZooModel(_normalised, 3),
    "nested": ZooModel(_nested, 3),
    "global_head": ZooModel(_global_head),
    "recurrent": ZooModel(_recurrent),
}


def _conv(filters: int, *, relu: bool = True, **options: Any) -> Any:
    from keras import layers

    return layers.Conv2D(filters, 3, activation="relu" if relu else None, **options)


def _study(
    name: str, channels: int, body: list[Any], dense: list[Any], head: list[Any] | None = None
) -> keras.Model:
    """Return a sequential network of grey levels: `body`, flattened, `dense`, and the `head`."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            *(Input((SIDE, SIDE, channels)), layers.Rescaling(1 / 255), *body, layers.Flatten()),
            *(*dense, *(head or [layers.Dense(1, "sigmoid")])),
        ],
        name=name,
    )


def _randomise(model: keras.Model, kind: ZooModel) -> None:
    """Give every layer weights under which its output varies, and the head a spread of two."""
    import keras

    rng = np.random.default_rng(0)
    scale = (kind.input_range.high - kind.input_range.low) / 255
    images = zoo_pixels(kind.channels) * np.float32(scale) + np.float32(kind.input_range.low)
    weighted = [
        one for one in model._flatten_layers(include_self=False) if one._trainable_variables
    ]
    for layer in weighted:
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.gamma.shape
            # Scale, offset, mean, variance: like those of a trained network.
            spans = ((0.6, 1.4), (-0.3, 0.3), (-0.3, 0.3), (0.3, 1.5))
            layer.set_weights([rng.uniform(*span, size) for span in spans])
        else:
            kernel, *bias = layer.get_weights()
            inputs = kernel.size / kernel.shape[-2 if "Depthwise" in type(layer).__name__ else -1]
            kernel = rng.normal(size=kernel.shape) * np.sqrt(2 / inputs)
            layer.set_weights([kernel, *(rng.normal(size=one.shape) * 0.1 for one in bias)])
    head = weighted[-1]
    features = _into(model, head).predict_on_batch(images)
    _spread(head, features.reshape(len(images), -1, features.shape[-1]).mean(axis=1))


def _into(model: keras.Model, head: Any) -> keras.Model:
    import keras

    return keras.Model(model.inputs, head.input)


def _spread(head: Any, features: NDArray[np.float32]) -> None:
    """Scale the head's weights until logits of `(n, k)` features have mean 0 and deviation 2."""
    kernel, bias = head.get_weights()
    answers = features @ kernel.reshape(features.shape[1], -1)
    logits = answers[:, -1] - (answers[:, 0] if answers.shape[1] == 2 else 0)
    gain = 2 / logits.std()
    offset = -gain * answers.mean(axis=0)
    head.set_weights([kernel * gain, offset.reshape(bias.shape)])
