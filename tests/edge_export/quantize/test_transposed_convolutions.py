"""A transposed convolution with offsets that are not zero, as training leaves them, is exported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edge_export.films.pixels import Pixels
from edge_export.graph.artefact import measure, require_openable
from edge_export.graph.float_graphs import float_graphs
from edge_export.graph.network import InputRange, network
from edge_export.quantize.quantizer import Quantizer
from edge_export.quantize.recipe import FLOAT32, RECIPES, Setting
from tiny_network import SIDE

if TYPE_CHECKING:
    import keras

SHAPE = (1, SIDE, SIDE, 1)
FURTHEST = {FLOAT32: 1e-3}
"""From the float graph, in standard deviations of its logits; of other recipes 0.5."""


def ascending(*, flat: bool) -> keras.Model:
    """Return a network that goes down and up again, with weights and offsets drawn by a seed."""
    from keras import Input, Model, layers

    image = Input((SIDE, SIDE, 1))
    x = layers.Rescaling(1 / 255)(image)
    down = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(down)
    if flat:
        x = layers.Reshape((-1, 8))(x)
        x = layers.Conv1DTranspose(6, 3, strides=2, activation="relu")(x)
        x = layers.GlobalAveragePooling1D()(x)
    else:
        x = layers.Conv2DTranspose(6, 2, strides=2, padding="same")(x)
        x = layers.GlobalAveragePooling2D()(layers.Concatenate()([x, down]))
    model = Model(image, layers.Dense(1, activation="sigmoid")(x))
    drawn = np.random.default_rng(0)
    weights: list[Any] = model.get_weights()
    model.set_weights([drawn.normal(0.1, 0.4, one.shape) for one in weights])
    return model


@pytest.mark.parametrize("flat", [False, True], ids=["maps", "rows"])
def test_every_recipe_gives_graphs_that_open_and_answer_like_the_float_one(
    flat: bool,
    pixels: Pixels,
) -> None:
    quantizer = Quantizer(float_graphs(network(ascending(flat=flat), InputRange()), pixels), pixels)
    reference = quantizer.uncorrected(FLOAT32, "tflite", {}, Setting())
    expected = measure(reference, pixels).logits
    for recipe in RECIPES.values():
        ranges = quantizer.ranges("min_max") if recipe.calibrated else {}
        for form in recipe.formats:
            artefact = quantizer.uncorrected(recipe, form, ranges, Setting())
            require_openable(artefact, SHAPE)
            if recipe.float_logit:
                far = np.abs(measure(artefact, pixels).logits - expected).max() / expected.std()
                assert far <= FURTHEST.get(recipe, 0.5), artefact.file
