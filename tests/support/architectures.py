"""Twenty architectures that people really use, with random weights and a fitted last layer.

Keras's own applications as they come, with their own preprocessing inside where they have one, and
the usual blocks of own networks: attention, squeeze-and-excite, patches, skips. All take three
channels, as most of them must. A network of random weights tells nothing apart; so batch
normalisation gets the statistics of films, and the last layer is fitted to them: logits spread, and
a graph that computes something else is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_export.films.phantom import phantom
from edge_export.films.pixels import Pixels
from edge_export.graph.network import InputRange

if TYPE_CHECKING:
    import keras

BYTES, UNIT, SIGNED = InputRange(0.0, 255.0), InputRange(0.0, 1.0), InputRange(-1.0, 1.0)
_SPREAD = 2.0  # standard deviation of the logits


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network without its head: `features` gives a map or a vector of an image `(h, w, 3)`."""

    features: Callable[[Any], Any]
    input_range: InputRange = UNIT

    def build(self, side: int) -> keras.Model:
        """Return the network for `side` x `side` images, its weights random by a fixed seed."""
        import keras

        keras.backend.clear_session(free_memory=False)
        keras.utils.set_random_seed(0)
        image = keras.Input((side, side, 3))
        x = self.features(image)
        if len(x.shape) > 2:
            pools = {3: keras.layers.GlobalAveragePooling1D, 4: keras.layers.GlobalAveragePooling2D}
            x = pools[len(x.shape)]()(x)
        return keras.Model(image, keras.layers.Dense(1, activation="sigmoid", name="answer")(x))


def films(side: int, count: int) -> Pixels:
    """Return `(count, side, side, 3)` phantoms, grey in each channel."""
    drawn = [phantom(seed, positive=seed % 2 == 0, size=(side, side)) for seed in range(count)]
    grey = np.stack([np.asarray(film) for film in drawn])[..., None]
    return np.repeat(grey, 3, axis=3)


def fit(model: keras.Model, images: NDArray[np.float32]) -> None:
    """Give normalisation the statistics of `images` `(n, h, w, 3)`, and fit the last layer.

    It reads the direction in which its features differ most from film to film, as a trained one
    does: of what a random network hardly tells apart, quantization leaves nothing.
    """
    import keras
    import tensorflow as tf

    _spread_weights(model)
    normal = [
        layer
        for layer in model._flatten_layers(include_self=False)
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    momentum = [layer.momentum for layer in normal]
    for layer in normal:
        layer.momentum = 0.0
    # As a graph, which frees what no layer needs any more: of DenseNet 17 GB at 224 pixels.
    tf.function(lambda batch: model(batch, training=True))(images)
    for layer, own in zip(normal, momentum, strict=True):
        layer.momentum = own
    head = model.layers[-1]
    features = np.asarray(keras.Model(model.inputs, head.input).predict(images, verbose=0))
    centre = features.mean(axis=0)
    _, _, (widest, *_) = np.linalg.svd(features - centre, full_matrices=False)
    gain = _SPREAD / float((features @ widest).std())
    head.set_weights([gain * widest[:, None], np.array([-gain * centre @ widest], np.float32)])


def _spread_weights(model: keras.Model) -> None:
    """Give scales and offsets of layers values as after a training, in place of ones and zeros."""
    rng = np.random.default_rng(0)
    for layer in model._flatten_layers(include_self=False):
        for weight in layer._trainable_variables:
            if weight.name == "gamma":
                # ConvNeXt's begin at 1e-6, so that none of its blocks would count.
                spread = (0.1, 0.3) if type(layer).__name__ == "LayerScale" else (0.7, 1.3)
                weight.assign(rng.uniform(*spread, weight.shape))
            elif weight.name in ("beta", "bias"):
                weight.assign(rng.normal(size=weight.shape) * 0.05)


def _application(name: str, **options: Any) -> Callable[[Any], Any]:
    def features(image: Any) -> Any:
        import keras

        make = getattr(keras.applications, name)
        return make(include_top=False, weights=None, input_tensor=image, **options).output

    return features


def _convolution(x: Any, filters: int, size: int = 3, strides: int = 1) -> Any:
    from keras import layers

    x = layers.Conv2D(filters, size, strides, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))


