"""`edge-kit models` says of each network what the built network has."""

from __future__ import annotations

import json

import pytest

from edge_kit.cli import run
from edge_kit.commands.models import recipe
from edge_kit.models.registry import architecture

pytestmark = pytest.mark.usefixtures("tiny")


def test_json_gives_name_layers_parameters_and_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "model3", "xray_cnn", "--side", "64", "--format", "json"]) == 0
    model3, xray_cnn = json.loads(capsys.readouterr().out)
    assert (model3["name"], model3["parameters"]) == ("model3", 196_833)
    assert [one["kind"] for one in model3["layers"]].count("Conv2D") == 4
    assert sum(one["parameters"] for one in model3["layers"]) == model3["parameters"]
    assert xray_cnn["input"] == [64, 64, 3]
    assert xray_cnn["recipe"]["augmentation"] == {
        "shear": 0.2, "zoom": 0.2, "horizontal_flip": True,
        "rotation": 0.0, "shift": 0.0, "contrast": 0.0, "noise": 0.0, "blur": 0.0,
        "border": 0.0, "text": 0.0,
    }  # fmt: skip
    assert xray_cnn["ours"]


def test_the_table_says_what_is_estimated_and_what_is_ours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["models", "--side", "64"]) == 0
    said = capsys.readouterr().out
    for name in ("baseline", "model1", "model2", "model3", "xray_cnn", "clinic"):
        assert f"\n{name}" in said
    assert "64x64x1" in said
    assert "196,833" in said
    assert "  layers: Rescaling - Conv2D 32 - Conv2D 64 - Flatten - Dense 16 - Dense 1\n" in said
    assert said.count("  ours: ") == 6
    assert "Sizes are estimates" in said


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("baseline", "20 epochs, batch 64, Adam 0.001, stops early (min_delta 0.01, patience 5)"),
        (
            "model2",
            "10 epochs, batch 32, Adam 0.001, epsilon 0.1, tracks accuracy, precision, recall",
        ),
        ("xray_cnn", "6 epochs, batch 32, Adam 0.001, shear 0.2, zoom 0.2, horizontal flip"),
    ],
)
def test_a_recipe_is_one_line(name: str, line: str) -> None:
    assert recipe(architecture(name).recipe) == line


@pytest.mark.parametrize(
    ("given", "status"),
    [(["model9"], 2), (["model3", "--side", "0"], 2), (["model3", "--side", "20"], 9)],
)
def test_what_cannot_be_built_is_one_line(
    given: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", *given]) == status
    assert capsys.readouterr().err.count("\n") == 1
