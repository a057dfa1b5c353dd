"""Films prepared otherwise than by a model's author are told by what the author says of answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from scipy.special import expit, logit

from edge_export.films.film import SPLITS, Film
from edge_export.films.phantom import phantom
from edge_export.films.pixels import Decoder, Pixels
from edge_export.graph.artefact import Floats
from edge_export.graph.input_transform import CAFFE, TORCH, InputTransform
from edge_export.graph.network import InputRange, network
from edge_export.proof.faults import Fault, expected_accuracy_faults
from edge_export.proof.predictions import Predictions
from edge_export.proof.preparation import (
    Expectations,
    Preparation,
    PreparedModel,
    examine_preparation,
)
from edge_export.proof.reference import HeldOut, reference_outputs
from edge_export.statistics.estimates import proportion
from edge_runtime.bundle.digest import sha256
from edge_runtime.bundle.records import UNSTRETCHED, Preprocess
from edge_runtime.film.preprocess import standard

if TYPE_CHECKING:
    import keras

SIDE, COUNT = 64, 60
PIXELS = standard(SIDE, SIDE, 3)
UNTOUCHED = Preprocess(**PIXELS.to_json() | {"resample": "nearest"}, stretch=UNSTRETCHED)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Film]:
    """Return films of a tint, so that the order of channels shows, too faint to be a colour."""
    folder = tmp_path_factory.mktemp("tinted")
    made = []
    for number in range(COUNT):
        grey = np.asarray(phantom(number, positive=number % 2 == 0, size=(80, 72)), np.float32)
        tint = np.array([1.0, 0.98, 0.94])
        bright = 60 + 0.3 * grey if number % 2 else 110 + 0.5 * grey
        path = folder / f"{number:02}.png"
        Image.fromarray((bright[..., None] * tint).clip(0, 255).astype(np.uint8)).save(path)
        label, split = ("covid", "noncovid")[number % 2], SPLITS[number // 2 % 3]
        made.append(Film(path, label, split, path.stem, sha256(path.read_bytes())))
    return made


@pytest.fixture(scope="module")
def held_out(films: list[Film]) -> HeldOut:
    rows = [film for film in films if film.split != "train"]
    return HeldOut(
        pixels=Decoder().pixels(rows, UNTOUCHED),
        positive=np.array([film.label == "covid" for film in rows]),
        splits=[film.split for film in rows],
        digests=[film.sha256 for film in rows],
        classes=("noncovid", "covid"),
    )


@pytest.fixture(scope="module")
def model(films: list[Film]) -> keras.Model:
    """Return a network for Keras's mode `caffe` that tells the classes by their mean levels."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    network_ = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.Conv2D(4, 3, strides=2, padding="same", activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1),
        ],
        name="theirs",
    )
    answers = reference_outputs(network(network_, CAFFE), Decoder().pixels(films, UNTOUCHED))[:, 0]
    positive = np.array([film.label == "covid" for film in films])
    sign = np.sign(answers[positive].mean() - answers[~positive].mean())
    middle = (answers[positive].mean() + answers[~positive].mean()) / 2
    kernel, bias = network_.layers[-1].get_weights()
    scale = sign * 2 / answers.std()
    network_.layers[-1].set_weights([kernel * scale, (bias - middle) * scale])
    return network_


def author(model: keras.Model, films: list[Film]) -> dict[str, float]:
    """Return what the author got, by Keras's own preprocessing and Pillow's nearest pixels."""
    from keras.applications.imagenet_utils import preprocess_input

    images = np.stack(
        [
            np.asarray(Image.open(film.path).resize((SIDE, SIDE), Image.Resampling.NEAREST))
            for film in films
        ]
    )
    answers = model.predict(preprocess_input(images.astype(np.float32), mode="caffe"), verbose=0)
    return {film.sha256: float(p) for film, p in zip(films, expit(answers[:, 0]), strict=True)}


def silent(line: str) -> None:
    del line


def examined(
    model: keras.Model,
    films: list[Film],
    held_out: HeldOut,
    transform: InputTransform,
    expected: Expectations,
    preprocess: Preprocess = UNTOUCHED,
) -> tuple[list[Fault], Preparation | None]:
    """Return the faults of a preparation, and what was compared."""
    prepared = PreparedModel(model, films, transform, preprocess, Decoder())
    rows = [film for film in films if film.split != "train"]
    pixels: Pixels = Decoder().pixels(rows, preprocess)
    logits: Floats = prepared.logits(transform, pixels)
    return examine_preparation(
        prepared, replace(held_out, pixels=pixels), logits, expected, recorded=None, say=silent
    )


def test_the_author_s_predictions_are_met_film_by_film_with_the_author_s_preprocessing(
    model: keras.Model, films: list[Film], held_out: HeldOut
) -> None:
    expected = Expectations(predictions=Predictions(author(model, films), missing=2))
    faults, found = examined(model, films, held_out, CAFFE, expected)
    assert faults == []
    assert found is not None
    assert found.predictions is not None
    assert (found.predictions.n, found.predictions.missing) == (COUNT, 2)
    assert found.predictions.largest_difference < 1e-3
    assert "2 more are of films that are not here" in found.lines()[-1]
    assert "channels bgr" in found.lines()[0]


