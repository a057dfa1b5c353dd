"""A model is judged on films that did not train it, or one line tells which did."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edge_export.films.film import Split
from edge_kit.data.dataset import load_dataset
from edge_kit.evaluation.evaluated import EvaluatedModel, open_evaluated
from edge_kit.evaluation.films import LabelledFilms, labelled_films
from edge_kit.evaluation.selection import select_films
from edge_kit.training.shortfalls import CHOSEN
from edge_runtime.errors import DataError, UsageError
from films import write_films


@pytest.fixture(scope="module")
def run(trained: Path) -> EvaluatedModel:
    return open_evaluated(trained)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> LabelledFilms:
    """Return films of another hospital, without splits."""
    root = write_films(tmp_path_factory.mktemp("other"), "covid", "normal", count=8)
    return labelled_films(root, modality="xray", positive="covid", skip_unreadable=False)


def test_a_run_is_judged_on_its_test_films_unless_others_are_wanted(
    run: EvaluatedModel, labelled: LabelledFilms
) -> None:
    found = select_films(run, labelled, None)
    assert found.name == "test"
    assert {labelled.splits[place] for place in found.places} == {"test"}
    assert len(found.places) == labelled.splits.count("test")
    assert found.warnings == ()
    assert {labelled.splits[place] for place in select_films(run, labelled, "val").places} == {
        "val"
    }


def test_validation_films_that_chose_the_epoch_are_told_of(
    run: EvaluatedModel, labelled: LabelledFilms
) -> None:
    chosen = replace(run, keep="best")
    assert select_films(chosen, labelled, "val").warnings == (CHOSEN,)
    assert CHOSEN in select_films(chosen, labelled, "all").warnings
    assert select_films(chosen, labelled, "test").warnings == ()


def test_the_run_s_own_table_counts_and_not_the_folders(
    run: EvaluatedModel, labelled: LabelledFilms
) -> None:
    moved = replace(labelled, splits=(None,) * len(labelled.films))
    assert select_films(run, moved, None) == select_films(run, labelled, None)


def test_films_that_trained_it_are_told_of(run: EvaluatedModel, labelled: LabelledFilms) -> None:
    found = select_films(run, labelled, "all")
    count = labelled.splits.count("train")
    assert f"{count} of these {len(labelled.films)} films trained it" in found.warnings[0]


def test_relatives_of_films_that_trained_it_are_told_of(
    run: EvaluatedModel, labelled: LabelledFilms
) -> None:
    one = replace(labelled.films[0], group="the same patient")
    same = tuple(replace(film, group=one.group) for film in labelled.films)
    found = select_films(run, replace(labelled, films=same), "test")
    assert "share a patient or a near-duplicate with films that trained it" in found.warnings[0]


def test_all_films_of_another_hospital_are_judged(
    run: EvaluatedModel, other: LabelledFilms, bundle: Path
) -> None:
    for subject in (run, open_evaluated(bundle)):
        found = select_films(subject, other, None)
        assert (found.name, len(found.places), found.warnings) == ("all", 16, ())
        with pytest.raises(UsageError, match="these films have no splits"):
            select_films(subject, other, "test")


def test_films_without_a_split_beside_others_that_have_one_are_told_of(
    labelled: LabelledFilms, bundle: Path
) -> None:
    subject = open_evaluated(bundle)
    splits = (None, None, *labelled.splits[2:])
    found = select_films(subject, replace(labelled, splits=splits), "test")
    assert found.warnings == ("2 films left out, in no split though others are",)
    assert all(splits[place] == "test" for place in found.places)
    assert select_films(subject, labelled, "test").warnings == ()


def test_new_films_beside_the_run_s_own_are_in_no_split(
    run: EvaluatedModel, labelled: LabelledFilms
) -> None:
    known = dict(list(run.known.items())[4:])
    found = select_films(replace(run, known=known), labelled, "all")
    assert found.warnings[-1] == "4 films are not in the run's split table"


def test_a_bundle_is_judged_on_the_test_films_that_its_seed_deals(
    other: LabelledFilms, bundle: Path
) -> None:
    # Enough groups for a split of each kind.
    dataset = load_dataset(other.folders, modality="xray", seed=7)
    trained: dict[str, Split] = {
        film.sha256: "train" for film in dataset.films if film.split == "train"
    }
    subject = replace(open_evaluated(bundle), known=trained, seed=7, modality="xray")
    found = select_films(subject, other, None)
    tested = {film.sha256 for film in dataset.films if film.split == "test"}
    assert found.name == "test"
    assert {other.films[place].sha256 for place in found.places} == tested
    assert found.warnings == ()
    chosen = replace(subject, keep="best", fitted=("threshold", "calibration"))
    assert select_films(chosen, other, "test").warnings == ()
    assert select_films(chosen, other, "val").warnings == (
        CHOSEN,
        "the validation films chose the threshold and the calibration: their figures are too "
        "optimistic",
    )
    everything = select_films(subject, other, "all")
    assert "films calibrated it" in everything.warnings[0]


def test_a_bundle_that_other_splits_made_is_judged_on_all_films_with_a_warning(
    other: LabelledFilms, bundle: Path
) -> None:
    dataset = load_dataset(other.folders, modality="xray", seed=7)
    calibrated: dict[str, Split] = {film.sha256: "train" for film in dataset.films}
    subject = replace(open_evaluated(bundle), known=calibrated, seed=7, modality="xray")
    found = select_films(subject, other, None)
    assert (found.name, len(found.places)) == ("all", len(other.films))
    assert found.warnings[0].startswith("by which splits it was made is not known")
    with pytest.raises(UsageError, match="not in the splits by which the bundle was made"):
        select_films(subject, other, "test")


def test_a_split_without_films_is_one_line(run: EvaluatedModel, labelled: LabelledFilms) -> None:
    known = {digest: split for digest, split in run.known.items() if split != "val"}
    with pytest.raises(DataError, match="holds no film of the val split"):
        select_films(replace(run, known=known), labelled, "val")
