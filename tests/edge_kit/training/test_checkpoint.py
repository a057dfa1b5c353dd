"""A checkpoint is read bit for bit as it was written, by the same training alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_kit.training.checkpoint import (
    Checkpoint,
    read_checkpoint,
    require_same,
    restore,
    write_checkpoint,
)
from edge_runtime.errors import DataError, UsageError

TRAINING = {
    "model": "tiny",
    "seed": 3,
    "augmentation": {"shear": 0.2, "zoom": 0.2, "horizontal_flip": True},
    "set_of_films": 32 * "a",
}
STATE = Checkpoint(
    TRAINING,
    {"loss": [0.1, 1 / 3]},
    [np.array([[1 / 3, 2]], np.float32), np.array(7, np.int64), np.zeros((0, 2), np.float16)],
)


def same(one: Checkpoint | None, other: Checkpoint) -> bool:
    return (
        one is not None
        and (one.training, one.history) == (other.training, other.history)
        and len(one.variables) == len(other.variables)
        and all(
            a.dtype == b.dtype and np.array_equal(a, b)
            for a, b in zip(one.variables, other.variables, strict=True)
        )
    )


def test_the_best_weights_are_kept_beside_the_state(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    write_checkpoint(path, replace(STATE, best=STATE.variables[:1]))
    found = read_checkpoint(path)
    assert same(found, STATE)
    assert found is not None
    (best,) = found.best
    assert np.array_equal(best, STATE.variables[0])


def test_a_state_is_read_as_it_was_written_bit_for_bit(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    assert read_checkpoint(path) is None
    write_checkpoint(path, STATE)
    found = read_checkpoint(path)
    assert same(found, STATE)
    assert found is not None
    assert found.epochs == 2
    assert [one.name for one in tmp_path.iterdir()] == ["c.npz"]


@pytest.mark.parametrize("step", ["os.fsync", "numpy.savez", "pathlib.Path.replace"])
def test_a_full_disk_leaves_the_state_before_and_nothing_else(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    path = tmp_path / "c.npz"
    write_checkpoint(path, STATE)
    monkeypatch.setattr(step, full)
    with pytest.raises(OSError, match="No space left"):
        write_checkpoint(path, Checkpoint(TRAINING, {"loss": [0.0]}, []))
    monkeypatch.undo()
    assert same(read_checkpoint(path), STATE)
    assert [one.name for one in tmp_path.iterdir()] == ["c.npz"]


def test_the_disk_has_the_state_before_it_takes_the_place_of_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def noted(name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        def take(*arguments: Any) -> Any:
            steps.append(name)
            return step(*arguments)

        return take

    monkeypatch.setattr("os.fsync", noted("fsync", fsync))
    monkeypatch.setattr(Path, "replace", noted("replace", replace))
    write_checkpoint(tmp_path / "c.npz", STATE)
    assert steps == ["fsync", "replace"]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda c: c[: len(c) // 2], id="torn"),
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: b"foreign", id="foreign"),
        pytest.param(lambda c: c.replace(b'"version": 1', b'"version": 2'), id="flipped"),
    ],
)
def test_what_is_torn_or_foreign_is_one_line(
    damage: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "c.npz"
    write_checkpoint(path, STATE)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"c\.npz: is no checkpoint of this version \("):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"seed": 4}, "was begun with another seed: 3, not 4; repeat the command"),
        ({"set_of_films": 32 * "b"}, "was begun with another set of films; repeat"),
        ({"model": "model3"}, "another model: tiny, not model3"),
        ({"augmentation": None}, "another augmentation; repeat"),
        ({"batch_size": 32}, "another batch size: None, not 32"),
    ],
)
def test_another_training_is_refused_by_what_differs(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        require_same(TRAINING, {**TRAINING, **change}, Path("run"))


def test_a_training_of_a_version_that_kept_the_last_epoch_alone_goes_on_keeping_it() -> None:
    require_same(TRAINING, TRAINING | {"keep": "last"}, Path("run"))
    with pytest.raises(UsageError, match="was begun with another keep: last, not best"):
        require_same(TRAINING, TRAINING | {"keep": "best"}, Path("run"))


def test_the_same_training_is_the_same_after_json() -> None:
    require_same({"a": [1, 2]}, {"a": (1, 2)}, Path("run"))


class Variable:
    def __init__(self, *shape: int) -> None:
        self.shape, self.value = shape, None

    def assign(self, value: Any) -> None:
        self.value = value


@pytest.mark.parametrize("shapes", [[(1, 2), ()], [(1, 3), (), (0, 2)], []])
def test_the_state_of_another_network_is_refused_and_changes_nothing(
    shapes: list[tuple[int, ...]], tmp_path: Path
) -> None:
    variables = [Variable(*shape) for shape in shapes]
    with pytest.raises(DataError, match="is of a network with other weights"):
        restore(variables, STATE, tmp_path / "c.npz")
    assert all(one.value is None for one in variables)
