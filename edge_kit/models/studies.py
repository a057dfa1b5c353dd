"""The networks of the seed studies, as Keras models that take raw grey levels 0..255."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def model3(height: int, width: int, channels: int) -> keras.Model:
    """Return the studies' final network, untrained and uncompiled.

    Input `(n, height, width, channels)` grey levels 0..255, output `(n, 1)` probability of the
    positive class. Four 3x3 convolutions of 32, 32, 64 and 64 filters with ReLU, each followed by
    2x2 max pooling; two dense layers of 256; one sigmoid. The division by 255 is a layer, so that
    whoever has the file has the whole function.
    """
    from keras import Input, Sequential, layers

    body = []
    for filters in (32, 32, 64, 64):
        body += [layers.Conv2D(filters, 3, activation="relu"), layers.MaxPooling2D(2)]
    return Sequential(
        [
            Input((height, width, channels)),
            layers.Rescaling(1 / 255),
            *body,
            layers.Flatten(),
            layers.Dense(256, activation="relu"),
            layers.Dense(256, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="model3",
    )
