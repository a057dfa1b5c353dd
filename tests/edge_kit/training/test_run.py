"""A run's folder is whole or is not there, and is read as it was written."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import pytest

from edge_export.graph.network import load_model
from edge_kit.files import new_folder, write_json
from edge_kit.film_branch.branch import film_branch, join
from edge_kit.training.run import (
    CONFIG,
    RunConfig,
    is_run,
    read_accuracy,
    read_config,
    read_film_check,
    read_metrics,
    save_model,
)
from edge_runtime.bundle.records import FilmGate
from edge_runtime.errors import CannotWrite, DataError
from edge_runtime.film.preprocess import standard
from foreign_owner import give_away
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
    assert found.preprocessing() == standard()
    assert (found.training().seed, found.training().epochs) == (7, 20)
    assert found.film_gate() == FilmGate(threshold=-1.25)


def test_a_run_whose_split_leaks_says_so() -> None:
    assert CONFIGURATION.caution() == ""
    assert replace(CONFIGURATION, leaks=3).caution() == (
        "it was trained on a split that separates 3 groups or near-duplicates: its "
        "figures are too optimistic"
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
    for read in (read_metrics, read_film_check):
        with pytest.raises(
            DataError, match=r"metrics\.json: is not as a run writes it .* train ag"
        ):
            read(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="modes and owners are those of Unix")
@pytest.mark.parametrize("place", ["", CONFIG, "model.keras"])
def test_a_run_that_others_may_change_is_refused_with_the_cure(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "model.keras").touch()
    write_json(run / CONFIG, CONFIGURATION)
    assert read_config(run)
    (run / place).chmod(0o777)
    with pytest.raises(DataError, match=r"can be changed by other users") as refused:
        read_config(run)
    assert f"chmod -R go-w {run}, or copy it to a folder of your own" in str(refused.value)
    (run / place).chmod(0o755)
    give_away(run / place, monkeypatch)
    with pytest.raises(DataError, match="belongs to another user"):
        read_config(run)


@pytest.mark.skipif(os.name != "posix", reason="modes and owners are those of Unix")
def test_a_link_or_a_pipe_in_a_run_is_refused(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    write_json(run / CONFIG, CONFIGURATION)
    (run / "model.keras").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"model.keras: is a link in the folder of a run"):
        read_config(run)
    (run / "model.keras").unlink()
    os.mkfifo(run / "model.keras")
    with pytest.raises(DataError, match="is no file"):
        read_config(run)


@pytest.mark.skipif(os.name != "posix", reason="modes are those of Unix")
def test_a_run_is_read_back_whatever_the_umask_was_when_it_was_written(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with new_folder(tmp_path / "run") as folder:
            write_json(folder / CONFIG, CONFIGURATION)
            (folder / "below").mkdir()
    finally:
        os.umask(before)
    assert read_config(tmp_path / "run") == CONFIGURATION


@pytest.mark.skipif(os.name != "posix", reason="modes are those of Unix")
def test_a_training_does_not_go_on_in_a_folder_that_somebody_else_put_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    partial = tmp_path / ".run.partial"
    partial.mkdir()
    give_away(partial, monkeypatch)
    with pytest.raises(CannotWrite, match="belongs to another user"), new_folder(tmp_path / "run"):
        pytest.fail("nothing is written there")