@pytest.mark.parametrize("transform", [TORCH, InputRange(-1, 1), InputRange(0, 255)])
def test_a_wrong_preset_is_caught_by_predictions_and_the_right_one_named(
    transform: InputTransform, model: keras.Model, films: list[Film], held_out: HeldOut
) -> None:
    told = author(model, films)
    expected = Expectations(predictions=Predictions(told))
    faults, found = examined(model, films, held_out, transform, expected)
    assert [fault.name for fault in faults] == ["preprocessing"]
    assert "; give --preprocessing caffe: it differs by up to 0.0" in faults[0].line
    assert found is not None
    assert found.predictions is not None
    assert found.predictions.worst in told
    assert found.predictions.worst[:12] in faults[0].line


def test_another_way_to_resize_and_to_stretch_is_caught_by_predictions(
    model: keras.Model, films: list[Film], held_out: HeldOut
) -> None:
    expected = Expectations(predictions=Predictions(author(model, films)))
    faults, _ = examined(model, films, held_out, CAFFE, expected, PIXELS)
    (fault,) = faults
    assert 'give --preprocessing FILE.toml with preset = "caffe", ' in fault.line
    assert "stretch = false: it differs by up to 0.0" in fault.line
    wide = Expectations(predictions=Predictions(author(model, films), tolerance=1.0))
    assert examined(model, films, held_out, CAFFE, wide, PIXELS)[0] == []


def test_predictions_of_the_other_class_are_told(
    model: keras.Model, films: list[Film], held_out: HeldOut
) -> None:
    other = {digest: 1 - p for digest, p in author(model, films).items()}
    faults, _ = examined(
        model, films, held_out, CAFFE, Expectations(predictions=Predictions(other))
    )
    assert "probabilities of the other class" in faults[0].line


def test_predictions_of_the_other_class_are_told_beside_another_preprocessing(
    model: keras.Model, films: list[Film], held_out: HeldOut
) -> None:
    other = {digest: 1 - p for digest, p in author(model, films).items()}
    expected = Expectations(predictions=Predictions(other))
    faults, _ = examined(model, films, held_out, TORCH, expected)
    (line,) = [fault.line for fault in faults if fault.name == "preprocessing"]
    assert "; give probabilities of the positive class, for these are of the other, and" in line
    assert "and --preprocessing caffe: it differs by up to 0.0" in line
    tight = Expectations(
        predictions=Predictions({d: 1 - p * 0.97 for d, p in author(model, films).items()})
    )
    faults, _ = examined(model, films, held_out, CAFFE, tight)
    assert faults[0].line.endswith("if these are probabilities of the other class")


def test_predictions_that_no_known_way_gives_ask_for_what_was_done(
    model: keras.Model, films: list[Film], held_out: HeldOut
) -> None:
    odd = {
        digest: float(expit(-3 * logit(min(max(p, 0.001), 0.999)) + 4))
        for digest, p in author(model, films).items()
    }
    faults, _ = examined(model, films, held_out, CAFFE, Expectations(predictions=Predictions(odd)))
    assert "no known way agrees: state what its author did" in faults[0].line


def test_an_accuracy_that_the_interval_leaves_out_is_a_fault_and_one_within_is_not(
    model: keras.Model, films: list[Film], held_out: HeldOut
) -> None:
    right, found = examined(model, films, held_out, CAFFE, Expectations(accuracy=0.97))
    assert right == []
    assert found is not None
    assert found.accuracy is not None
    assert found.accuracy.low <= 0.97
    assert "its author reports 0.97" in found.lines()[1]
    wrong, _ = examined(model, films, held_out, CAFFE, Expectations(accuracy=0.6))
    assert "was it trained on some of these films?" in wrong[0].line


def test_an_accuracy_names_the_way_that_gives_it() -> None:
    measured, caffe = proportion(50, 100), proportion(88, 100)
    others = {"--preprocessing caffe": caffe, "--preprocessing torch": proportion(70, 100)}
    (fault,) = expected_accuracy_faults("keras", measured, 0.9, others)
    assert fault.line.endswith(f"give --preprocessing caffe, with which it is {caffe}")
    (fault,) = expected_accuracy_faults("keras", measured, 0.9, {})
    assert "prepare films as its author did" in fault.line
    assert expected_accuracy_faults("keras", measured, 0.55, others) == []


def test_nothing_is_said_of_a_plain_input_range_of_which_nothing_was_expected(
    model: keras.Model, films: list[Film], held_out: HeldOut
) -> None:
    assert examined(model, films, held_out, InputRange(), Expectations())[1] is None
    faults, found = examined(model, films, held_out, CAFFE, Expectations())
    assert faults == []
    assert found is not None
    assert (found.ordered, found.accuracy) == ("--preprocessing caffe", None)