def _squeeze_excite(x: Any, ratio: int = 4) -> Any:
    """Weigh channels by dense layers on their means (Hu et al., CVPR 2018)."""
    from keras import layers

    channels = x.shape[-1]
    weights = layers.GlobalAveragePooling2D(keepdims=True)(x)
    weights = layers.Dense(channels // ratio, activation="relu")(weights)
    return layers.Multiply()([x, layers.Dense(channels, activation="sigmoid")(weights)])


def _se_resnet(image: Any) -> Any:
    from keras import layers

    x = _convolution(image, 16, strides=2)
    for filters in (16, 32, 64):
        skip = layers.Conv2D(filters, 1, strides=2, padding="same")(x)
        x = layers.BatchNormalization()(
            layers.Conv2D(filters, 3, padding="same")(_convolution(x, filters, strides=2))
        )
        x = layers.ReLU()(layers.Add()([skip, _squeeze_excite(x)]))
    return x


def _cbam(image: Any) -> Any:
    """Attention by channel, then by place (Woo et al., ECCV 2018)."""
    import keras
    from keras import layers

    x = _convolution(image, 16, strides=2)
    for filters in (32, 64):
        x = _convolution(x, filters, strides=2)
        first, second = layers.Dense(filters // 4, activation="relu"), layers.Dense(filters)
        pooled = [layers.GlobalAveragePooling2D(keepdims=True), layers.GlobalMaxPooling2D]
        mean, largest = pooled[0](x), pooled[1](keepdims=True)(x)
        channels = layers.Add()([second(first(mean)), second(first(largest))])
        x = layers.Multiply()([x, layers.Activation("sigmoid")(channels)])
        places = layers.Concatenate()(
            [keras.ops.mean(x, axis=-1, keepdims=True), keras.ops.max(x, axis=-1, keepdims=True)]
        )
        places = layers.Conv2D(1, 7, padding="same", activation="sigmoid")(places)
        x = layers.Multiply()([x, places])
    return x


def _unet_encoder(image: Any) -> Any:
    """Return the way down of a U-Net, its levels pooled and joined (Ronneberger et al., 2015)."""
    from keras import layers

    x, levels = image, []
    for filters in (16, 32, 64, 128):
        x = _convolution(_convolution(x, filters), filters)
        levels.append(layers.GlobalMaxPooling2D()(x))
        x = layers.MaxPooling2D(2)(x)
    x = layers.Dropout(0.2)(_convolution(x, 128))
    return layers.Concatenate()([*levels, layers.GlobalAveragePooling2D()(x)])


def _attention_unet(image: Any) -> Any:
    """Return a U-Net with a gate on each skip (Oktay et al., MIDL 2018), up to half its size."""
    from keras import layers

    x, levels = image, []
    for filters in (8, 16, 32):
        x = _convolution(x, filters)
        levels.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = _convolution(x, 64)
    for skip in reversed(levels[1:]):
        filters = skip.shape[-1]
        x = layers.Conv2DTranspose(filters, 2, strides=2, padding="same")(x)
        gate = layers.ReLU()(
            layers.Add()([layers.Conv2D(filters, 1)(skip), layers.Conv2D(filters, 1)(x)])
        )
        gate = layers.Conv2D(1, 1, activation="sigmoid")(gate)
        x = _convolution(layers.Concatenate()([x, layers.Multiply()([skip, gate])]), filters)
    return x


def _patches(image: Any, size: int, width: int) -> Any:
    """Return `(n, patches, width)` of patches, each with the place that it had."""
    from keras import layers

    x = layers.Conv2D(width, size, strides=size)(image)
    x = layers.Reshape((x.shape[1] * x.shape[2], width))(x)
    places = layers.Embedding(x.shape[1], width, name="places")
    return layers.Add()([x, _constant_places(x, places)])


def _constant_places(x: Any, places: Any) -> Any:
    import keras

    return keras.ops.expand_dims(places(keras.ops.arange(x.shape[1])), 0)


def _transformer(x: Any, width: int, heads: int) -> Any:
    from keras import layers

    normal = layers.LayerNormalization(epsilon=1e-6)(x)
    attention = layers.MultiHeadAttention(heads, width // heads)(normal, normal)
    x = layers.Add()([x, attention])
    y = layers.Dense(2 * width, activation="gelu")(layers.LayerNormalization(epsilon=1e-6)(x))
    return layers.Add()([x, layers.Dense(width)(layers.Dropout(0.1)(y))])


def _vit(image: Any) -> Any:
    """Return a small vision transformer (Dosovitskiy et al., ICLR 2021)."""
    from keras import layers

    x = _patches(image, 16, 64)
    for _ in range(4):
        x = _transformer(x, 64, 4)
    return layers.LayerNormalization(epsilon=1e-6)(x)


def _hybrid(image: Any) -> Any:
    """Return convolutions with two transformer blocks on their last map."""
    from keras import layers

    x = image
    for filters in (16, 32, 64, 64):
        x = _convolution(x, filters, strides=2)
    x = layers.Reshape((x.shape[1] * x.shape[2], 64))(x)
    return _transformer(_transformer(x, 64, 4), 64, 4)


def _mlp_mixer(image: Any) -> Any:
    """Dense layers over places, then over channels (Tolstikhin et al., NeurIPS 2021)."""
    from keras import layers

    x = layers.Conv2D(64, 16, strides=16)(image)
    x = layers.Reshape((x.shape[1] * x.shape[2], 64))(x)
    places = x.shape[1]
    for _ in range(3):
        y = layers.Permute((2, 1))(layers.LayerNormalization(epsilon=1e-6)(x))
        y = layers.Dense(places)(layers.Dense(32, activation="gelu")(y))
        x = layers.Add()([x, layers.Permute((2, 1))(y)])
        y = layers.Dense(128, activation="gelu")(layers.LayerNormalization(epsilon=1e-6)(x))
        x = layers.Add()([x, layers.Dense(64)(y)])
    return layers.LayerNormalization(epsilon=1e-6)(x)


def _conv_mixer(image: Any) -> Any:
    """Return depthwise over places, pointwise over channels (Trockman and Kolter, 2022)."""
    from keras import layers

    def normal(x: Any) -> Any:
        return layers.BatchNormalization()(layers.Activation("gelu")(x))

    x = normal(layers.Conv2D(64, 8, strides=8)(image))
    for _ in range(4):
        x = layers.Add()([x, normal(layers.DepthwiseConv2D(5, padding="same")(x))])
        x = normal(layers.Conv2D(64, 1)(x))
    return x


ARCHITECTURES: dict[str, Architecture] = {
    "MobileNetV2": Architecture(_application("MobileNetV2"), SIGNED),
    "MobileNetV3Small": Architecture(_application("MobileNetV3Small"), BYTES),
    "MobileNetV3Large": Architecture(_application("MobileNetV3Large"), BYTES),
    "EfficientNetB0": Architecture(_application("EfficientNetB0"), BYTES),
    "EfficientNetV2B0": Architecture(_application("EfficientNetV2B0"), BYTES),
    "DenseNet121": Architecture(_application("DenseNet121"), SIGNED),
    "ResNet50": Architecture(_application("ResNet50"), SIGNED),
    "ResNet50V2": Architecture(_application("ResNet50V2"), SIGNED),
    "VGG16": Architecture(_application("VGG16"), SIGNED),
    "InceptionV3": Architecture(_application("InceptionV3"), SIGNED),
    "Xception": Architecture(_application("Xception"), SIGNED),
    "NASNetMobile": Architecture(_application("NASNetMobile"), SIGNED),
    "ConvNeXtTiny": Architecture(_application("ConvNeXtTiny"), BYTES),
    "SE-ResNet": Architecture(_se_resnet),
    "CBAM": Architecture(_cbam),
    "U-Net encoder": Architecture(_unet_encoder),
    "Attention U-Net": Architecture(_attention_unet),
    "ViT": Architecture(_vit),
    "ViT hybrid": Architecture(_hybrid),
    "MLP-Mixer": Architecture(_mlp_mixer),
    "ConvMixer": Architecture(_conv_mixer),
}
