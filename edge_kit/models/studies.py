"""The networks of the seed studies, as Keras models that take raw grey levels 0..255.

Each takes `(n, height, width, channels)` and gives `(n, 1)`, the probability of the positive class,
untrained and uncompiled. The division by 255 is a layer, so that whoever has the file has the whole
function. Where a study says nothing of kernel, activation or pooling, it is 3x3, ReLU and 2x2;
what else is ours stands beside the name in `registry.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

L2 = 0.01
"""The second study's weight of the squared weights in the loss."""


def baseline(height: int, width: int, channels: int) -> keras.Model:
    """Return two convolutions of 32 and 64 filters and a dense layer of 16.

    Without pooling: 49.6 million parameters at 224 x 224, nearly all in the dense layer.
    """
    from keras import layers

    body = [_convolution(32), _convolution(64), layers.Flatten(), _dense(16)]
    return _network("baseline", (height, width, channels), body)


def model1(height: int, width: int, channels: int) -> keras.Model:
    """Return the baseline with max pooling after the second convolution, and a dense layer of 64.

    That layer stands between the baseline's dense layer and the output.
    """
    from keras import layers

    body = [
        *(_convolution(32), _convolution(64), layers.MaxPooling2D(2)),
        *(layers.Flatten(), _dense(16), _dense(64)),
    ]
    return _network("model1", (height, width, channels), body)


def model2(height: int, width: int, channels: int) -> keras.Model:
    """Return the baseline with a third convolution, and L2 on the weights of all but the first.

    Of the kernels, that is, and not of the biases, nor of the output layer.
    """
    from keras import layers, regularizers

    squares = regularizers.L2(L2)
    body = [
        _convolution(32),
        _convolution(64, kernel_regularizer=squares),
        _convolution(64, kernel_regularizer=squares),
        layers.Flatten(),
        _dense(16, kernel_regularizer=squares),
    ]
    return _network("model2", (height, width, channels), body)


def model3(height: int, width: int, channels: int) -> keras.Model:
    """Return the studies' final network.

    Four convolutions of 32, 32, 64 and 64 filters, each followed by max pooling; two dense layers
    of 256.
    """
    from keras import layers

    body: list[Any] = []
    for filters in (32, 32, 64, 64):
        body += [_convolution(filters), layers.MaxPooling2D(2)]
    body += [layers.Flatten(), _dense(256), _dense(256)]
    return _network("model3", (height, width, channels), body)


def xray_cnn(height: int, width: int, channels: int) -> keras.Model:
    """Return the X-ray study's network: three convolutions of 32, 64 and 128 filters, dropout."""
    from keras import layers

    body = [
        *(_convolution(32), _convolution(64), layers.MaxPooling2D(2), layers.Dropout(0.25)),
        *(_convolution(128), layers.MaxPooling2D(2), layers.Dropout(0.25)),
        *(layers.Flatten(), _dense(64), layers.Dropout(0.5)),
    ]
    return _network("xray_cnn", (height, width, channels), body)


def _convolution(filters: int, **options: Any) -> keras.layers.Layer:
    from keras import layers

    return layers.Conv2D(filters, 3, activation="relu", **options)


def _dense(units: int, **options: Any) -> keras.layers.Layer:
    from keras import layers

    return layers.Dense(units, activation="relu", **options)


def _network(name: str, shape: tuple[int, int, int], body: list[Any]) -> keras.Model:
    from keras import Input, Sequential, layers

    head = layers.Dense(1, activation="sigmoid")
    return Sequential([Input(shape), layers.Rescaling(1 / 255), *body, head], name=name)
