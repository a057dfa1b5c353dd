"""Pixels in, logits out: the same function in Keras, TFLite and ONNX, or a refusal in one line."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from edge_export.graph.artefact import Artefact, measure
from edge_export.graph.float_graphs import float_graphs
from edge_export.graph.head import find_head
from edge_export.graph.network import InputRange, Network, load_model, network
from edge_export.graph.onnx import to_onnx
from edge_export.graph.tflite import to_tflite
from edge_export.proof.reference import reference_outputs
from edge_export.quantize.quantizer import Quantizer
from edge_export.quantize.recipe import INT8, Setting
from edge_runtime.errors import DataError, UsageError

GREY = InputRange(0.0, 255.0)
UNIT = InputRange(0.0, 1.0)
SIGNED = InputRange(-1.0, 1.0)


def classifier(
    head: Callable[[Any], Any],
    *,
    channels: int = 1,
    rescaled: bool = False,
    padding: str = "valid",
    name: str = "foreign",
) -> keras.Model:
    """Return a functional model of 16x20 images that ends in `head`."""
    image = keras.Input((16, 20, channels))
    x = layers.Rescaling(1 / 255)(image) if rescaled else image
    x = layers.Conv2D(4, 3, padding=padding, activation="relu")(x)
    x = layers.BatchNormalization()(layers.MaxPooling2D(2)(x))
    x = layers.Dense(8, activation="relu")(layers.Flatten()(x))
    return keras.Model(image, head(x), name=name)


def sequential() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((16, 20, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def seeded(model: keras.Model) -> keras.Model:
    """Return `model` with random weights, biases included, of moderate size."""
    rng = np.random.default_rng(0)
    # A batch normalisation's variance must be positive; the others may be.
    model.set_weights([rng.uniform(0.05, 0.4, one.shape) * 0.5 for one in model.get_weights()])
    last = next(one for one in reversed(model.layers) if isinstance(one, layers.Dense))
    last.set_weights([rng.normal(size=one.shape) * 0.3 for one in last.get_weights()])
    return model


def random_pixels(model: keras.Model, count: int = 3) -> Any:
    _, *shape = model.input_shape
    return np.random.default_rng(1).integers(0, 256, (count, *shape), dtype=np.uint8)


def fused(x: Any) -> Any:
    return layers.Dense(1, activation="sigmoid")(x)


# A layer that is made here has a name of its own: Keras counts names anew in between.
HEADS: dict[str, Callable[[Any], Any]] = {
    "sigmoid fused": fused,
    "sigmoid apart": lambda x: layers.Activation("sigmoid")(layers.Dense(1)(x)),
    "one logit": layers.Dense(1, name="head"),
    "one logit without bias": layers.Dense(1, use_bias=False, name="head"),
    "softmax over two": layers.Dense(2, activation="softmax", name="head"),
    "softmax over two, without bias": layers.Dense(
        2, activation="softmax", use_bias=False, name="head"
    ),
    "softmax apart": lambda x: layers.Activation("softmax")(layers.Dense(2)(x)),
    "softmax layer": lambda x: layers.Softmax()(layers.Dense(2)(x)),
    "dropout and reshape between": lambda x: layers.Activation("sigmoid")(
        layers.Reshape((1, 1, 1))(layers.Dropout(0.5)(layers.Dense(1)(x)))
    ),
    "dropout and flatten behind": lambda x: layers.Flatten()(layers.Dropout(0.5)(fused(x))),
    "sigmoid without a layer": lambda x: keras.ops.sigmoid(layers.Dense(1)(x)),
    "nested model": keras.Sequential(
        [layers.Dense(4), layers.Dense(1, activation="sigmoid")], name="head"
    ),
    "nested models, the last without a dense layer": lambda x: keras.Sequential(
        [layers.Dropout(0.5), layers.Activation("sigmoid")]
    )(keras.Sequential([layers.Dense(4), layers.Dense(1)])(x)),
    "averaged map": lambda x: layers.Activation("sigmoid")(
        layers.GlobalAveragePooling1D()(layers.Dense(1)(layers.Reshape((4, 2))(x)))
    ),
    "averaged map of two": lambda x: layers.Softmax()(
        layers.GlobalAveragePooling1D()(layers.Reshape((4, 2))(x))
    ),
    "dense on a map of one pixel": lambda x: fused(layers.Reshape((1, 1, 8))(x)),
}


@pytest.mark.parametrize("head", HEADS)
def test_the_logit_gives_back_the_answer_of_every_head(head: str) -> None:
    model = seeded(classifier(HEADS[head], rescaled=True))
    pixels = random_pixels(model)
    answer = model.predict_on_batch(pixels.astype(np.float32)).reshape(len(pixels), -1)[:, -1]
    logits = reference_outputs(network(model, GREY), pixels)[:, 0]
    expected = answer if head.startswith("one logit") else np.log(answer / (1 - answer))
    assert logits == pytest.approx(expected, rel=1e-3, abs=1e-4)
    assert np.ptp(logits) > 1e-3


@pytest.mark.parametrize("head", HEADS)
def test_the_dense_layer_of_a_head_is_the_one_that_stays_float(head: str) -> None:
    end = find_head(classifier(HEADS[head]))
    assert (end.dense is None) == head.startswith("averaged map")
    assert end.classes == 1 + ("two" in head or head.startswith("softmax"))


@pytest.mark.parametrize(
    ("model", "input_range"),
    [
        pytest.param(lambda: classifier(fused, name="größe"), UNIT, id="name with an umlaut"),
        pytest.param(lambda: classifier(fused, padding="same"), SIGNED, id="-1 to 1, padded"),
        pytest.param(
            lambda: classifier(fused, channels=3, name="a b"), UNIT, id="rgb, name with a space"
        ),
        pytest.param(lambda: classifier(fused, rescaled=True), GREY, id="rescaling inside"),
        pytest.param(sequential, UNIT, id="sequential"),
    ],
)
def test_pixels_in_logit_out_is_one_function_in_keras_tflite_and_onnx(
    model: Callable[[], keras.Model], input_range: InputRange
) -> None:
    candidate = network(seeded(model()), input_range)
    pixels = random_pixels(candidate.model)
    scale = (input_range.high - input_range.low) / 255
    whole = candidate.model.predict_on_batch(pixels * np.float32(scale) + input_range.low)
    logits = reference_outputs(candidate, pixels)[:, 0]
    assert 1 / (1 + np.exp(-logits)) == pytest.approx(whole[:, 0], abs=1e-4)

    tflite = to_tflite(candidate.logits)
    for form, graph in (("tflite", tflite), ("onnx", to_onnx(tflite))):
        measured = measure(Artefact(f"model.{form}", form, "float32", graph), pixels)
        assert measured.logits == pytest.approx(logits, abs=1e-4)


def test_a_float_tflite_graph_takes_bytes_and_knows_its_shapes(
    artefacts: dict[str, Artefact],
) -> None:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=artefacts["model.f32.tflite"].graph)
    (taken,), given = interpreter.get_input_details(), interpreter.get_output_details()
    assert (taken["shape"].tolist(), taken["dtype"]) == ([1, 64, 64, 1], np.uint8)
    assert [(one["shape"].tolist(), one["dtype"]) for one in given] == [([1, 1], np.float32)] * 2
    operators = [one["op_name"] for one in interpreter._get_ops_details()]
    assert operators[0] == "CAST"
    assert not {"SHAPE", "PACK", "STRIDED_SLICE"} & set(operators)


def test_a_float_onnx_graph_names_its_ends_and_holds_no_shape_arithmetic(
    artefacts: dict[str, Artefact],
) -> None:
    import onnx

    model = onnx.load_model_from_string(artefacts["model.f32.onnx"].graph)
    assert [one.name for one in model.graph.input] == ["pixels"]
    assert [one.name for one in model.graph.output] == ["logit", "logit_film"]
    assert not {"Shape", "Gather", "Concat"} & {node.op_type for node in model.graph.node}
    names = [one.name for one in model.graph.initializer]
    assert names == sorted(names)


def test_graphs_are_the_same_bytes_every_time(
    candidate: Network, artefacts: dict[str, Artefact]
) -> None:
    tflite = to_tflite(candidate.logits)
    assert tflite == artefacts["model.f32.tflite"].graph
    assert to_onnx(tflite) == artefacts["model.f32.onnx"].graph


def two_inputs() -> keras.Model:
    images = [keras.Input((16, 20, 1)) for _ in range(2)]
    return keras.Model(images, fused(layers.Flatten()(layers.Add()(images))))


def three_outputs() -> keras.Model:
    image = keras.Input((16, 20, 1))
    x = layers.Flatten()(image)
    return keras.Model(image, [fused(x), fused(x), fused(x)])


def any_size() -> keras.Model:
    image = keras.Input((None, None, 1))
    return keras.Model(image, fused(layers.GlobalAveragePooling2D()(image)))


def five_channels() -> keras.Model:
    image = keras.Input((16, 20, 5))
    return keras.Model(image, fused(layers.Flatten()(image)))


def table() -> keras.Model:
    row = keras.Input((12,))
    return keras.Model(row, fused(row))


def foreign_code() -> keras.Model:
    return classifier(lambda x: fused(layers.Lambda(lambda y: y * 2, name="lambda")(x)))


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        (two_inputs, "has 2 inputs and 1 outputs"),
        (three_outputs, "has 3 outputs: "),
        (any_size, "takes images of any size, (None, None, None, 1)"),
        (five_channels, "input of shape (None, 16, 20, 5)"),
        (table, "input of shape (None, 12)"),
        (foreign_code, "layer 'lambda' (Lambda) holds code, which is not run"),
    ],
)
def test_a_file_that_holds_no_image_classifier_is_refused_by_name(
    model: Callable[[], keras.Model], problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.keras"
    model().save(path)
    with pytest.raises((DataError, UsageError)) as caught:
        load_model(path)
    assert str(caught.value).startswith(f"{path}: {problem}")
    assert caught.value.cure


def write_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps({"no": "model"}))


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(str, id="missing"),
        pytest.param(lambda path: path.mkdir(), id="a folder"),
        pytest.param(lambda path: path.touch(), id="empty"),
        pytest.param(lambda path: path.write_text("text"), id="text"),
        pytest.param(write_zip, id="another zip"),
    ],
)
def test_a_file_that_is_no_model_is_refused_in_one_line(
    write: Callable[[Path], object], tmp_path: Path
) -> None:
    path = tmp_path / "model.keras"
    write(path)
    with pytest.raises(DataError) as caught:
        load_model(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert caught.value.cure


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        (layers.Dense(3, activation="softmax", name="head"), "gives 3 classes"),
        (layers.Dense(1, activation="tanh", name="head"), "(Dense, activation tanh)"),
        (layers.Dense(2, activation="sigmoid", name="head"), "(Dense, activation sigmoid)"),
        (lambda x: layers.Activation("tanh")(layers.Dense(1)(x)), "(Activation, activation tanh)"),
        (lambda x: layers.Activation("sigmoid")(fused(x)), "(Activation, activation sigmoid)"),
        (lambda x: layers.Dropout(0.5)(layers.Dense(3)(x)), "(Dense, activation linear)"),
        (lambda x: fused(layers.Reshape((2, 4))(x)), "(Dense, activation sigmoid)"),
        (lambda x: layers.ReLU()(layers.Dense(1)(x)), "(ReLU, activation none)"),
        (
            lambda x: layers.Conv1D(1, 8, activation="sigmoid")(layers.Reshape((8, 1))(x)),
            "(Conv1D, activation sigmoid)",
        ),
        (
            lambda x: layers.Softmax()(layers.Reshape((2, 1))(layers.Dense(2)(x))),
            "(Softmax, activation softmax)",
        ),
    ],
    ids=[
        *("three", "tanh", "two sigmoids", "tanh apart", "sigmoid twice", "three logits", "map"),
        *("relu", "convolution", "softmax over one"),
    ],
)
def test_an_end_that_is_no_decision_is_refused(head: Callable[[Any], Any], problem: str) -> None:
    with pytest.raises(DataError) as caught:
        network(classifier(head), GREY)
    assert problem in str(caught.value)
    assert str(caught.value).startswith(
        ("foreign: gives ", "foreign: applies ", "foreign: ends in")
    )


def test_a_layer_name_that_tensorflow_cannot_run_is_refused() -> None:
    model = classifier(lambda x: fused(layers.Dense(4, name="größe 2")(x)))
    with pytest.raises(DataError, match=r"cannot run a layer named 'größe 2'; rename it"):
        network(model, GREY)


@pytest.mark.parametrize(
    ("layer", "problem"),
    [
        (lambda x: layers.LSTM(4)(layers.Reshape((2, 4))(x)), "in a loop, .*unroll=True"),
        (layers.Dense(4, dtype="float64"), "TFLite cannot express"),
    ],
    ids=["lstm", "float64"],
)
def test_a_layer_that_cannot_follow_is_named_in_one_line(
    layer: Callable[[Any], Any], problem: str, capfd: pytest.CaptureFixture[str]
) -> None:
    candidate = network(classifier(lambda x: fused(layer(x))), UNIT)
    with pytest.raises(DataError, match=problem):
        quantizer = Quantizer(
            float_graphs(candidate, random_pixels(candidate.model)), random_pixels(candidate.model)
        )
        quantizer.artefacts(INT8, Setting())
    assert capfd.readouterr().err == ""


def two_headed(film: Callable[[Any], Any], *, shared: bool = False) -> keras.Model:
    """Return a model whose second output is what `film` makes of its own or shared features."""
    image = keras.Input((16, 20, 1))
    x = layers.Dense(8, activation="relu", name="body")(layers.Flatten()(image))
    y = x if shared else layers.Flatten()(layers.AveragePooling2D(4)(image))
    return seeded(keras.Model(image, [fused(x), film(y)], name="foreign"))


def film_head(x: Any) -> Any:
    return layers.Dense(1, name="film")(x)


NO_FILM: dict[str, tuple[Callable[[Any], Any], bool, str]] = {
    "another name": (layers.Dense(1), False, "the second output is no logit of a layer 'film'"),
    "a probability": (
        layers.Dense(1, activation="sigmoid", name="film"),
        False,
        "the second output is no logit of a layer 'film'",
    ),
    "two units": (
        layers.Dense(2, activation="softmax", name="film"),
        False,
        "the second output is no logit of a layer 'film'",
    ),
    "no decision at all": (
        layers.Dense(3, name="film"),
        False,
        "the second output gives 3 logits where one class is told from another, in layer 'film'",
    ),
    "the decision's own body": (film_head, True, "the second output shares body/bias with the"),
}


@pytest.mark.parametrize(("film", "shared", "problem"), NO_FILM.values(), ids=NO_FILM)
def test_a_second_output_that_is_no_film_logit_of_its_own_is_refused(
    film: Callable[[Any], Any], shared: bool, problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.keras"
    two_headed(film, shared=shared).save(path)
    with pytest.raises(DataError) as caught:
        load_model(path)
    assert str(caught.value).startswith(f"{path}: {problem}")


@pytest.mark.parametrize("form", ["tflite", "onnx"])
def test_the_decision_is_the_first_output_and_the_film_logit_the_second(
    form: str, joined: keras.Model, artefacts: dict[str, Artefact], pixels: Any
) -> None:
    probability, film = joined.predict_on_batch(pixels[:6].astype(np.float32))
    for recipe, tolerance in (("f32", 1e-4), ("int8", 0.1)):
        found = measure(artefacts[f"model.{recipe}.{form}"], pixels[:6]).outputs
        assert 1 / (1 + np.exp(-found[:, 0])) == pytest.approx(probability[:, 0], abs=tolerance)
        assert found[:, 1] == pytest.approx(film[:, 0], abs=5 * tolerance)
    assert np.abs(probability - 1 / (1 + np.exp(-film))).min() > 0.1


@pytest.mark.parametrize("names", [("logit", "logit_film"), ("b", "a"), ("a", "b")])
def test_outputs_stay_in_their_order_whatever_they_are_called(
    names: tuple[str, str], candidate: Network, pixels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_export.graph.tflite.OUTPUTS", names)
    ordered = names == tuple(sorted(names))
    with nullcontext() if ordered else pytest.raises(DataError, match="in place of the decision"):
        float_graphs(candidate, pixels[:4])
