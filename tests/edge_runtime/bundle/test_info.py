"""`info` says what is so and leaves out what nobody knows, in columns."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.bundle import open_bundle
from edge_runtime.bundle.info import describe
from edge_runtime.bundle.pack import write_bundle
from sample_bundle import MEMBERS, sample_fields


def rows(fields: dict[str, Any], members: dict[str, bytes], path: Path) -> dict[str, str]:
    """Return the lines of `describe` by name, all of whose values begin in one column."""
    write_bundle(path, fields, members)
    with open_bundle(path) as bundle:
        lines = describe(bundle, "table").splitlines()
    found = [re.fullmatch(r"(.+?) {2,}(\S.*)", line) for line in lines]
    assert len({match.start(2) for match in found if match}) == 1
    return {match[1]: match[2] for match in found if match}


def told(tmp_path: Path, **changes: Any) -> dict[str, str]:
    """Return what is told of the sample bundle with `changes`."""
    return rows({**sample_fields(), **changes}, MEMBERS, tmp_path / "m.edge")


USE = sample_fields()["intended_use"]
GRAPHS = sample_fields()["graphs"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "X-ray, CHEST, view PA or AP, from 18 years on"),
        ({"modality": "ct", "views": []}, "CT, CHEST, view not stated, from 18 years on"),
        ({"body_parts": [], "youngest": 0}, "X-ray, body part not stated, view PA or AP, any age"),
        ({"youngest": 2, "oldest": 17}, "X-ray, CHEST, view PA or AP, 2 to 17 years"),
    ],
)
def test_the_intended_use_is_in_words(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    assert told(tmp_path, intended_use={**USE, **change})["intended use"] == words


@pytest.mark.parametrize(
    ("recipe", "films", "words"),
    [
        ("static_wi8_ai8", ["0" * 64], "by min_max ranges measured on 1 films"),
        ("dynamic_wi8_afp32", [], "without calibration films"),
        ("float32", [], "no: the graphs compute in float"),
    ],
)
def test_only_what_was_quantized_is_said_to_be(
    recipe: str, films: list[str], words: str, tmp_path: Path
) -> None:
    graphs = [{**graph, "recipe": recipe} for graph in GRAPHS]
    made = {**sample_fields()["quantization"], "films": films}
    assert told(tmp_path, graphs=graphs, quantization=made)["quantized"] == words


@pytest.mark.parametrize(
    ("seed", "epochs", "words"),
    [
        (0, 20, "model3, seed 0, 20 epochs"),
        (7, None, "model3, seed 7"),
        (None, None, "model3, elsewhere: seed and epochs not known"),
    ],
)
def test_what_is_not_known_of_the_training_is_no_number(
    seed: int | None, epochs: int | None, words: str, tmp_path: Path
) -> None:
    training = {"model": "model3", "seed": seed, "epochs": epochs}
    assert told(tmp_path, training=training)["trained"] == words


def test_long_names_keep_the_columns(tmp_path: Path) -> None:
    name = "model.static-wi8-ai8-full.tflite"
    members = {**MEMBERS, name: MEMBERS["model.int8.tflite"]}
    fields = sample_fields()
    fields["graphs"][0] = {
        "file": name, "format": "tflite", "recipe": "static_wi8_ai8_full",
        "outputs": [{"scale": 0.1, "zero_point": 3}],
    }  # fmt: skip
    logits = fields["golden"]["films"][0]["logits"]
    logits[name] = logits.pop("model.int8.tflite")
    del members["model.int8.tflite"]
    assert "gives integers" in rows(fields, members, tmp_path / "m.edge")[name]


def test_the_gate_is_said_and_so_is_its_absence(tmp_path: Path) -> None:
    assert "answer whatever picture" in told(tmp_path)["not a film"]
    golden = sample_fields()["golden"]
    for logits in golden["films"][0]["logits"].values():
        logits.append(3.0)
    gated = told(tmp_path, film_gate={"threshold": -1.5}, golden=golden)
    assert gated["not a film"] == "refused below -1.5 of the graphs' second logit"


def test_how_the_threshold_was_chosen_and_by_whom_is_said(tmp_path: Path) -> None:
    fields = sample_fields()
    chosen = {"rule": "sensitivity", "sensitivity": 0.9, "negative": 60, "positive": 50}
    decision = {**fields["decision"], "chosen": chosen}
    said = told(tmp_path, decision=decision)
    assert said["threshold"] == (
        "0.5, chosen for a sensitivity of 0.9, uncertain from 0.49 to 0.51"
    )
    assert "fitted again" not in said
    site = {"bundle": "a" * 64, "fitted": ["threshold"], "films": "0" * 64, "negative": 60,
            "positive": 50}  # fmt: skip
    decision["chosen"] = {**chosen, "rule": "youden", "sensitivity": None}
    again = told(tmp_path, decision=decision, site=site, version="1.0+site", verdict="undecided")
    assert again["threshold"].startswith("0.5, chosen by Youden's index, ")
    assert again["bundle"] == "model3-xray 1.0+site"
    assert again["fitted again"] == (
        "threshold by a site, on 50 positive and 60 negative films of its own; "
        f"before that it was {'a' * 16}"
    )
    assert again["parity"].startswith("UNDECIDED: at this threshold nothing was proved")
