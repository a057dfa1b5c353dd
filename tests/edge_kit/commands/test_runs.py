"""`edge-kit runs` lists the runs of a folder and tells in what two of them differ."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from edge_kit.cli import run


@pytest.fixture
def two(trained: Path, tmp_path: Path) -> list[Path]:
    """Return two runs that differ in their seed."""
    runs = [Path(shutil.copytree(trained, tmp_path / name)) for name in ("one", "two")]
    config = runs[1] / "config.json"
    config.write_text(config.read_text("utf-8").replace('"seed": 3', '"seed": 4'), "utf-8")
    return runs


def test_runs_of_a_folder_are_listed(two: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", str(two[0].parent)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["run", *map(str, two)]


def test_runs_by_name_are_compared(two: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", *map(str, two)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["seed", "3", "4"]
    assert run(["runs", *map(str, two), "--format", "json", "--sort", "seed"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert [one["seed"] for one in content["runs"]] == [3, 4]
    assert content["differences"] == {"seed": [3, 4]}


def test_runs_that_agree_are_said_to(two: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(two[0] / "config.json", two[1] / "config.json")
    assert run(["runs", *map(str, two)]) == 0
    assert capsys.readouterr().out.endswith("\n\nno difference in configuration or data\n")


def test_a_folder_without_runs_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["runs", str(tmp_path)]) == 9
    assert "no run here" in capsys.readouterr().err
