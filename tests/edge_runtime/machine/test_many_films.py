"""Many films have the engine that is remembered; what cannot be remembered is never chosen."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edge_runtime import Classifier, measured_engine
from edge_runtime.bundle import Bundle, open_bundle
from edge_runtime.cli import run
from edge_runtime.commands import classify as command
from edge_runtime.commands.classify import NOTICE
from edge_runtime.errors import CannotWrite, NoEngine, UsageError
from edge_runtime.machine import computer, many_films
from edge_runtime.machine.engine_choice import RECORD
from engine_trials import Trial, ending_trials
from tiny_bundle import ONNX, write_film, write_tiny_bundle
from tiny_graphs import onnx_graph

pytestmark = pytest.mark.usefixtures("own_signals")
Captured = pytest.CaptureFixture[str]
Monkey = pytest.MonkeyPatch


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: Monkey) -> Path:
    """Return the data folder of a user of its own, which is not there yet."""
    monkeypatch.delenv("EDGE_BUNDLE", raising=False)
    (tmp_path / "home").mkdir()
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setattr("sys.platform", "linux")
    return tmp_path / "home" / "edge-kit"


@pytest.fixture
def trial(folder: Path, monkeypatch: Monkey) -> Trial:
    """Return what lets every trial end as told, and returns a list that grows with each."""
    del folder
    return ending_trials(monkeypatch)


@pytest.fixture
def many(tmp_path: Path, monkeypatch: Monkey) -> Path:
    """Return a folder of as many films as count as many on three threads."""
    monkeypatch.setattr(command, "MANY", 2)
    monkeypatch.setattr(many_films, "MANY", 2)
    films = tmp_path / "films"
    films.mkdir()
    for number in range(6):
        write_film(films / f"{number}.png", seed=number)
    return films


def rows(
    tiny: Path, capsys: Captured, *arguments: object, threads: int = 3
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows of a run but for the time that each took, and what else it said."""
    line = ["classify", "--bundle", str(tiny), "--format", "json", "--threads", str(threads)]
    assert run([*line, *map(str, arguments)]) == 0
    said = capsys.readouterr()
    read = [{**json.loads(row), "milliseconds": 0} for row in said.out.splitlines()]
    assert said.err.startswith(f"{NOTICE}\n")
    return read, said.err.splitlines()[1:]


@contextmanager
def as_stdin(descriptor: int) -> Iterator[None]:
    """Let the descriptor of stdin be another one inside the block."""
    before = os.dup(0)
    os.dup2(descriptor, 0)
    try:
        yield
    finally:
        os.dup2(before, 0)
        os.close(before)


def engines(read: list[dict[str, Any]]) -> set[str]:
    return {row["engine"] for row in read}


def test_a_run_is_measured_once_and_each_run_has_one_engine_and_the_same_rows(
    tiny: Path, many: Path, trial: Trial, capsys: Captured
) -> None:
    trials = trial()
    first, said = rows(tiny, capsys, many)
    assert said == [
        "edge-run: engine for many films: onnxruntime: onnxruntime takes 0.50 of the time of "
        "litert (0.40 to 0.60, n 9; 1.0 and 2.0 ms)"
    ]
    assert engines(first) == {"onnxruntime"}
    for _ in range(2):
        assert rows(tiny, capsys, many) == (first, [])
    assert trials == [3]


def test_rows_of_both_engines_agree(tiny: Path, many: Path, trial: Trial, capsys: Captured) -> None:
    trial()
    measured, _ = rows(tiny, capsys, many)
    named, said = rows(tiny, capsys, many, "--engine", "litert")
    assert (engines(measured), engines(named), said) == ({"onnxruntime"}, {"litert"}, [])
    for ours, theirs in zip(measured, named, strict=True):
        assert ours["logit"] == pytest.approx(theirs["logit"], abs=1e-3)
        assert (ours["file"], ours["label"]) == (theirs["file"], theirs["label"])


