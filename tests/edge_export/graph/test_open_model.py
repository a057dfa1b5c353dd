"""What was saved is what is exported: read by name, rewritten with the same answers, or refused."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from edge_export.graph.open_model import difference, open_model, require_file
from edge_runtime.errors import DataError, UsageError
from keras2_files import write_h5, write_keras

CASES = Path(__file__).parents[4] / "shared" / "cases" / "export"


def images(count: int = 6, *shape: int) -> Any:
    drawn = np.random.default_rng(0).uniform(0, 255, (count, *(shape or (16, 16, 1))))
    return (drawn * np.linspace(0.1, 1, count)[:, None, None, None]).astype(np.float32)


def randomised(model: keras.Model) -> keras.Model:
    """Return `model` with weights of which no two are alike, variances positive."""
    rng = np.random.default_rng(0)
    for layer in model._flatten_layers(include_self=False):
        for weight in (*layer._trainable_variables, *layer._non_trainable_variables):
            if weight.name in ("gamma", "moving_variance"):
                weight.assign(rng.uniform(0.5, 1.5, weight.shape))
            elif "seed" not in weight.name:
                weight.assign(rng.normal(size=weight.shape) * 0.3)
    return model


def partly_frozen() -> keras.Model:
    """Return a backbone with a head, whose first layers are frozen, and two alike branches."""
    image = keras.Input((16, 16, 1))
    x = layers.BatchNormalization(name="b0")(layers.Conv2D(4, 3, name="c0")(image))
    skip = layers.DepthwiseConv2D(3, padding="same", name="d0")(x)
    x = layers.Add()([skip, layers.Conv2D(4, 3, padding="same", name="c2")(x)])
    x = layers.Add()([x, layers.Conv2D(4, 3, padding="same", name="c1")(x)])
    backbone = keras.Model(image, x, name="backbone")
    for layer in backbone.layers[:3]:
        layer.trainable = False
    image = keras.Input((16, 16, 1))
    x = backbone(layers.Rescaling(1 / 255)(image))
    x = layers.GlobalAveragePooling2D()(x)
    return randomised(keras.Model(image, layers.Dense(1, activation="sigmoid")(x)))


@pytest.mark.parametrize("write", [write_h5, write_keras], ids=["h5", "keras"])
def test_a_file_of_keras_2_answers_as_it_did(
    write: Callable[[keras.Model, Path], Path], tmp_path: Path
) -> None:
    model = partly_frozen()
    opened = open_model(write(model, tmp_path / "old"))
    answers = model.predict_on_batch(images())
    assert np.ptp(answers) > 1e-3
    assert opened.model.predict_on_batch(images()) == pytest.approx(answers, abs=1e-6)
    assert opened.notes == ("Keras 2.15.0 saved the model; its weights were read by their names",)


def config_of(path: Path, change: Callable[[Any], None]) -> Path:
    """Write the same file with a changed configuration."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config["config"]["layers"])
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def old_file(path: Path, change: Callable[[Any], None]) -> Path:
    """Write a `.keras` file of Keras 2 with a changed configuration."""
    write_keras(partly_frozen(), path)
    return config_of(path, change)


