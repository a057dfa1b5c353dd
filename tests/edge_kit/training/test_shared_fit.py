"""Several processes train a network to the weights that one process would have trained it to."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_kit.training.checkpoint import read_checkpoint
from shared_trainings import free_port, start
from tiny_training import network, rows

pytestmark = pytest.mark.skipif(find_spec("jax") is None, reason="needs the extra jax")
Weights = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where one process, and two together, left what they trained and were told."""
    folder = tmp_path_factory.mktemp("shared")
    started = []
    for processes in (1, 2):
        port = free_port()
        started += [start(folder, port, processes, process) for process in range(processes)]
    for process in started:
        said, _ = process.communicate(timeout=300)
        assert process.returncode == 0, said
    return folder


def weights(folder: Path, name: str, way: str) -> list[Any]:
    with np.load(folder / f"weights-{name}.npz") as archive:
        return [archive[key] for key in archive.files if key.startswith(way)]


def largest_difference(one: list[Any], two: list[Any]) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(one, two, strict=True))


def logits(trained: list[Any]) -> Any:
    """Return the logits of all films by the small network with these weights."""
    import keras

    model = network(dropout=False)
    model.set_weights(trained)
    body = keras.Model(model.inputs, model.layers[-2].output)
    return body.predict(rows().pixels, verbose=0) @ trained[-2] + trained[-1]


def test_by_gradient_descent_the_weights_are_those_of_one_process(folder: Path) -> None:
    one, two = (weights(folder, name, "sgd") for name in ("1-0", "2-0"))
    assert largest_difference(one, two) < 1e-5
    assert largest_difference(one, network().get_weights()) > 1e-3  # something was learnt


def test_by_the_recipe_s_optimizer_the_logits_are_those_of_one_process(folder: Path) -> None:
    one, two = (logits(weights(folder, name, "adam")) for name in ("1-0", "2-0"))
    assert np.abs(one - two).max() < 1e-4
    assert np.ptp(one) > 0.1


@pytest.mark.parametrize("way", ["sgd", "adam", "resumed"])
def test_every_process_ends_with_the_same_weights(folder: Path, way: str) -> None:
    one, two = (weights(folder, name, way) for name in ("2-0", "2-1"))
    assert largest_difference(one, two) == 0


def test_a_training_that_goes_on_ends_as_one_that_was_not_interrupted(folder: Path) -> None:
    whole, resumed = (weights(folder, "2-0", way) for way in ("adam", "resumed"))
    assert largest_difference(whole, resumed) == 0


def test_process_0_alone_has_a_checkpoint_with_every_epoch(folder: Path) -> None:
    checkpoint = read_checkpoint(folder / "checkpoint-2-resumed.npz")
    assert checkpoint is not None
    assert checkpoint.epochs == 3
    said = json.loads((folder / "said-2-1.json").read_text("utf-8"))
    assert "run: continues after epoch 2 of 3" in said  # of which process 0 told it


def test_the_history_of_two_is_that_of_one(folder: Path) -> None:
    one, two = (read_checkpoint(folder / f"checkpoint-{count}-sgd.npz") for count in (1, 2))
    assert one is not None
    assert two is not None
    assert one.history.keys() == two.history.keys()
    for name in one.history.keys() - {"loss", "accuracy"}:  # whose last batch counts twice
        assert two.history[name] == pytest.approx(one.history[name], abs=1e-5), name


def test_a_process_with_other_settings_is_refused_by_all(folder: Path) -> None:
    lines = [
        json.loads((folder / f"said-{name}.json").read_text("utf-8"))[-1]
        for name in ("1-0", "2-0", "2-1")
    ]
    assert lines[0] == ""
    assert lines[1] == lines[2]
    assert lines[1].startswith("process 1: has another epochs than process 0: 4, not 3; ")
