"""Each layout of docs/layouts.md is laid out here, and works or says in one line what to do."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_kit.cli import run
from edge_kit.commands.data import LAYOUTS as OFFERED
from edge_kit.data.dataset import Dataset, load_dataset
from edge_kit.data.films import list_films
from edge_kit.data.layouts.manifest import ANY, LAYOUTS
from edge_runtime.errors import DataError
from laid_out import (
    Films,
    any_table,
    chexpert,
    class_folders,
    covidx,
    dicom,
    hospitals,
    ieee8023,
    kaggle,
    nih,
    patients,
    radiography,
    rsna,
    split_folders,
    splits_below,
)

PAGE = Path(__file__).parents[3] / "docs" / "layouts.md"


Lay = Callable[[Films], None]
BY_FOLDERS: dict[str, tuple[Lay, tuple[str, ...], Counter[str]]] = {
    "class folders": (class_folders, (), Counter(covid=8, noncovid=8)),
    "splits above": (split_folders, (), Counter(covid=9, noncovid=9)),
    "splits below": (splits_below, (), Counter(covid=9, noncovid=9)),
    "patients": (patients, (), Counter(covid=16, noncovid=16)),
    "hospitals above patients": (hospitals, (), Counter(covid=8, noncovid=8)),
    "DICOM": (dicom, (), Counter(covid=8, noncovid=8)),
    "radiography": (
        radiography,
        ("COVID", "Normal,Viral Pneumonia"),
        Counter(covid=8, noncovid=16),
    ),
    "kaggle": (kaggle, ("PNEUMONIA",), Counter(NORMAL=12, PNEUMONIA=13)),
}
BY_TABLE: dict[str, tuple[Lay, str, Counter[str], str]] = {
    "ieee8023": (
        ieee8023,
        "--positive COVID-19 --negative 'No Finding'",
        Counter(covid=8, noncovid=8),
        "lateral views (1), no such file, or several of that name (2), other findings (1)",
    ),
    "nih": (
        nih,
        "--positive Pneumonia --negative 'No Finding'",
        Counter({"Pneumonia": 8, "No Finding": 8}),
        "other findings (1)",
    ),
    "chexpert": (
        chexpert,
        "--positive Pneumonia --negative 'No Finding'",
        Counter({"Pneumonia": 12, "No Finding": 12}),
        "lateral views (1), uncertain labels (1)",
    ),
    "covidx": (
        covidx,
        "--positive COVID-19 --negative normal,pneumonia",
        Counter(covid=11, noncovid=22),
        "",
    ),
    "rsna": (
        rsna,
        "--positive 'Lung Opacity' --negative Normal",
        Counter({"Lung Opacity": 8, "Normal": 8}),
        "files that no row names (1)",
    ),
}


def labels(dataset: Dataset) -> Counter[str]:
    return Counter(film.label for film in dataset.films)


@pytest.mark.parametrize("name", BY_FOLDERS)
def test_a_layout_of_folders_works_as_it_is(tmp_path: Path, name: str) -> None:
    lay, names, expected = BY_FOLDERS[name]
    lay(Films(tmp_path))
    chosen = dict(zip(("positive", "negative"), names, strict=False))
    dataset = load_dataset(tmp_path, modality="xray", seed=0, **chosen)  # type: ignore[arg-type]
    assert labels(dataset) == expected
    assert {film.split for film in dataset.films} == {"train", "val", "test"}


def test_the_radiography_database_says_what_it_left_out(tmp_path: Path) -> None:
    radiography(Films(tmp_path))
    dataset = load_dataset(
        tmp_path, modality="xray", positive="COVID", negative="Normal,Viral Pneumonia", seed=0
    )
    assert dataset.warnings[:2] == (
        "left out: 4 files in masks folders",
        "left out, of neither class: Lung_Opacity (8)",
    )
    with pytest.raises(DataError, match="4 found") as caught:
        load_dataset(tmp_path, modality="xray", seed=0)
    option = "--positive COVID --negative 'Lung_Opacity,Normal,Viral Pneumonia'"
    assert str(caught.value).endswith(f"say which are negative: {option}")


def test_persons_of_kaggles_train_folder_are_not_parted(tmp_path: Path) -> None:
    films = Films(tmp_path)
    for number in range(1, 9):
        films.add(f"train/NORMAL/NORMAL2-IM-{number:04d}-0001.jpeg")
        films.add(*(f"train/PNEUMONIA/person{number}_bacteria_{n}.jpeg" for n in range(3)))
    dataset = load_dataset(tmp_path / "train", modality="xray", positive="PNEUMONIA", seed=0)
    assert len({film.group for film in dataset.films}) == 16
    assert len({(film.group, film.split) for film in dataset.films}) == 16
    assert dataset.notes == ("patients that the names of films tell (person1_virus_2): 16",)


@pytest.mark.parametrize("name", BY_TABLE)
def test_a_layout_of_a_table_offers_the_command_that_makes_it_work(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lay, options, expected, left_out = BY_TABLE[name]
    lay(Films(tmp_path))
    with pytest.raises(DataError) as caught:
        list_films(tmp_path, modality="xray", positive="covid")
    command = f"edge-kit data manifest {tmp_path} --from {name} {options}"
    assert str(caught.value).endswith(f"; {command}")
    assert run(shlex.split(command)[1:]) == 0
    said = capsys.readouterr().err
    assert said.startswith(f"wrote {tmp_path}/manifest.csv: ")
    assert said.rstrip().endswith(f"left out: {left_out}" if left_out else "nothing is left out")
    positive = shlex.split(options)[1]
    dataset = load_dataset(tmp_path, modality="xray", positive=positive, seed=0)
    assert labels(dataset) == expected


def test_given_splits_of_a_table_are_kept(tmp_path: Path) -> None:
    covidx(Films(tmp_path))
    run(f"data manifest {tmp_path} --from covidx --positive COVID-19 --negative normal".split())
    dataset = load_dataset(tmp_path, modality="xray", seed=0)
    tested = {film.path.parent.name for film in dataset.films if film.split == "test"}
    assert tested == {"test"}


def test_the_same_findings_are_found_at_every_depth(tmp_path: Path) -> None:
    ieee8023(Films(tmp_path))
    line = f"data manifest {tmp_path} --from ieee8023 --positive COVID-19 --negative Pneumonia"
    assert run(line.split()) == 0
    text = (tmp_path / "manifest.csv").read_text("utf-8")
    assert "images/n0.jpg,noncovid,Pneumonia/Bacterial,3,,PA,xray" in text


@pytest.mark.parametrize("kind", ["radiography", "kaggle"])
def test_folders_become_a_manifest_too(tmp_path: Path, kind: str) -> None:
    {"radiography": radiography, "kaggle": kaggle}[kind](Films(tmp_path))
    names = ["COVID", "Normal"] if kind == "radiography" else ["PNEUMONIA", "NORMAL"]
    line = ["data", "manifest", str(tmp_path), "--from", kind]
    assert run([*line, "--positive", names[0], "--negative", names[1]]) == 0
    positive = "covid" if kind == "radiography" else "PNEUMONIA"
    dataset = load_dataset(tmp_path, positive=positive, modality="xray", seed=0)
    assert len(dataset.films) == (16 if kind == "radiography" else 25)


def test_any_other_table_is_read_by_the_names_of_its_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    any_table(Films(tmp_path))
    with pytest.raises(DataError, match=r"--from csv --path-column COLUMN --label-column COLUMN"):
        list_films(tmp_path, modality="xray", positive="sick")
    line = ["data", "manifest", str(tmp_path), "--from", "csv", "--positive", "sick"]
    columns = ["--path-column", "file name", "--label-column", "Diagnosis"]
    columns += ["--patient-column", "person"]
    assert run([*line, "--negative", "well", *columns]) == 0
    assert "8 sick and 8 well, 16 patients; nothing is left out" in capsys.readouterr().err
    dataset = load_dataset(tmp_path, modality="xray", positive="sick", seed=0)
    assert labels(dataset) == Counter(sick=8, well=8)


def rows_of_page() -> Iterator[str]:
    for line in PAGE.read_text("utf-8").splitlines():
        yield from re.findall(r"^\| \*\*(.+?)\*\* \|", line)


def test_the_page_has_every_layout_that_is_laid_out_here() -> None:
    laid = [*BY_FOLDERS, *BY_TABLE, "csv", "manifest.csv"]
    assert sorted(rows_of_page()) == sorted(laid)
    assert {*OFFERED} == {*LAYOUTS, ANY}