@pytest.mark.parametrize("way", ["few", "stdin", "named"])
def test_few_films_those_of_a_pipe_and_a_named_engine_ask_nothing(
    way: str, tiny: Path, many: Path, trial: Trial, capsys: Captured
) -> None:
    trials = trial()
    arguments: list[object] = {
        "few": sorted(many.iterdir())[:5],
        "stdin": ["--files-from", "-"],
        "named": [many, "--engine", "litert"],
    }[way]  # type: ignore[assignment]
    (many.parent / "list").write_text(f"{many}\n")
    with (many.parent / "list").open() as listing, as_stdin(listing.fileno()):
        read, said = rows(tiny, capsys, *arguments)
    assert (engines(read), said, trials) == ({"litert"}, [], [])


def test_films_of_a_list_that_is_a_file_are_counted(
    tiny: Path, many: Path, trial: Trial, tmp_path: Path, capsys: Captured
) -> None:
    trial()
    listing = tmp_path / "list.txt"
    listing.write_text("".join(f"{film}\n" for film in sorted(many.iterdir())))
    read, _ = rows(tiny, capsys, "--files-from", listing)
    assert (len(read), engines(read)) == (6, {"onnxruntime"})


def test_each_number_of_threads_is_measured_for_itself(
    tiny: Path, many: Path, trial: Trial, capsys: Captured
) -> None:
    trials = trial()
    for threads in (1, 2, 1):
        rows(tiny, capsys, many, threads=threads)
    assert trials == [1, 2]


def test_a_file_of_rows_goes_on_with_the_engine_it_began_with(
    tiny: Path, many: Path, trial: Trial, tmp_path: Path, capsys: Captured
) -> None:
    trials, path = trial(), tmp_path / "rows.csv"
    options = ["--bundle", str(tiny), "--threads", "3", "--resume", str(path)]
    first = sorted(many.iterdir())[0]
    for before in ("litert", "onnxruntime"):
        path.unlink(missing_ok=True)
        assert run(["classify", str(first), *options, "--engine", before]) == 0
        assert run(["classify", str(many), *options]) == 0
        with path.open(newline="") as stream:
            assert [row["engine"] for row in csv.DictReader(stream)] == [before] * 6
    assert trials == []
    capsys.readouterr()


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ({"returncode": -4}, "crashed (SIGILL)"),
        ({"engine": "tpu"}, "an engine is none"),
        ({"identity": "another"}, "the bundle was changed meanwhile"),
    ],
)
def test_a_trial_that_fails_leaves_the_default_and_is_not_repeated(
    ending: dict[str, Any], words: str, tiny: Path, many: Path, trial: Trial, capsys: Captured
) -> None:
    trials = trial(**ending)
    read, (said,) = rows(tiny, capsys, many)
    assert engines(read) == {"litert"}
    assert words in said
    assert rows(tiny, capsys, many) == (read, [])
    assert len(trials) == 1


def test_engines_that_disagree_are_one_line_and_the_default(
    tiny: Path, many: Path, trial: Trial, capsys: Captured
) -> None:
    trial("litert", challenger="litert", ratio=None, why="onnxruntime does not answer as litert")
    read, said = rows(tiny, capsys, many)
    assert engines(read) == {"litert"}
    assert said == [
        "edge-run: engine for many films: litert: onnxruntime does not answer as litert"
    ]


@pytest.mark.parametrize("why", ["no folder around it", "full", "no home", "little memory"])
def test_where_nothing_can_be_remembered_nothing_is_chosen_nor_said(
    why: str, tiny: Path, many: Path, trial: Trial, folder: Path, capsys: Captured,
    monkeypatch: Monkey,
) -> None:  # fmt: skip
    trials = trial()

    def full(*_: object) -> None:
        raise CannotWrite(RECORD, "the disk is full")

    if why == "no folder around it":
        folder.parent.rmdir()
    if why == "full":
        monkeypatch.setattr("edge_runtime.machine.engine_choice.write_whole", full)
    if why == "no home":
        monkeypatch.setattr(many_films, "data_folder", lambda: None)
    if why == "little memory":
        monkeypatch.setattr(many_films, "memory_limit", lambda: 128 << 20)
    read, said = rows(tiny, capsys, many)
    assert (engines(read), said) == ({"litert"}, [])
    assert len(trials) == (why == "full")
    assert not (folder / RECORD).exists()


