"""The films that are judged are those that a training would find, each copy once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge_kit.data.dataset import Dataset
from edge_kit.evaluation.films import LabelledFilms, labelled_films
from edge_runtime.errors import DataError
from films import write_film, write_films


def read(root: Path, **options: bool) -> LabelledFilms:
    return labelled_films(
        root, modality="xray", positive="covid",
        skip_unreadable=options.get("skip_unreadable", False),
    )  # fmt: skip


def test_films_are_those_that_a_training_finds(labelled: LabelledFilms, dataset: Dataset) -> None:
    assert labelled.films == dataset.films
    assert labelled.splits == tuple(film.split for film in dataset.films)
    assert (labelled.positive, labelled.negative) == (dataset.positive, dataset.negative)


def test_a_few_films_without_splits_are_enough_to_judge_on(tmp_path: Path) -> None:
    found = read(write_films(tmp_path, "covid", "normal", count=2))
    assert len(found.films) == 4
    assert found.splits == (None,) * 4
    assert found.classes == {"covid": ("covid", 2), "normal": ("noncovid", 2)}


def test_films_of_a_test_split_alone_are_enough_too(tmp_path: Path) -> None:
    found = read(write_films(tmp_path, "test/covid", "test/normal", count=2))
    assert found.splits == ("test",) * 4


def test_a_copy_counts_once_and_near_duplicates_are_one_group(tmp_path: Path) -> None:
    write_films(tmp_path, "covid", "normal", count=3)
    shutil.copyfile(tmp_path / "covid" / "0.png", tmp_path / "covid" / "copy.png")
    write_film(tmp_path / "covid" / "near.png", 1, brighter=1)
    found = read(tmp_path)
    groups = {film.path.name: film.group for film in found.films if film.label == "covid"}
    assert found.warnings == ("1 film left out, byte for byte the same as others",)
    assert groups["near.png"] == groups["1.png"] != groups["0.png"]


def test_what_a_manifest_says_stands_beside_its_films(tmp_path: Path) -> None:
    write_films(tmp_path, "covid", "normal", count=1)
    rows = ["path,label,source,patient_id", "covid/0.png,covid,a,p1", "normal/0.png,normal,b,p1"]
    (tmp_path / "manifest.csv").write_text("\n".join(rows), "utf-8")
    found = read(tmp_path)
    assert [attributes["source"] for attributes in found.attributes] == ["a", "b"]
    assert len({film.group for film in found.films}) == 1


def test_a_film_that_cannot_be_read_is_an_error_or_left_out_as_told(tmp_path: Path) -> None:
    write_films(tmp_path, "covid", "normal", count=2)
    (tmp_path / "covid" / "broken.png").write_bytes(b"not a picture")
    with pytest.raises(DataError, match="skip with --skip-unreadable"):
        read(tmp_path)
    found = read(tmp_path, skip_unreadable=True)
    assert len(found.films) == 4
    assert len(found.skipped) == 1
    assert "broken.png is no image" in found.skipped[0]
    assert found.warnings == ("1 film left out, that cannot be read",)


@pytest.mark.parametrize(
    ("folders", "problem"),
    [(["covid"], "two classes are needed, 1 found"), (["a", "b"], "no class is named 'covid'")],
)
def test_classes_are_two_and_one_is_positive(
    folders: list[str], problem: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=problem):
        read(write_films(tmp_path, *folders, count=2))


def test_a_copy_of_the_other_class_is_refused(tmp_path: Path) -> None:
    write_films(tmp_path, "covid", "normal", count=2)
    shutil.copyfile(tmp_path / "covid" / "0.png", tmp_path / "normal" / "copy.png")
    with pytest.raises(DataError, match=r"is noncovid, but its copy covid/0\.png is covid"):
        read(tmp_path)
