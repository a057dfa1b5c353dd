"""`edge-kit audit` audits a run, a bundle or films alone, or refuses in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_kit.cli import run


def test_the_audit_of_a_run_on_its_films(
    trained: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ["audit", "--data", str(data), "--model", str(trained), "--out", str(out)]
    assert run([*arguments, "--format", "json"]) == 0
    content = json.loads(capsys.readouterr().out)
    metrics = json.loads((trained / "metrics.json").read_text("utf-8"))
    assert content["model"]["whole"] == pytest.approx(metrics["test"]["auc"])
    assert content == json.loads((out / "audit.json").read_text("utf-8"))
    assert sorted(one.name for one in out.iterdir()) == ["audit.html", "audit.json"]
    assert run(arguments) == 10  # nothing is written over


def test_without_a_model_the_films_alone_are_audited(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["audit", "--data", str(data)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("size and aspect of the image file alone")
    assert lines[1].startswith("grey levels, corners and borders alone")
    assert lines[2].startswith("a linear model on HOG features")
    assert lines[3] == ""
    assert not any("blacked out" in line for line in lines)


def test_another_positive_class_than_the_models_is_refused(
    trained: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["audit", "--data", str(data), "--model", str(trained), "--positive", "noncovid"]
    assert run(arguments) == 2
    assert "'noncovid' is the model's negative class" in capsys.readouterr().err