@pytest.mark.skipif(os.name != "posix", reason="modes are those of Unix")
def test_a_file_that_others_may_change_chooses_nothing_and_is_one_line(
    tiny: Path, many: Path, trial: Trial, folder: Path, capsys: Captured
) -> None:
    trials = trial()
    rows(tiny, capsys, many)
    (folder / RECORD).chmod(0o666)
    read, (said,) = rows(tiny, capsys, many)
    assert engines(read) == {"litert"}
    assert "can be changed by other users" in said
    assert len(trials) == 1


def test_a_remembered_engine_that_does_not_open_any_more_gives_way(
    tiny: Path, many: Path, trial: Trial, capsys: Captured
) -> None:
    trial("tflite-runtime", challenger="tflite-runtime", ratio=None)
    rows(tiny, capsys, many)
    read, said = rows(tiny, capsys, many)
    assert (engines(read), said) == ({"litert"}, [])


def test_one_engine_alone_is_not_timed(
    many: Path, trial: Trial, tmp_path: Path, capsys: Captured
) -> None:
    trials = trial()
    path = write_tiny_bundle(tmp_path / "m.edge", graphs={ONNX: onnx_graph()})
    read, said = rows(path, capsys, many)
    assert (engines(read), said, trials) == ({"onnxruntime"}, [], [])
    with open_bundle(path) as bundle:
        assert many_films.told(bundle)[0] == "onnxruntime: there is no other engine here for it"
        with pytest.raises(NoEngine, match="nothing to choose from: onnxruntime"):
            many_films.choose(bundle, 1)


def test_a_program_takes_the_measured_engine_by_its_name(tiny: Path, trial: Trial) -> None:
    trials = trial()
    for _ in range(2):
        assert measured_engine(tiny, engines=2) == "onnxruntime"
    assert trials == [2]
    with Classifier(tiny, engine=measured_engine(tiny, engines=2)) as judge:
        assert judge.engine == "onnxruntime"
    with Classifier(tiny) as judge:
        assert judge.engine == "litert"


def test_without_a_place_to_remember_it_a_program_gets_the_default(
    tiny: Path, trial: Trial, folder: Path
) -> None:
    trials = trial()
    folder.parent.rmdir()
    assert (measured_engine(tiny), trials) == ("auto", [])


def test_what_is_shown_is_what_is_remembered(bundle: Bundle, trial: Trial, folder: Path) -> None:
    trial()
    words, choice = many_films.told(bundle, 2)
    assert (words.startswith("not measured yet"), choice) == (True, None)
    chosen = many_films.choose(bundle, 2)
    words, choice = many_films.told(bundle, 2)
    assert (choice, words) == (chosen, f"{chosen.words}; from 1000 films on")
    assert many_films.forget_all(bundle) == 1
    assert many_films.told(bundle, 2)[1] is None
    if os.name == "posix":
        folder.chmod(0o777)
        assert "can be changed by other users" in many_films.told(bundle, 2)[0]
        with pytest.raises(UsageError):
            many_films.choose(bundle, 2)


def test_without_engines_there_is_nothing_to_choose(
    bundle: Bundle, folder: Path, monkeypatch: Monkey
) -> None:
    monkeypatch.setattr(computer, "installed", lambda _: None)
    with pytest.raises(NoEngine, match="no engine is installed"):
        many_films.choose(bundle, 1)
    assert not folder.exists()
