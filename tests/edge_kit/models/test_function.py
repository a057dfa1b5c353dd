"""A user's function gives a network that can be trained and exported, or is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_kit.models.function import built, from_function, word
from edge_runtime.errors import DataError, EdgeError, UsageError

pytestmark = pytest.mark.usefixtures("tiny")

HEAD = "import keras\nfrom keras import layers\nFILTERS = 2\n\n"
NET = """
def net(height, width, channels):
    return keras.Sequential([
        keras.Input((height, width, channels)), layers.Conv2D(FILTERS, 3),
        layers.GlobalAveragePooling2D(), {}
    ], name="net")
"""
SIGMOID = "layers.Dense(1, activation='sigmoid')"


def written(folder: Path, text: str) -> Path:
    file = folder / "mine.py"
    file.write_text(HEAD + text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    "end",
    [
        SIGMOID,
        f"layers.Dropout(0.5), {SIGMOID}",
        "layers.Dense(1), layers.Activation('sigmoid')",
        "layers.Dense(2, activation='softmax')",
        "layers.Dense(1)",
        "layers.Reshape((1, 1, 2)), layers.Dense(1, activation='sigmoid')",
    ],
)
def test_whatever_one_answer_a_function_s_network_ends_in_it_becomes_one_sigmoid(
    end: str, tmp_path: Path
) -> None:
    found = from_function(written(tmp_path, NET.format(end)), "net")
    assert (found.name, found.channels, found.recipe.epochs) == ("net", 1, 20)
    model = found.build(16, 24, 3)
    assert (model.input_shape, model.output_shape) == ((None, 16, 24, 3), (None, 1))
    answer = model.predict_on_batch(np.full((2, 16, 24, 3), 255, np.uint8))
    assert ((answer >= 0) & (answer <= 1)).all()
    assert model.weights[0].shape == (3, 3, 3, 2)


def test_a_network_that_ends_as_it_should_is_the_function_s_own() -> None:
    import keras

    own = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(1, "sigmoid")]
    )
    assert built("own", lambda *_: own, (8, 8, 1)) is own


@pytest.mark.parametrize(
    ("text", "function", "problem"),
    [
        ("", "net", "mine.py: has no function 'net'; define net(height, width, channels)"),
        ("net = 3", "net", "has no function 'net'"),
        ("", "", "has no function ''; define one(height, width, channels)"),
        ("import nothing_such", "net", "cannot be executed (ModuleNotFoundError: No module named"),
        ("def net(:", "net", "cannot be executed (SyntaxError: "),
    ],
)
def test_a_file_without_that_function_is_refused_before_anything_is_built(
    text: str, function: str, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        from_function(written(tmp_path, text), function)
    assert problem in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.py: no such file; give FILE\.py:FUNCTION"):
        from_function(tmp_path / "none.py", "net")


def body(*lines: str) -> str:
    return "\n    ".join(["def net(height, width, channels):", *lines])


IMAGE = "image = keras.Input((height, width, channels))"
FLAT = f"{IMAGE}; flat = layers.Flatten()(image)"
OTHERS = {
    "raises": (body("raise ValueError('too small')"), "fails for (16, 16, 1) (ValueError: too"),
    "arguments": ("def net(size): ...", "fails for (16, 16, 1) (TypeError: "),
    "nothing": (body("pass"), "returns NoneType, no built Keras model"),
    "unbuilt": (body("return keras.Sequential([layers.Dense(1)])"), "returns Sequential, no built"),
    "size": (body("return keras.Sequential([keras.Input((8, 8, 1)), layers.Dense(1)])"),
             "takes (None, 8, 8, 1), not (None, 16, 16, 1); take one film of raw grey levels"),
    "inputs": (body(FLAT, "return keras.Model([image, keras.Input((1,))], layers.Dense(1)(flat))"),
               "takes (None, 16, 16, 1), (None, 1), not (None, 16, 16, 1)"),
    "outputs": (body(FLAT, "return keras.Model(image, [flat, layers.Dense(1)(flat)])"),
                "has 2 outputs; give one probability"),
    "classes": (NET.format("layers.Dense(3, activation='softmax')"), "gives 3 classes"),
    "lambda": (NET.format(f"layers.Lambda(lambda x: x), {SIGMOID}"), "(Lambda) could not be read"),
    "own layer": (f"class Own(layers.Dense): ...\n{NET.format('Own(1)')}", "(Own) could not be"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "problem"), OTHERS.values(), ids=OTHERS)
def test_what_could_not_be_trained_and_exported_is_refused_by_name(
    text: str, problem: str, tmp_path: Path
) -> None:
    file = written(tmp_path, text)
    with pytest.raises(DataError) as caught:
        from_function(file, "net").build(16, 16, 1)
    assert caught.value.subject == f"{file}:net"
    assert problem in str(caught.value)
    assert caught.value.cure


def test_an_error_of_ours_is_passed_on_as_it_is() -> None:
    def refuse(*_: int) -> Any:
        raise UsageError("--model", "is not for this", "choose another")

    with pytest.raises(EdgeError, match="--model: is not for this; choose another"):
        built("own", refuse, (8, 8, 1))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("MobileNetV3Small", "mobilenetv3small"), ("_my_net2_", "my-net2"), ("größe", "gr--e"),
     ("ß", "model"), ("", "model"), ("a" * 60, "a" * 48)],
)  # fmt: skip
def test_a_word_is_what_a_manifest_takes(name: str, expected: str) -> None:
    assert word(name) == expected
