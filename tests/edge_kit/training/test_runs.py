"""A table of runs has every whole run once, and tells what differs and nothing else."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from edge_export.statistics.estimates import Estimate
from edge_kit.commands.runs import SORTS
from edge_kit.files import write_json
from edge_kit.training.records import run_digest
from edge_kit.training.run import read_config
from edge_kit.training.runs import RunRow, differences, find_runs, read_run, sort_runs
from edge_runtime.errors import DataError


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """Return a copy of a run that a test may change."""
    return Path(shutil.copytree(trained, tmp_path / "runs" / "one"))


def change(run: Path, **settings: Any) -> None:
    content = json.loads((run / "config.json").read_text("utf-8"))
    write_json(run / "config.json", {**content, **settings})


def test_runs_are_found_below_folders_each_once(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "runs" / "deep" / "two")
    shutil.copytree(run, tmp_path / "runs" / ".two.partial" / "run")
    lines: list[str] = []
    found = find_runs([tmp_path / "runs", run], lines.append)
    assert [Path(row.run).name for row in found] == ["two", "one"]
    assert lines == []
    (row,) = (one for one in found if one.run == str(run))
    metrics = json.loads((run / "metrics.json").read_text("utf-8"))
    assert row.test_auc == Estimate(**metrics["test"]["auc"])
    assert (row.model, row.seed, row.epochs, row.seconds) == ("tiny", 3, 2, None)
    assert row.data == run_digest(run)[:12]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", "no JSON"),
        ("config.json", '{"architectures": ["BertModel"]}'),
        ("splits.csv", "nothing,of,this\n"),
        ("splits.csv", None),
    ],
)
def test_what_is_no_run_is_passed_over_with_a_line(
    name: str, content: str | None, run: Path, tmp_path: Path
) -> None:
    foreign = Path(shutil.copytree(run, tmp_path / "runs" / "foreign"))
    (foreign / name).unlink()
    if content is not None:
        (foreign / name).write_text(content, encoding="utf-8")
    lines: list[str] = []
    found = find_runs([tmp_path / "runs", tmp_path / "none"], lines.append)
    assert [row.run for row in found] == [str(run)]
    passed = sum(line.startswith(f"{foreign}: passed over, ") for line in lines)
    assert passed == 1
    assert lines[-1] == f"{tmp_path / 'none'}: passed over, is no folder"


@pytest.mark.parametrize("content", ["no JSON", "[]", '{"val": 3, "test": {"auc": {"value": 2}}}'])
def test_a_run_without_figures_is_listed_without_them(content: str, run: Path) -> None:
    for name in ("metrics.json", "record.json"):
        (run / name).write_text(content, encoding="utf-8")
    row = read_run(run)
    assert (row.val_auc, row.test_auc, row.seconds) == (None, None, None)


def test_where_no_run_is_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no run here; name folders that edge-kit train wrote"):
        find_runs([tmp_path], lambda _: None)


def test_the_best_area_comes_first_and_what_is_not_known_last(run: Path) -> None:
    row = read_run(run)
    rows = [
        replace(
            row,
            run=name,
            test_auc=None if area is None else Estimate(area, 0, 1, 9),
            seconds=seconds,
        )
        for name, area, seconds in (("a", 0.5, 3.0), ("b", None, None), ("c", 0.9, 5.0))
    ]
    assert [one.run for one in sort_runs(rows, "test_auc")] == ["c", "a", "b"]
    assert [one.run for one in sort_runs(rows, "seconds")] == ["a", "c", "b"]
    assert [one.run for one in sort_runs(rows[::-1], "run")] == ["a", "b", "c"]


def test_runs_can_be_sorted_by_every_column() -> None:
    assert tuple(field.name for field in fields(RunRow)) == SORTS


def test_what_differs_is_told_and_nothing_else(run: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(run, tmp_path / "runs" / "two"))
    assert differences([run, other]) == {}
    change(other, seed=8, tools={**read_config(run).tools, "keras": "9.9"})
    table = (other / "splits.csv").read_text("utf-8")
    (other / "splits.csv").write_text(table.replace(",test,", ",val,"), encoding="utf-8")
    found = differences([run, other])
    assert found.keys() == {"seed", "tools.keras", "data_digest"}
    assert found["seed"] == [3, 8]
    assert found["tools.keras"] == [read_config(run).tools["keras"], "9.9"]
