"""A run is named by what an export reads of it, and not by where its films once lay."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from edge_kit.data.dataset import Dataset
from edge_kit.exporting.origin import RUN_FILES, model_digest, origin_of
from edge_kit.training.records import run_digest
from edge_runtime.errors import DataError


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """Return a copy of the small run that may be changed."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


def test_a_run_that_was_moved_with_its_films_is_the_same(trained: Path, run: Path) -> None:
    config = json.loads((run / "config.json").read_text("utf-8"))
    (run / "config.json").write_text(json.dumps({**config, "data": "elsewhere"}), encoding="utf-8")
    (run / "curves.png").unlink()
    assert model_digest(run) == model_digest(trained)


@pytest.mark.parametrize("name", RUN_FILES)
def test_whatever_else_an_export_reads_is_in_the_digest(
    name: str, trained: Path, run: Path
) -> None:
    before = model_digest(run)
    if name == "config.json":
        config = json.loads((run / name).read_text("utf-8"))
        (run / name).write_text(json.dumps({**config, "seed": 4}), encoding="utf-8")
    else:
        with (run / name).open("ab") as file:
            file.write(b" ")
    assert model_digest(run) != before == model_digest(trained)


def test_a_run_and_its_network_are_one_origin(trained: Path, dataset: Dataset) -> None:
    origin = origin_of(trained / "model.keras", dataset.films)
    assert origin == origin_of(trained, dataset.films)
    assert (origin.kind, origin.films) == ("run", len(dataset.films))
    assert origin.data == run_digest(trained)


def test_a_model_of_somebody_else_is_named_by_its_bytes(foreign: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copyfile(foreign, tmp_path / "renamed.keras"))
    assert model_digest(copy) == model_digest(foreign)
    assert origin_of(copy, []).kind == "file"
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "part").write_bytes(b"1")
    assert model_digest(folder) != model_digest(copy)


def test_what_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        model_digest(tmp_path / "none.keras")
