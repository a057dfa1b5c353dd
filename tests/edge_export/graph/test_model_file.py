"""A file cannot make its reader unpack, or read, more than a file of its size can hold."""

from __future__ import annotations

import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from edge_export.graph.model_file import CONFIG, METADATA, WEIGHTS, open_file
from edge_runtime.errors import DataError


def archive(path: Path, **members: bytes) -> Path:
    """Write a zip with the members of a `.keras` file, some of them others."""
    weights = path.with_suffix(".h5")
    with h5py.File(weights, "w") as file:
        file["layers/dense/vars/0"] = np.ones((3, 2), np.float32)
    content = {CONFIG: b"{}", METADATA: b'{"keras_version": "3.1"}', WEIGHTS: weights.read_bytes()}
    content |= {name.replace("__", "."): value for name, value in members.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, value in content.items():
            packed.writestr(name, value)
    return path


def test_a_file_says_its_version_and_how_many_weights_it_has(tmp_path: Path) -> None:
    with open_file(archive(tmp_path / "m.keras")) as file:
        assert (file.version, file.count, file.keras2, file.zipped) == ("3.1", 6, False, True)
        assert file.weights.is_file()
    assert not file.weights.exists()


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ({"config__json": b"[]"}, "its config.json is no dictionary"),
        ({"config__json": b"{"}, "is damaged (Expecting property name"),
        ({"model__weights__h5": b"torn"}, "is damaged ("),
        ({"spare": bytes(1 << 27)}, "would unpack to many times its size"),
    ],
    ids=["list", "torn json", "torn weights", "bomb"],
)
def test_a_damaged_archive_is_one_line(
    members: dict[str, bytes], problem: str, tmp_path: Path
) -> None:
    path = archive(tmp_path / "m.keras", **members)
    with pytest.raises(DataError) as caught, open_file(path):
        pass
    assert caught.value.problem.startswith(problem)
    assert caught.value.cure


def test_weights_that_are_declared_and_not_there_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = "{}"
        file.create_dataset("huge", shape=(1 << 40,), dtype=np.float32, chunks=(1024,))
    with pytest.raises(DataError, match="declares more weights than it holds"), open_file(path):
        pass


def test_weights_without_their_model_are_named(tmp_path: Path) -> None:
    path = tmp_path / "m.weights.h5"
    with h5py.File(path, "w") as file:
        file["vars/0"] = np.ones(3)
    with pytest.raises(DataError, match="without the model that they belong to"), open_file(path):
        pass
