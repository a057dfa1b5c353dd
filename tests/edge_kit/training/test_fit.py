"""However often a training is interrupted, it ends with the weights of one that was not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from edge_kit.models.recipe import EarlyStopping
from edge_kit.training.checkpoint import read_checkpoint, write_checkpoint
from edge_kit.training.stopping import kept_epoch
from edge_runtime.errors import DataError, UsageError
from tiny_training import PLAIN, network, trained

History = dict[str, list[float]]


@pytest.fixture(scope="module", autouse=True)
def deterministic() -> None:
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


@dataclass(frozen=True)
class Trained:
    model: keras.Model
    history: History
    lines: list[str]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    model, lines = network(), list[str]()
    path = tmp_path_factory.mktemp("undisturbed") / "c.npz"
    return Trained(model, trained(model, path, say=lines.append), lines)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], int]:
    """Return where a process trained until it was killed, what it said, and its status."""
    folder = tmp_path_factory.mktemp("process")
    script = Path(__file__).parents[2] / "support" / "tiny_training.py"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, str(script), str(folder)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return folder, json.loads(done.stdout), done.returncode


def same(model: keras.Model, other: keras.Model) -> bool:
    return all(
        np.array_equal(one, two)
        for one, two in zip(model.get_weights(), other.get_weights(), strict=True)
    )


class Interrupted(BaseException):
    """As Ctrl-C and SIGTERM are, no Exception."""


class Interrupt(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self, epoch: int, batch: int) -> None:
        super().__init__()
        self._when, self._epoch = (epoch, batch), -1

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        del logs
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        del logs
        if (self._epoch, batch) == self._when:
            raise Interrupted


def test_the_history_has_every_metric_of_the_recipe_as_it_ran_and_on_validation_films(
    undisturbed: Trained,
) -> None:
    names = {"loss", "accuracy", "precision", "recall"}
    expected = names | {f"val_{name}" for name in names}
    expected |= {"val_auc", "val_sensitivity", "val_specificity"}
    assert set(undisturbed.history) == expected
    assert {len(values) for values in undisturbed.history.values()} == {3}


def test_speed_and_waiting_are_said_in_every_epoch_and_at_the_end(undisturbed: Trained) -> None:
    assert len(undisturbed.lines) == 4
    for line in undisturbed.lines[:-1]:
        assert re.search(
            r"val_auc \S+, val_sensitivity [01]\.\d{3}, val_specificity [01]\.\d", line
        )
    for line in undisturbed.lines:
        assert "films/s, waited for data " in line
    assert undisturbed.lines[-1].startswith("CPU, float32: ")


def test_a_training_that_is_interrupted_ends_as_one_that_is_not(
    undisturbed: Trained, tmp_path: Path
) -> None:
    path, lines = tmp_path / "c.npz", list[str]()
    with pytest.raises(Interrupted):
        trained(network(), path, say=lines.append, callbacks=[Interrupt(epoch=1, batch=1)])
    for _ in range(2):  # the second has no epoch left to run
        model = network()
        assert trained(model, path, say=lines.append) == undisturbed.history
        assert same(model, undisturbed.model)
    begun = [line.split(":")[0] for line in lines if line.startswith("epoch ")]
    assert begun == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert "run: continues after epoch 1 of 3" in lines
    assert lines[-1].endswith("no epoch was left to run")


def test_a_training_that_was_killed_goes_on_in_another_process(
    process: tuple[Path, dict[str, Any], int], undisturbed: Trained
) -> None:
    folder, _, status = process
    assert status == -9
    lines: list[str] = []
    history = trained(network(), folder / "killed.npz", say=lines.append)
    assert "run: continues after epoch 1 of 3" in lines
    assert history.keys() == undisturbed.history.keys()
    for name, values in history.items():
        assert values == pytest.approx(undisturbed.history[name], rel=1e-4)


def test_a_training_on_two_devices_is_that_on_one(
    process: tuple[Path, dict[str, Any], int],
) -> None:
    _, found, _ = process
    assert found["two"].keys() == found["one"].keys()
    for metric, values in found["one"].items():
        assert found["two"][metric] == pytest.approx(values, rel=1e-5)


def test_a_full_disk_keeps_the_epoch_before_and_another_training_is_refused_and_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, written = tmp_path / "c.npz", list[int]()

    def full(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) == 2:
            raise OSError(28, os.strerror(28))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        trained(network(), path, recipe=PLAIN)
    found, before = read_checkpoint(path), path.read_bytes()
    assert found is not None
    assert found.epochs == 1
    with pytest.raises(UsageError, match="run: was begun with another seed: 0, not 1"):
        trained(network(), path, recipe=PLAIN, seed=1)
    layers = [keras.Input((32, 32, 1)), keras.layers.Flatten(), keras.layers.Dense(1)]
    with pytest.raises(DataError, match="is of a network with other weights"):
        trained(keras.Sequential(layers), path, recipe=PLAIN)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["c.npz"]


def test_the_best_epoch_is_kept_where_that_is_asked_for_also_after_a_resume(
    tmp_path: Path,
) -> None:
    recipe = replace(PLAIN, epochs=4, learning_rate=0.3, keep="best")
    seen: list[list[Any]] = []

    class Weights(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            del epoch, logs
            seen.append(self.model.get_weights())

    model = network()
    history = trained(model, tmp_path / "c.npz", recipe=recipe, callbacks=[Weights()])
    best = kept_epoch(history["val_loss"], "best")
    assert best < 4  # so fast a training gets worse again
    weights = model.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(weights, seen[best - 1], strict=True))
    again = network()
    assert trained(again, tmp_path / "c.npz", recipe=recipe) == history
    assert same(again, model)
    with pytest.raises(Interrupted):
        trained(
            network(), tmp_path / "d.npz", recipe=recipe, callbacks=[Interrupt(epoch=3, batch=1)]
        )
    resumed = network()
    trained(resumed, tmp_path / "d.npz", recipe=recipe)
    assert same(resumed, model)


def test_a_checkpoint_that_lacks_a_figure_goes_on_without_it(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    with pytest.raises(Interrupted):
        trained(network(), path, callbacks=[Interrupt(epoch=1, batch=1)])
    begun = read_checkpoint(path)
    assert begun is not None
    del begun.history["val_sensitivity"], begun.history["val_specificity"]
    write_checkpoint(path, begun)
    history = trained(network(), path)
    assert history.keys() == begun.history.keys()
    assert {len(values) for values in history.values()} == {3}


def test_early_stopping_is_over_after_a_resume_too(tmp_path: Path) -> None:
    path, lines = tmp_path / "c.npz", list[str]()
    recipe = replace(PLAIN, epochs=9, early_stopping=EarlyStopping(min_delta=5, patience=2))
    history = trained(network(), path, recipe=recipe, say=lines.append)
    assert len(history["loss"]) == 3
    assert any(line.startswith("stopped early, after epoch 3: val_loss fell") for line in lines)
    assert trained(network(), path, recipe=recipe) == history


def test_a_loss_that_is_not_finite_leaves_no_checkpoint_to_go_on_from(tmp_path: Path) -> None:
    class Poison(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            del epoch, logs
            assert (tmp_path / "c.npz").exists()
            self.model.set_weights([weight * np.nan for weight in self.model.get_weights()])

    with pytest.raises(DataError, match="tiny: the loss is not finite; lower --learning-rate"):
        trained(network(), tmp_path / "c.npz", recipe=PLAIN, callbacks=[Poison()])
    assert not list(tmp_path.iterdir())


def test_memory_that_is_too_small_is_one_line_with_a_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    def full(*_: object, **__: object) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "OOM")

    monkeypatch.setattr("keras.Model.fit", full)
    with pytest.raises(DataError, match="batches of 16 do not fit"):
        trained(network(), tmp_path / "c.npz", recipe=PLAIN)
