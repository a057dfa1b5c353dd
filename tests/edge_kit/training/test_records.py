"""A run is recorded with what made it, and runs are listed and compared by their records."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from edge_kit.data.dataset import Dataset
from edge_kit.training.records import data_digest, recorded, run_digest
from edge_kit.training.runs import read_run
from edge_runtime.errors import DataError


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """Return a copy of a run that a test may change."""
    return Path(shutil.copytree(trained, tmp_path / "runs" / "one"))


def test_the_digest_is_of_films_labels_and_splits_alone(dataset: Dataset, run: Path) -> None:
    digest = data_digest(dataset.films)
    assert digest == run_digest(run) == data_digest(dataset.films[::-1])
    moved = replace(dataset.films[0], path=Path("elsewhere.png"), group="other")
    assert data_digest((moved, *dataset.films[1:])) == digest
    for other in ({"label": "x"}, {"split": "val"}, {"sha256": "0" * 64}):
        changed = replace(dataset.films[0], **other)  # type: ignore[arg-type]
        assert data_digest((changed, *dataset.films[1:])) != digest


def test_a_record_has_what_changes_from_run_to_run(dataset: Dataset, run: Path) -> None:
    with recorded(run, dataset.films) as (timer,):
        for epoch in range(2):
            timer.on_epoch_begin(epoch)
            timer.on_epoch_end(epoch, {})
    record = json.loads((run / "record.json").read_text("utf-8"))
    assert record["data_digest"] == run_digest(run)
    assert len(record["epoch_seconds"]) == 2
    assert record["seconds"] >= sum(record["epoch_seconds"]) >= 0
    assert record["packages"]["keras"]
    assert read_run(run).seconds == record["seconds"]
    assert not list(run.glob("*.part"))


def test_a_training_that_fails_leaves_no_record(dataset: Dataset, run: Path) -> None:
    with pytest.raises(DataError), recorded(run, dataset.films):
        raise DataError("film", "is gone")
    assert not (run / "record.json").exists()
