"""A model far below one half is told to choose a threshold; one unsure of most is refused."""

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
from edge_runtime.bundle import open_bundle
from edge_runtime.errors import ParityFailed
from tiny_network import LOOSE, shifted, tiny_plan

if TYPE_CHECKING:
    import keras


def silent(line: str) -> None:
    del line


def test_a_bundle_that_would_call_most_films_uncertain_is_refused_and_nothing_is_written(
    model: keras.Model, films: list[Film], tmp_path: Path
) -> None:
    out = tmp_path / "m.edge"
    plan = replace(tiny_plan(), max_uncertain=0.0, budget=LOOSE)
    crowded = shifted(model, scale=0.02)
    with pytest.raises(ParityFailed, match=r"% of 56 films would be uncertain.*--max-uncertain 1"):
        export(crowded, films, plan, out, silent)
    assert not list(tmp_path.iterdir())
    found = export(crowded, films, replace(plan, max_uncertain=1.0), out, silent)
    report = json.loads(report_path(out, ".report.json").read_text("utf-8"))
    assert report["uncertain"]["value"] == found.uncertain.value > 0
    assert f"{100 * found.uncertain.value:.1f} % of 56" in report_path(out).read_text("utf-8")
    needed = found.uncertain.value > 0.5
    card = bytes(open_bundle(out).read("card.md")).decode()
    assert (" --max-uncertain 1 --out tiny-xray.edge" in card) is needed


def test_a_calibration_that_was_given_up_is_said_in_report_card_and_lines(
    model: keras.Model, films: list[Film], tmp_path: Path
) -> None:
    said: list[str] = []
    out, plan = tmp_path / "m.edge", replace(tiny_plan(), rule=Rule(None), max_uncertain=1.0)
    found = export(shifted(model, -9.0), films, plan, out, said.append)
    assert found.fit is not None
    note = found.fit.note
    assert "platt is taken instead" in note
    assert note in said
    assert note in found.cautions
    assert found.proof.decision.calibration.method == "platt"
    for suffix in (".report.json", ".report.html"):
        assert "platt is taken instead" in report_path(out, suffix).read_text("utf-8")
    report = json.loads(report_path(out, ".report.json").read_text("utf-8"))
    losses = report["probability_calibration"]["losses"]
    assert losses["platt"] < losses["temperature"]
    opened = open_bundle(out)
    assert " ".join(note.split()) in " ".join(bytes(opened.read("card.md")).decode().split())
    assert "probability_calibration" in json.loads(bytes(opened.read("parity.json")))


def test_a_rare_class_without_a_chosen_threshold_is_told_to_have_one_chosen(
    model: keras.Model, films: list[Film], tmp_path: Path
) -> None:
    with pytest.raises(ParityFailed) as caught:
        export(shifted(model, -9.0), films, tiny_plan(), tmp_path / "m.edge", silent)
    line = str(caught.value)
    assert "all 56 films fall on one side of one half" in line
    assert "add --youden or --sensitivity X" in line
    assert "input-range" not in line
