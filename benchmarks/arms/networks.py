"""`clinic` with other layers. They load Keras late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arms.arm import CLINIC

if TYPE_CHECKING:
    import keras

_MORE = 1.5


def larger(height: int, width: int, channels: int) -> keras.Model:
    """Return `clinic` with half as many filters again: 230 thousand parameters."""
    import keras

    copies = []
    for layer in CLINIC.build(height, width, channels).layers:
        config = layer.get_config()
        if isinstance(layer, keras.layers.Conv2D):
            config["filters"] = round(_MORE * config["filters"])
        copies.append(type(layer).from_config(config))
    return keras.Sequential([keras.Input((height, width, channels)), *copies], name="clinic")


def pooled_twice(height: int, width: int, channels: int) -> keras.Model:
    """Return `clinic` that weighs the greatest answer of each filter beside the mean."""
    from keras import Model, layers

    whole = CLINIC.build(height, width, channels)
    maps = whole.layers[-4].output
    pooled = [layers.GlobalAveragePooling2D()(maps), layers.GlobalMaxPooling2D()(maps)]
    kept = layers.Dropout(0.2)(layers.Concatenate()(pooled))
    return Model(whole.inputs, layers.Dense(1, activation="sigmoid")(kept), name="clinic")
