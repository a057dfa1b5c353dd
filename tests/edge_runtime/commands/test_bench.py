"""`bench` chooses the engine for many films on request, shows the choice, and forgets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_runtime.cli import run
from edge_runtime.machine import many_films
from edge_runtime.machine.engine_choice import RECORD
from edge_runtime.machine.engine_trial import ROUNDS

pytestmark = pytest.mark.usefixtures("own_signals")
Captured = pytest.CaptureFixture[str]


def test_a_choice_is_measured_shown_and_forgotten(
    tiny: Path, folder: Path, capsys: Captured
) -> None:
    folder.mkdir(parents=True)
    assert run(["bench", str(tiny), "--choose", "--format", "json", "--threads", "2"]) == 0
    chosen = json.loads(capsys.readouterr().out)
    assert chosen["engine"] in ("litert", "onnxruntime")
    assert chosen["ratio"]["n"] == ROUNDS
    assert run(["bench", str(tiny), "--choose"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("engine for many films: ")
    assert "onnxruntime takes " in said
    assert run(["doctor", str(tiny)]) == 0
    (line,) = (row for row in capsys.readouterr().out.splitlines() if row.startswith("many films"))
    assert said.removeprefix("engine for many films: ").strip() in line
    assert run(["bench", str(tiny), "--forget"]) == 0
    assert capsys.readouterr().out.startswith("forgotten: ")
    assert json.loads((folder / RECORD).read_text()) == {"choices": []}
    assert run(["bench", str(tiny), "--forget", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"forgotten": 0}


def test_without_a_place_for_it_nothing_is_chosen(
    tiny: Path, folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["bench", str(tiny), "--choose"]) == 10
    assert f"{folder}: is no folder to write to" in capsys.readouterr().err
    monkeypatch.setattr(many_films, "data_folder", lambda: None)
    assert run(["bench", str(tiny), "--choose"]) == 2
    assert "this user has no home folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--choose", "--forget"], "--forget: does not go with --choose"),
        (["--choose", "--quick"], "--quick: does not go with --choose"),
        (["--forget", "--threads", "2"], "--threads: does not go with --forget"),
        (["--threads", "2"], "--threads: is for --choose"),
        (["--choose", "--threads", "0"], "'0' is no number of threads"),
    ],
)
def test_what_clashes_leaves_with_2(
    options: list[str], said: str, tiny: Path, capsys: Captured
) -> None:
    assert run(["bench", str(tiny), *options]) == 2
    assert said in capsys.readouterr().err