def test_arithmetic_that_keras_2_wrote_without_a_layer_is_a_rescaling(tmp_path: Path) -> None:
    def divided(found: Any) -> None:
        found[1] |= {
            "class_name": "TFOpLambda",
            "config": {"name": "rescaling", "function": "math.truediv"},
            "inbound_nodes": [[found[0]["config"]["name"], 0, 0, {"y": 255.0, "name": None}]],
        }
        found[1]["config"]["name"] = found[1]["name"]

    opened = open_model(old_file(tmp_path / "old.keras", divided))
    expected = partly_frozen().predict_on_batch(images())
    assert opened.model.predict_on_batch(images()) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("kind", "options", "problem"),
    [
        ("TFOpLambda", {"function": "nn.relu"}, "(TFOpLambda) of nn.relu is code of Keras 2"),
        ("Lambda", {}, "(Lambda) is code of Keras 2"),
        ("Activation", {"activation": "hard_sigmoid"}, "(Activation): the hard_sigmoid of Keras 2"),
    ],
)
def test_what_keras_3_computes_in_another_way_is_refused_by_layer(
    kind: str, options: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    def other(found: Any) -> None:
        found[1] |= {"class_name": kind, "config": {"name": found[1]["name"], **options}}

    with pytest.raises(DataError) as caught:
        open_model(old_file(tmp_path / "old.keras", other))
    assert problem in caught.value.problem
    assert caught.value.problem.startswith("layer 'rescaling")
    assert "Keras 3" in caught.value.cure


@pytest.mark.skipif(not CASES.is_dir(), reason="needs ../shared/cases")
@pytest.mark.parametrize("name", ["legacy_frozen.h5", "legacy_frozen_v2.keras"])
def test_the_answers_of_keras_2_itself_are_found_again(name: str) -> None:
    from edge_runtime.film.preprocess import film_pixels, standard

    recipe, films = standard(96, 96, 1), CASES.parents[1] / "data" / "xray" / "covid"
    chosen = sorted(films.iterdir())[:60]
    pixels = [np.frombuffer(film_pixels(film.read_bytes(), recipe, None), np.uint8)
              for film in chosen]  # fmt: skip
    model = open_model(CASES / name).model
    answers = model.predict_on_batch(np.reshape(pixels, (-1, 96, 96, 1)).astype(np.float32))
    recorded = np.load(CASES / "legacy_p.npy").ravel()
    nearest = np.abs(np.ravel(answers)[:, None] - recorded).min(axis=1)
    # Of 160 answers, spread over all films; the nearest to a wrong one would be 1e-3 away.
    assert (nearest < 1e-6).sum() >= 3


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_a_mixed_model_is_the_same_weights_in_float32(policy: str, tmp_path: Path) -> None:
    keras.config.set_dtype_policy(policy)
    try:
        inner = keras.Sequential([keras.Input((16, 16, 1)), layers.Conv2D(4, 3)], name="inner")
        image = keras.Input((16, 16, 1))
        x = layers.GlobalAveragePooling2D()(inner(layers.Rescaling(1 / 255)(image)))
        answer = layers.Dense(1, activation="sigmoid", dtype="float32")(layers.Dense(8)(x))
        model = randomised(keras.Model(image, answer))
    finally:
        keras.config.set_dtype_policy("float32")
    model.save(tmp_path / "mixed.keras")
    opened = open_model(tmp_path / "mixed.keras")
    used = opened.model._flatten_layers(include_self=False)
    assert {layer.compute_dtype for layer in used} == {"float32"}
    assert opened.notes == (f"computed in {policy}; exported in float32, same weights",)
    apart = difference(opened, images())
    assert apart is not None
    assert 0 < apart < 0.02


def saved(model: keras.Model, tmp_path: Path) -> Path:
    model.save(tmp_path / "model.keras")
    return tmp_path / "model.keras"


def headed(
    *heads: Any, shape: tuple[int | None, ...] = (16, 16, 1), name: str = "foreign"
) -> keras.Model:
    image = keras.Input(shape)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(image))
    return keras.Model(image, [head(x) for head in heads], name=name)


def test_a_model_of_any_size_gets_the_one_that_is_said(tmp_path: Path) -> None:
    answer = layers.Dense(1, activation="sigmoid")
    path = saved(headed(answer, shape=(None, None, 3)), tmp_path)
    with pytest.raises(UsageError, match=r"images of any size.*--side PIXELS"):
        open_model(path)
    opened = open_model(path, side=96)
    assert opened.model.input_shape == (None, 96, 96, 3)
    assert opened.notes == ("takes images of any size; exported for 96 x 96",)
    before = keras.models.load_model(path).predict_on_batch(images(3, 96, 96, 3))
    after = opened.model.predict_on_batch(images(3, 96, 96, 3))
    assert np.ravel(after) == pytest.approx(np.ravel(before), abs=1e-6)


