"""A small network for small films: the demonstration's, and a pattern for one of your own.

`edge-kit train --model FILE.py:FUNCTION` calls the function with the height, the width and the
channels of the films, and trains the Keras model that it returns.
"""

import keras
from keras import layers


def small(height: int, width: int, channels: int) -> keras.Model:
    """Return four convolutions, each with max pooling, and a dense layer.

    Input `(n, height, width, channels)` grey levels 0..255, output `(n, 1)`, the probability of the
    positive class.
    """
    body = [layers.Rescaling(1 / 255)]
    for filters in (8, 16, 32, 32):
        body += [layers.Conv2D(filters, 3, activation="relu"), layers.MaxPooling2D(2)]
    body += [layers.Flatten(), layers.Dense(64, activation="relu")]
    head = layers.Dense(1, activation="sigmoid")
    return keras.Sequential([keras.Input((height, width, channels)), *body, head], name="small")
