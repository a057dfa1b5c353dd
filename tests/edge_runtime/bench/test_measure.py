"""Everything is measured beside its baselines, and what is not there is said to be missing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.bench.baselines import EDGE_RUN, FLOOR, LITERT, ONNX
from edge_runtime.bench.measure import Plan, measure
from edge_runtime.bundle import Bundle, open_bundle
from edge_runtime.cli import run
from edge_runtime.commands import bench as command
from edge_runtime.errors import DataError
from edge_runtime.machine import computer
from tiny_bundle import ONNX as ONNX_GRAPH
from tiny_bundle import TFLITE, write_film

pytestmark = pytest.mark.usefixtures("own_signals")
SMALL = Plan(rounds=1, laps=2, folder_rounds=1, copies=2, drawn=((128, "png"),))
ALL = {EDGE_RUN, FLOOR, LITERT, ONNX}


def silent(line: str) -> None:
    assert line


@pytest.fixture(scope="module")
def found(tiny: Path) -> dict[str, Any]:
    with open_bundle(tiny) as bundle:
        return measure(bundle, SMALL, silent)


def test_each_part_has_every_baseline_and_a_ratio_to_each(found: dict[str, Any]) -> None:
    for part in ("cold_start", "warm", "throughput"):
        (one,) = found[part]
        assert one["figures"].keys() == ALL
        for name, row in one["figures"].items():
            assert ("ratio" in row) == (name != EDGE_RUN)
            assert all(row[key] is None or row[key] > 0 for key in row if key != "ratio")
    assert found["not_measured"] == {}


def test_each_target_stands_beside_its_figure(found: dict[str, Any]) -> None:
    cold = found["cold_start"][0]["figures"]
    targets = {target["what"]: target for target in found["targets"]}
    target = targets["cold start, PNG 128 x 128, / floor"]
    assert target["figure"] == cold[FLOOR]["ratio"]["median"]
    assert target["met"] == (target["figure"] <= 1.35)
    rate = targets["films/s, PNG 128 x 128, / floor"]
    assert (rate["relation"], rate["met"]) == (">=", rate["figure"] >= 0.9)


def test_the_table_holds_every_figure(found: dict[str, Any]) -> None:
    shown = command.table(found)
    assert shown.count(FLOOR) == 3 + 2
    for file, row in found["graphs"].items():
        assert f"  {file} ({row['engine']})" in shown
    assert found["graphs"].keys() == {TFLITE, ONNX_GRAPH}
    assert all(len(line) <= 120 for line in shown.splitlines()[1:])
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.fixture
def no_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computer, "installed", lambda name: None if name == "numpy" else "1.0")


@pytest.mark.usefixtures("no_numpy")
def test_films_of_a_folder_are_measured_beside_the_baselines_that_are_installed(
    bundle: Bundle, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("no film")
    write_film(tmp_path / "b.png")
    found = measure(bundle, replace(SMALL, films=tmp_path), silent)
    assert found["throughput"][0]["count"] == 2
    assert found["cold_start"][0]["figures"].keys() == {EDGE_RUN, FLOOR}
    assert found["not_measured"] == dict.fromkeys((LITERT, ONNX), "numpy not installed")
    assert f"not measured: {ONNX} (numpy not installed)" in command.table(found)


def test_a_folder_without_films_is_an_error(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no film that is answered"):
        measure(bundle, Plan(films=tmp_path), silent)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "csv"], "one of: table, json"),
        (["--rounds", "0"], "is no number of rounds"),
        (["--rounds", "-1"], "is no number of rounds"),
        (["--rounds", "many"], "is no number of rounds"),
        (["--films", "none"], "is no folder"),
        (["a.edge", "--bundle", "b.edge"], "more than one bundle"),
    ],
)
def test_what_cannot_be_carried_out_leaves_with_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["bench", *arguments]) == 2
    assert said in capsys.readouterr().err
