"""Each network of a study is that study's, layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge_export.graph.artefact import measure
from edge_export.graph.float_graphs import float_graphs
from edge_export.graph.network import InputRange, network
from edge_export.quantize.quantizer import Quantizer
from edge_export.quantize.recipe import INT8, Setting
from edge_kit.models.registry import MODELS
from edge_kit.models.studies import L2, model3
from zoo import zoo_pixels

pytestmark = pytest.mark.usefixtures("tiny")

CONV, POOL, DROP, FLAT, DENSE = "Conv2D", "MaxPooling2D", "Dropout", "Flatten", "Dense"
# Layer by layer: its kind, and how many filters or units, or which rate.
LAYERS = {
    "baseline": [(CONV, 32), (CONV, 64), FLAT, (DENSE, 16)],
    "model1": [(CONV, 32), (CONV, 64), POOL, FLAT, (DENSE, 16), (DENSE, 64)],
    "model2": [(CONV, 32), (CONV, 64), (CONV, 64), FLAT, (DENSE, 16)],
    "model3": [
        *((CONV, 32), POOL, (CONV, 32), POOL, (CONV, 64), POOL, (CONV, 64), POOL),
        *(FLAT, (DENSE, 256), (DENSE, 256)),
    ],
    "xray_cnn": [
        *((CONV, 32), (CONV, 64), POOL, (DROP, 0.25), (CONV, 128), POOL, (DROP, 0.25)),
        *(FLAT, (DENSE, 64), (DROP, 0.5)),
    ],
}
# At 64 x 64, by hand: convolutions have 9 weights for each pair of channels.
PARAMETERS = {
    "baseline": 320 + 18_496 + (60 * 60 * 64 + 1) * 16 + 17,
    "model1": 320 + 18_496 + (30 * 30 * 64 + 1) * 16 + 17 * 64 + 65,
    "model2": 320 + 18_496 + 36_928 + (58 * 58 * 64 + 1) * 16 + 17,
    "model3": 320 + 9_248 + 18_496 + 36_928 + (2 * 2 * 64 + 1) * 256 + 257 * 256 + 257,
    "xray_cnn": 896 + 18_496 + 73_856 + (14 * 14 * 128 + 1) * 64 + 65,
}


def build(name: str) -> Any:
    return MODELS[name].build(64, 64, MODELS[name].channels)


def described(layer: Any) -> Any:
    kind = type(layer).__name__
    size = next((getattr(layer, one) for one in ("filters", "units", "rate")
                 if hasattr(layer, one)), None)  # fmt: skip
    return kind if size is None else (kind, size)


def test_there_are_five_networks_by_name_and_our_own() -> None:
    assert [*LAYERS, "clinic"] == [name for name in MODELS if name != "tiny"]


@pytest.mark.parametrize("name", LAYERS)
def test_a_network_is_its_study_s_layer_by_layer(name: str) -> None:
    model = build(name)
    first, *body, head = model.layers
    assert (type(first).__name__, first.scale) == ("Rescaling", 1 / 255)
    assert [described(one) for one in body] == LAYERS[name]
    assert (head.units, head.activation.__name__) == (1, "sigmoid")
    rectified = [one for one in body if hasattr(one, "activation")]
    assert {one.activation.__name__ for one in rectified} == {"relu"}
    assert {one.kernel_size for one in body if hasattr(one, "filters")} == {(3, 3)}
    assert {one.pool_size for one in body if type(one).__name__ == POOL} <= {(2, 2)}
    assert model.count_params() == PARAMETERS[name]
    assert model.name == MODELS[name].name == name


@pytest.mark.parametrize("name", LAYERS)
def test_only_model_2_pays_for_squared_weights_and_not_for_those_of_its_first_and_last(
    name: str,
) -> None:
    model = build(name)
    squares = [layer for layer in model.layers if getattr(layer, "kernel_regularizer", None)]
    weighted = [layer for layer in model.layers if layer.weights]
    assert squares == (weighted[1:-1] if name == "model2" else [])
    expected = sum(L2 * float((np.asarray(one.kernel) ** 2).sum()) for one in squares)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


def test_model_3_has_the_names_and_sizes_that_shipped_bundles_were_made_of() -> None:
    model = model3(224, 224, 1)
    assert model.count_params() == 2_490_593
    assert model.get_layer(index=9).output.shape == (None, 9216)


@pytest.mark.parametrize("channels", [1, 3])
def test_it_takes_grey_levels_of_any_size_and_gives_a_probability(channels: int) -> None:
    model = MODELS["model3"].build(96, 80, channels)
    films = np.random.default_rng(0).integers(0, 256, (2, 96, 80, channels), dtype=np.uint8)
    answer = model.predict_on_batch(films)
    assert answer.shape == (2, 1)
    assert ((answer > 0) & (answer < 1)).all()


# The largest, and the one with dropout and three channels; small ones of all five are in the zoo.
@pytest.mark.parametrize("name", ["model2", "xray_cnn"])
def test_a_network_becomes_int8_in_both_formats_that_answer_alike(name: str) -> None:
    pixels = zoo_pixels(MODELS[name].channels, count=4)
    candidate = network(build(name), InputRange())
    quantizer = Quantizer(float_graphs(candidate, pixels), pixels)
    expected = candidate.logits.predict_on_batch(pixels)[:, 0]
    made, _ = quantizer.artefacts(INT8, Setting())
    tflite, onnx = (measure(one, pixels).logits for one in made)
    assert np.abs(tflite - expected).max() < 0.1
    assert np.abs(tflite - onnx).max() < 0.01
    assert len(made[0].graph) < 1.2 * PARAMETERS[name] + 50_000