def test_a_model_of_one_size_takes_no_other(tmp_path: Path) -> None:
    path = saved(headed(layers.Dense(1, activation="sigmoid")), tmp_path)
    assert open_model(path, side=16).notes == ()
    with pytest.raises(UsageError, match=r"--side: .* takes images of 16 x 16; leave it out"):
        open_model(path, side=96)


def test_one_of_several_outputs_is_chosen_by_its_name(tmp_path: Path) -> None:
    heads = [layers.Dense(1, activation="sigmoid", name=name) for name in ("age", "covid", "sex")]
    path = saved(randomised(headed(*heads)), tmp_path)
    with pytest.raises(DataError, match=r"3 outputs: age, covid, sex; choose one, --output NAME"):
        open_model(path)
    with pytest.raises(UsageError, match="no output 'x'; choose from age, covid, sex"):
        open_model(path, output="x")
    opened = open_model(path, output="covid")
    everything = keras.models.load_model(path).predict_on_batch(images())
    assert np.ravel(opened.model.predict_on_batch(images())) == pytest.approx(
        np.ravel(everything[1]), abs=1e-6
    )
    assert opened.notes == ("output 'covid' is exported, no other",)


@pytest.mark.parametrize(
    ("head", "problem", "cure"),
    [
        (layers.Dense(3, activation="softmax"), "gives 3 classes where", "train its last layer"),
        (
            layers.Dense(14, activation="sigmoid"),
            "gives 14 answers of their own",
            "keep one of them",
        ),
    ],
    ids=["three classes", "fourteen findings"],
)
def test_more_than_two_classes_are_counted(
    head: Any, problem: str, cure: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        open_model(saved(headed(head), tmp_path))
    assert caught.value.problem.startswith(problem)
    assert caught.value.cure.startswith(cure)


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method:UserWarning")
@pytest.mark.parametrize("mode", ["int8", "int4", "float8"])
def test_what_keras_has_quantized_is_not_quantized_again(mode: str, tmp_path: Path) -> None:
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(8), layers.Dense(1)]
    )
    model.quantize(mode)
    with pytest.raises(DataError) as caught:
        open_model(saved(model, tmp_path))
    assert caught.value.problem.startswith("Keras has quantized layer 'dense")
    assert "before model.quantize" in caught.value.cure


@pytest.mark.parametrize(("metadata", "who"), [(True, "Keras 2"), (False, "TensorFlow")])
def test_a_saved_model_is_named_with_what_to_do(metadata: bool, who: str, tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").touch()
    if metadata:
        (tmp_path / "keras_metadata.pb").touch()
    with pytest.raises(DataError) as caught:
        require_file(tmp_path)
    assert caught.value.problem.startswith(f"is a SavedModel of {who}")
    assert "save it again as one file" in caught.value.cure


def test_no_more_weights_are_made_than_the_file_holds(tmp_path: Path) -> None:
    path = saved(headed(layers.Dense(1, activation="sigmoid")), tmp_path)
    config_of(path, lambda found: found[1]["config"].update(filters=10**9))
    with pytest.raises(DataError, match=r"wants more weights than the file holds"):
        open_model(path)


def test_no_map_is_made_that_fills_the_memory(tmp_path: Path) -> None:
    image = keras.Input((16, 16, 1))
    x = layers.GlobalAveragePooling2D()(layers.ZeroPadding2D(1, name="pad")(image))
    path = saved(keras.Model(image, layers.Dense(1, activation="sigmoid")(x)), tmp_path)
    config_of(path, lambda found: found[1]["config"].update(padding=[[10**5] * 2] * 2))
    with pytest.raises(DataError, match=r"layer 'pad' gives [\d,]+ values for one image"):
        open_model(path)
