"""What a probe tries it tries in earnest, and says how it went in one line of JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_runtime.engines import ENGINES
from edge_runtime.errors import NoEngine
from edge_runtime.isolation import child
from edge_runtime.machine import probe
from tiny_bundle import edge_run, environment


@pytest.mark.parametrize("name", ["litert", "litert-python", "onnxruntime"])
def test_the_built_in_graphs_run_on_every_engine(name: str) -> None:
    assert probe.engine(name) == {"problem": ""}


def test_an_engine_that_answers_something_else_is_a_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probe, "OFFSET", 0.0)
    assert "where 1.96" in str(probe.engine("litert")["problem"])


def test_an_engine_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "litert", ("no_such_module", "tflite", "litert"))
    with pytest.raises(NoEngine):
        probe.engine("litert")


def test_a_probe_is_a_process_that_writes_one_line(tiny: Path) -> None:
    found = {}
    for path in (str(tiny), "none.edge"):
        done = child.module("machine.probe", "bundle", path, seconds=60)
        assert done.returncode == 0
        found[path] = json.loads(done.stdout)
    assert (found[str(tiny)]["status"], found[str(tiny)]["problem"]) == (0, "")
    assert (found["none.edge"]["status"], found["none.edge"]["problem"]) == (3, "does not exist")


@pytest.mark.parametrize(
    ("status", "words"),
    [(2, "left with status 2"), (-4, "crashed (SIGILL)"), (-99, "crashed (signal 99)"),
     (0xC000001D, "crashed (0xC000001D)")],
)  # fmt: skip
def test_how_a_process_ended_is_said_in_words(status: int, words: str) -> None:
    assert child.ending(status) == words


def test_a_child_starts_as_python_usually_does_and_finds_this_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert "PYTHONDONTWRITEBYTECODE" not in child.environment()
    assert str(Path(probe.__file__).parents[2]) in child.own_environment()["PYTHONPATH"]


def test_what_a_child_loads_leaves_nothing_in_the_home_of_its_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert child.module("machine.probe", "engine", "onnxruntime", seconds=60).returncode == 0
    assert not list(tmp_path.iterdir())


def test_classifying_by_onnx_runtime_leaves_nothing_in_the_home_of_its_user(
    tmp_path: Path, tiny: Path, film: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    options = ("--bundle", tiny, "--engine", "onnxruntime")
    done = edge_run("classify", film, *options, env=environment(HOME=str(home)))
    assert done.returncode == 0
    assert not list(home.iterdir())
