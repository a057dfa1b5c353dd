"""A run's folder is whole or is not there, and is read as it was written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import pytest

from edge_export.graph.network import load_model
from edge_kit.gate.branch import film_branch, join
from edge_kit.training.run import (
    CHECKPOINT,
    CONFIG,
    RunConfig,
    finished,
    is_run,
    new_folder,
    read_accuracy,
    read_config,
    read_gate,
    read_metrics,
    require_new,
    save_model,
    staging,
    write_json,
)
from edge_runtime.bundle.records import FilmGate
from edge_runtime.errors import CannotWrite, DataError
from edge_runtime.film.preprocess import standard
from tiny_network import tiny_network

CONFIGURATION = RunConfig(
    model="model3",
    modality="xray",
    negative="noncovid",
    positive="covid",
    seed=7,
    epochs=20,
    batch_size=32,
    learning_rate=0.001,
    preprocess=standard().to_json(),
    data="/films",
    tools={"keras": "3.15.1"},
    film_threshold=-1.25,
)


def test_a_configuration_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_json(tmp_path / CONFIG, CONFIGURATION)
    assert is_run(tmp_path)
    found = read_config(tmp_path)
    assert found == CONFIGURATION
    assert found.recipe() == standard()
    assert (found.training().seed, found.training().epochs) == (7, 20)
    assert found.film_gate() == FilmGate(threshold=-1.25)


def test_a_run_whose_split_leaks_says_so() -> None:
    assert CONFIGURATION.caution() == ""
    assert replace(CONFIGURATION, leaks=3).caution() == (
        "it was trained on a split that parts 3 groups or near-duplicates: its figures flatter"
    )


def test_a_run_without_a_film_branch_has_no_gate(tmp_path: Path) -> None:
    content = asdict(CONFIGURATION)
    del content["film_threshold"]
    write_json(tmp_path / CONFIG, content)
    assert read_config(tmp_path).film_threshold is None
    assert read_config(tmp_path).film_gate() is None


def test_a_file_and_an_empty_folder_are_no_runs(tmp_path: Path) -> None:
    assert not is_run(tmp_path)
    (tmp_path / "a.keras").touch()
    assert not is_run(tmp_path / "a.keras")


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda one: one.pop("model"), id="key missing"),
        pytest.param(lambda one: one.update(more=1), id="key unknown"),
        pytest.param(lambda one: one.update(seed="seven"), id="seed no number"),
        pytest.param(lambda one: one.update(epochs=-1), id="epochs negative"),
        pytest.param(lambda one: one.update(model="Model 3"), id="model no word"),
        pytest.param(lambda one: one.update(data=None), id="data no path"),
        pytest.param(lambda one: one.update(preprocess=[]), id="recipe no object"),
        pytest.param(lambda one: one["preprocess"].update(version=2), id="recipe unknown"),
        pytest.param(lambda one: one.update(film_threshold="low"), id="film threshold no number"),
        pytest.param(lambda one: one.update(film_threshold=1e4), id="film threshold too high"),
        pytest.param(lambda one: one["preprocess"].pop("width"), id="recipe incomplete"),
    ],
)
def test_a_configuration_that_was_meddled_with_is_refused(change: Change, tmp_path: Path) -> None:
    content = asdict(CONFIGURATION)
    change(content)
    write_json(tmp_path / CONFIG, content)
    with pytest.raises(DataError, match=r"config\.json: not the configuration of a run") as caught:
        read_config(tmp_path)
    assert caught.value.exit_status == 9


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "\xff"])
def test_a_configuration_that_is_no_object_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / CONFIG).write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match="not the configuration of a run"):
        read_config(tmp_path)


def test_json_never_holds_a_number_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"loss": float("nan")})


def test_a_folder_appears_when_it_is_full(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "run"
    with new_folder(out) as folder:
        (folder / "a").write_text("a", "utf-8")
        assert not out.exists()
    assert [one.name for one in out.iterdir()] == ["a"]
    assert [one.name for one in out.parent.iterdir()] == ["run"]


def test_a_run_has_reached_the_disk_before_it_is_there_and_its_checkpoint_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, synced, sync = tmp_path / "run", list[tuple[str, bool]](), os.fsync

    def noted(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        synced.append((name, out.exists()))
        assert (staging(out) / CHECKPOINT).exists()
        sync(descriptor)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("no /proc")
    monkeypatch.setattr("os.fsync", noted)
    with new_folder(out) as folder:
        (folder.parent / CHECKPOINT).touch()
        (folder / "model").write_bytes(b"weights")
        (folder / "tensorboard").mkdir()
        (folder / "tensorboard" / "log").write_bytes(b"figures")
    assert synced[-1] == (tmp_path.name, True)
    assert {name for name, there in synced if not there} == {"model", "log", "run", "tensorboard"}
    assert [one.name for one in tmp_path.iterdir()] == ["run"]


def test_a_model_is_the_same_bytes_whenever_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one.keras", "two.keras"):
        keras.utils.clear_session()
        keras.utils.set_random_seed(0)
        model = join(tiny_network(), film_branch(64, 64, 1))
        save_model(model, tmp_path / name)
        monkeypatch.setattr("time.time", lambda: 2e9)
    assert (tmp_path / "one.keras").read_bytes() == (tmp_path / "two.keras").read_bytes()
    for one, other in zip(
        load_model(tmp_path / "one.keras").get_weights(), model.get_weights(), strict=True
    ):
        assert (one == other).all()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["one.keras", "two.keras"]


@pytest.mark.parametrize(
    "content", [None, "no JSON", "[]", '{"val": 3}', '{"val": {}, "test": {}}']
)
def test_metrics_that_are_not_those_of_a_run_are_one_line(
    content: str | None, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "metrics.json").write_text(content, "utf-8")
    assert read_accuracy(tmp_path) is None
    for read in (read_metrics, read_gate):
        with pytest.raises(
            DataError, match=r"metrics\.json: is not as a run writes it .* train ag"
        ):
            read(tmp_path)


def test_an_empty_folder_is_filled_the_current_one_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    with new_folder(Path()) as folder:
        (folder / "a").touch()
    assert [one.name for one in here.iterdir()] == ["a"]


class Stop(BaseException):
    """As Ctrl-C and SIGTERM are, no Exception."""


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, Stop])
def test_whatever_ends_the_work_nothing_is_left(error: type[BaseException], tmp_path: Path) -> None:
    with pytest.raises(error), new_folder(tmp_path / "run") as folder:
        (folder / "a").touch()
        raise error
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_one_line_and_nothing_is_left(tmp_path: Path) -> None:
    with (
        pytest.raises(CannotWrite, match=r"run: No space left on device; check the rights"),
        new_folder(tmp_path / "run") as folder,
    ):
        (folder / "a").touch()
        raise OSError(28, os.strerror(28))
    assert not list(tmp_path.iterdir())


def test_a_file_or_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    require_new(tmp_path / "run")
    require_new(tmp_path / "new")
    (tmp_path / "run" / "kept").write_text("kept", "utf-8")
    for taken in (tmp_path / "run", tmp_path / "run" / "kept"):
        with pytest.raises(CannotWrite, match="exists already; name a new folder"):
            require_new(taken)
    assert json.dumps((tmp_path / "run" / "kept").read_text("utf-8")) == '"kept"'


def interrupted(out: Path, *, resume: bool = False) -> None:
    """Leave a checkpoint behind."""
    with pytest.raises(Stop), new_folder(out, resume=resume) as folder:
        (folder / "half").touch()
        (folder.parent / CHECKPOINT).write_text("state", "utf-8")
        raise Stop


def test_a_checkpoint_outlives_what_ends_the_work_and_the_half_written_run_does_not(
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    interrupted(out)
    assert [one.name for one in tmp_path.iterdir()] == [".run.partial"]
    assert sorted(one.name for one in staging(out).iterdir()) == [CHECKPOINT, "lock"]
    interrupted(out, resume=True)
    with new_folder(out, resume=True) as folder:
        assert not list(folder.iterdir())
        assert (folder.parent / CHECKPOINT).read_text("utf-8") == "state"
        (folder / "a").touch()
    assert [one.name for one in tmp_path.rglob("*")] == ["run", "a"]


def test_what_can_go_on_is_not_begun_anew_by_accident(tmp_path: Path) -> None:
    out = tmp_path / "run"
    interrupted(out)
    with pytest.raises(
        CannotWrite, match=r"run: an interrupted .*; go on with --resume, or delete"
    ):
        require_new(out)
    require_new(out, resume=True)


def test_what_was_killed_before_its_first_epoch_is_begun_anew(tmp_path: Path) -> None:
    out = tmp_path / "run"
    (staging(out) / "run").mkdir(parents=True)
    (staging(out) / "run" / "half").touch()
    with new_folder(out) as folder:
        assert not list(folder.iterdir())
    assert [one.name for one in tmp_path.rglob("*")] == ["run"]


def test_two_trainings_do_not_write_one_run(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with new_folder(out) as folder:
        (folder / "a").touch()
        other = new_folder(out, resume=True)
        with pytest.raises(CannotWrite, match="is being written by another training"), other:
            pytest.fail("there are two")
    assert [one.name for one in tmp_path.rglob("*")] == ["run", "a"]


def test_a_training_that_was_killed_when_its_run_was_whole_is_finished_and_tidied_up(
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    interrupted(out)
    assert not finished(out)
    assert staging(out).exists()
    out.mkdir()
    (out / CONFIG).touch()
    assert finished(out)
    assert [one.name for one in tmp_path.iterdir()] == ["run"]
