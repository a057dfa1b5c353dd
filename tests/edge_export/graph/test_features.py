"""The penultimate features are those of which the last dense layer makes the logit."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from edge_export.graph.features import penultimate
from edge_export.graph.network import InputRange, network
from edge_export.proof.reference import reference_outputs
from edge_runtime.errors import DataError
from tiny_network import SIDE, tiny_network, with_film

PIXELS = np.random.default_rng(0).integers(0, 256, (40, SIDE, SIDE, 1), np.uint8)


@pytest.mark.parametrize("film_branch", [False, True])
def test_the_logit_is_a_weighted_sum_of_them(film_branch: bool) -> None:
    model = with_film(tiny_network()) if film_branch else tiny_network()
    layers = [one for one in model.layers if isinstance(one, keras.layers.Dense)]
    dense = next(one for one in layers if one.units == 1 and one.name != "film")
    kernel, bias = dense.get_weights()
    features = penultimate(model, InputRange(), PIXELS)
    assert features.shape == (40, 8)
    logits = reference_outputs(network(model, InputRange()), PIXELS)[:, 0]
    assert (features @ kernel + bias)[:, 0] == pytest.approx(logits, abs=1e-4)


def test_a_model_without_a_dense_layer_has_none() -> None:
    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            keras.layers.Conv2D(1, 3),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Activation("sigmoid"),
        ]
    )
    with pytest.raises(DataError, match="no dense layer at its end"):
        penultimate(model, InputRange(), PIXELS)
