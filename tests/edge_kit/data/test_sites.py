"""Hospitals above patients are told by names, and are neither lost nor taken for patients."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_kit.data.index import FolderIndex, index_folder


def lay(root: Path, *names: str) -> FolderIndex:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"not looked at")
    return index_folder(root)


def groups(index: FolderIndex) -> set[str]:
    return {name.removeprefix("folder ") for entry in index.entries for name in entry.ids}


PLACES = ("north", "south")
PATIENTS = [f"p{number}" for number in range(3)]


@pytest.mark.parametrize("order", ["{label}/{place}", "{place}/{label}", "{place}/train/{label}"])
@pytest.mark.parametrize("below", ["", "/study1"])
def test_patients_of_two_hospitals_are_groups_by_both_names(
    tmp_path: Path, order: str, below: str
) -> None:
    folders = [
        f"{order.format(label=label, place=place)}/{patient}{below}"
        for label in ("covid", "normal")
        for place in PLACES
        for patient in PATIENTS
    ]
    index = lay(tmp_path, *(f"{folder}/{n}.png" for folder in folders for n in range(2)))
    assert groups(index) == {f"{place}/{patient}" for place in PLACES for patient in PATIENTS}
    assert {entry.class_name for entry in index.entries} == {"covid", "normal"}
    assert all((entry.split == "train") == ("train" in order) for entry in index.entries)
    (told,) = (note for note in index.notes if note.startswith("2 folders below covid"))
    assert "equal names in two of them are two groups (3 here; write a manifest.csv" in told
    assert not any(name in note for note in index.notes for name in (*PLACES, *PATIENTS))


@pytest.mark.parametrize(("count", "found"), [(4, "north/1"), (3, "north")])
def test_numbers_alone_are_patients_where_they_are_many(
    tmp_path: Path, count: int, found: str
) -> None:
    names = [
        f"{label}/{place}/{number}/a.png"
        for label in ("covid", "normal")
        for place in PLACES
        for number in range(count)
    ]
    assert found in groups(lay(tmp_path, *names))


@pytest.mark.parametrize(
    "inner", [("study1", "study2"), ("20190301", "20190302"), ("left", "right"), ("ap", "scan2")]
)
def test_studies_below_patients_are_no_patients(tmp_path: Path, inner: tuple[str, str]) -> None:
    names = [
        f"{label}/{patient}/{study}/a.png"
        for label in ("covid", "normal")
        for patient in ("anna", "otto")
        for study in inner
    ]
    assert groups(lay(tmp_path, *names)) == {"anna", "otto"}


def test_patients_above_studies_called_like_persons_stay_the_groups(tmp_path: Path) -> None:
    names = [f"covid/patient{n}/p{study}/a.png" for n in range(3) for study in range(2)]
    assert groups(lay(tmp_path, *names)) == {"patient0", "patient1", "patient2"}


def test_one_folder_of_patients_in_each_class_is_no_hospital(tmp_path: Path) -> None:
    names = [
        f"{label}/{label}_ct/p{number}/a.png"
        for label in ("covid", "normal")
        for number in range(4)
    ]
    index = lay(tmp_path, *names)
    assert groups(index) == {f"p{number}" for number in range(4)}
