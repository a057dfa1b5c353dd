"""A graph of a foreign model takes pixels, and answers as the model does to its author's input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_export.films.pixels import Pixels
from edge_export.graph.artefact import Artefact, measure
from edge_export.graph.float_graphs import float_graphs
from edge_export.graph.input_transform import CAFFE, TORCH, ChannelTransform, InputTransform
from edge_export.graph.network import InputRange, network
from edge_export.proof.reference import reference_outputs
from edge_export.quantize.quantizer import Quantizer
from edge_export.quantize.recipe import INT8, Setting
from edge_runtime.errors import UsageError

if TYPE_CHECKING:
    import keras

MODES: dict[str, InputTransform] = {"tf": InputRange(-1, 1), "caffe": CAFFE, "torch": TORCH}
SIDE = 32


@pytest.fixture(scope="module")
def colours() -> Pixels:
    """Return pixels of which no channel is like another."""
    return np.random.default_rng(0).integers(0, 256, (24, SIDE, SIDE, 3), np.uint8)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """Return a network that pads with zeros, so that no offset could be folded into it."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.Conv2D(6, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2D(6, 3, padding="same", activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1),
        ],
        name="theirs",
    )


def truth(model: keras.Model, pixels: Pixels, mode: str) -> NDArray[np.float64]:
    """Return the model's logits `(n,)` for what Keras's own preprocessing makes of pixels."""
    from keras.applications.imagenet_utils import preprocess_input

    images = preprocess_input(pixels.astype(np.float32), mode=mode)
    return np.asarray(model.predict(images, verbose=0)[:, 0], np.float64)


@pytest.mark.parametrize("mode", MODES)
def test_float_and_int8_graphs_take_pixels_and_answer_as_keras_prepares_them(
    mode: str, model: keras.Model, colours: Pixels
) -> None:
    expected = truth(model, colours, mode)
    scale = float(np.abs(expected).max())
    candidate = network(model, MODES[mode])
    assert reference_outputs(candidate, colours)[:, 0] == pytest.approx(expected, abs=1e-4 * scale)
    graphs = float_graphs(candidate, colours)
    for form, graph in (("tflite", graphs.tflite), ("onnx", graphs.onnx)):
        found = measure(Artefact(f"m.{form}", form, "float32", graph), colours).logits
        assert found == pytest.approx(expected, abs=1e-4 * scale)
    for artefact in Quantizer(graphs, colours).artefacts(INT8, Setting())[0]:
        found = measure(artefact, colours).logits
        assert found == pytest.approx(expected, abs=0.1 * scale)


@pytest.mark.parametrize("mode", ["caffe", "torch"])
def test_grey_is_repeated_in_the_graph_each_time_as_another_channel(
    mode: str, model: keras.Model, colours: Pixels
) -> None:
    transform = MODES[mode]
    assert isinstance(transform, ChannelTransform)
    grey = colours[..., :1]
    candidate = network(model, transform.of_grey())
    assert candidate.logits.input_shape == (None, SIDE, SIDE, 1)
    expected = truth(model, np.repeat(grey, 3, axis=-1), mode)
    assert reference_outputs(candidate, grey)[:, 0] == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_a_transform_of_one_channel_is_for_models_of_one() -> None:
    one = ChannelTransform.normalising("theirs.toml", "grey", 1 / 255, [0.5], [0.25])
    assert one.pixel_channels(1) == 1
    pixels = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    assert one.images(pixels).ravel() == pytest.approx([-2.0, 2.0])
    with pytest.raises(UsageError, match="--preprocessing caffe: is for 3 channels, the model"):
        CAFFE.pixel_channels(1)


@pytest.mark.parametrize(
    ("transform", "words"),
    [
        (InputRange(-1, 1), "black is -1, white 1"),
        (CAFFE, "channels bgr: 1 pixel -103.939, 1 pixel -116.779, 1 pixel -123.68"),
    ],
)
def test_what_becomes_of_pixels_is_said_in_words(transform: Any, words: str) -> None:
    assert transform.words == words
