"""A fault of the model is named before anything of it is quantized, whatever rule was ordered."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge_export.export import export
from edge_export.films.film import Film
from edge_export.proof.threshold import Rule
from edge_export.report.files import report_path
from edge_runtime.errors import DataError, ParityFailed
from tiny_network import shifted, tiny_plan

if TYPE_CHECKING:
    import keras


def silent(line: str) -> None:
    del line


def failed(model: keras.Model, films: list[Film], out: Path, rule: Rule | None) -> str:
    plan = replace(tiny_plan(), rule=rule, max_uncertain=1.0)
    with pytest.raises(ParityFailed) as caught:
        export(model, films, plan, out, silent)
    assert not out.exists()
    return str(caught.value)


@pytest.mark.parametrize("rule", [None, Rule(None), Rule(0.9)])
def test_a_model_that_answers_one_thing_is_called_constant_and_not_quantized(
    rule: Rule | None, model: keras.Model, films: list[Film], tmp_path: Path
) -> None:
    out = tmp_path / "m.edge"
    assert "keras: constant: answers" in failed(shifted(model, 1.0, 0.0), films, out, rule)
    report = json.loads(report_path(out, ".report.json").read_text("utf-8"))
    assert set(report["artefacts"]) == {"keras", "model.f32.tflite", "model.f32.onnx"}


@pytest.mark.parametrize("rule", [None, Rule(None)])
def test_classes_the_wrong_way_round_are_named_whatever_chooses_the_threshold(
    rule: Rule | None, model: keras.Model, films: list[Film], tmp_path: Path
) -> None:
    turned = shifted(model, scale=-1.0)
    assert "class_order: its AUC is 0" in failed(turned, films, tmp_path / "m.edge", rule)


def test_a_logit_that_no_bundle_holds_is_a_fault_of_the_model(
    model: keras.Model, films: list[Film], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"keras: answers a logit of .*, a bundle holds 1e"):
        export(shifted(model, scale=1e9), films, tiny_plan(), tmp_path / "m.edge", silent)
    assert not list(tmp_path.iterdir())
