"""A name stands for one network and its author's recipe."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_kit.models.recipe import Augmentation, EarlyStopping, TrainingRecipe
from edge_kit.models.registry import HELP, MODELS, architecture
from edge_runtime.errors import UsageError

pytestmark = pytest.mark.usefixtures("tiny")

# As their authors wrote them down; what they did not is in `ours`.
RECIPES = {
    "baseline": TrainingRecipe(20, 64, early_stopping=EarlyStopping(min_delta=0.01, patience=5)),
    "model1": TrainingRecipe(10, 32),
    "model2": TrainingRecipe(10, 32, epsilon=0.1, metrics=("accuracy", "precision", "recall")),
    "model3": TrainingRecipe(20, 32),
    "xray_cnn": TrainingRecipe(6, 32, augmentation=Augmentation(0.2, 0.2, horizontal_flip=True)),
}


@pytest.mark.parametrize("name", RECIPES)
def test_a_name_has_its_author_s_recipe(name: str) -> None:
    found = architecture(name)
    assert (found.name, found.recipe) == (name, RECIPES[name])
    assert found.channels == (3 if name == "xray_cnn" else 1)
    assert "3x3 kernels, ReLU" in found.ours


@pytest.mark.parametrize(
    "name", ["", "model4", "Model3", "keras", "model3.py", ":model3", "net.txt:model3"]
)
def test_an_unknown_name_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(UsageError, match=r"--model: .* is not known; name one of ") as caught:
        architecture(name)
    assert all(one in caught.value.cure for one in RECIPES)


def test_a_function_may_not_pass_for_a_network_of_the_studies(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def model3(height, width, channels): ...\ndef mine(h, w, c): ...", "utf-8")
    assert architecture(f"{file}:mine").name == "mine"
    with pytest.raises(UsageError, match="--model: 'model3' is a network of ours; rename yours"):
        architecture(f"{file}:model3")


def test_help_names_all_and_says_that_a_file_is_executed() -> None:
    assert all(name in HELP for name in MODELS if name != "tiny")
    assert "FILE.py:FUNCTION, which is executed" in HELP
