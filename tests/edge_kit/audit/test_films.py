"""A model is audited on films in the splits that it was trained by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edge_export.films.film import Split
from edge_kit.audit.films import audited_films
from edge_kit.data.dataset import Dataset
from edge_kit.evaluation.evaluated import open_evaluated
from edge_runtime.errors import DataError
from films import write_films


def test_the_films_of_a_run_are_dealt_as_it_dealt_them(
    trained: Path, data: Path, dataset: Dataset
) -> None:
    subject = open_evaluated(trained / "model.keras")
    known = {film.sha256: film.split for film in dataset.films}
    for digest in list(known)[:2]:
        known[digest] = "val" if known[digest] == "train" else "train"
    found = audited_films(data, replace(subject, known=known))
    assert {film.sha256: film.split for film in found.films} == known


def test_films_beside_the_run_s_own_are_left_out(
    trained: Path, data: Path, dataset: Dataset
) -> None:
    subject = open_evaluated(trained)
    own = dict(list(subject.known.items())[5:])
    found = audited_films(data, replace(subject, known=own))
    assert found.films == tuple(film for film in dataset.films if film.sha256 in own)


def test_of_a_bundle_that_other_splits_made_no_audit_is_made(
    trained: Path, data: Path, dataset: Dataset
) -> None:
    known: dict[str, Split] = {film.sha256: "train" for film in dataset.films}
    subject = replace(open_evaluated(trained), kind="bundle", known=known)
    with pytest.raises(DataError, match="not in the splits by which the bundle was made"):
        audited_films(data, subject)


def test_films_it_never_saw_keep_their_splits(trained: Path, tmp_path: Path) -> None:
    folders = [f"{split}/{name}" for split in ("train", "val", "test") for name in ("covid", "no")]
    found = audited_films(write_films(tmp_path, *folders, count=2), open_evaluated(trained))
    assert {film.split for film in found.films} == {"train", "val", "test"}
    assert all(film.path.relative_to(tmp_path).parts[0] == film.split for film in found.films)


def test_without_a_model_the_seed_deals_them(data: Path) -> None:
    first, again = (audited_films(data, None, seed=4) for _ in range(2))
    assert first == again
