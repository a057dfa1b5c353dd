"""Films of several folders are as of one: no copy, patient or class is lost between them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge_export.films.film import Film
from edge_kit.data.collection import choose_modality, index_collection
from edge_kit.data.dataset import Dataset, load_dataset, other_films
from edge_kit.data.film_attributes import manifest_attributes
from edge_kit.data.film_folders import FilmFolders, film_folders
from edge_kit.data.groups import read_groups, write_groups
from edge_kit.data.leaks import require_no_leaks
from edge_kit.data.survey import survey
from edge_runtime.errors import DataError, UsageError
from films import write_film

HEAD = "path,label,split,patient_id,source\n"


def hospital(root: Path, first: int, *classes: str, count: int = 8) -> Path:
    """Write films that no other hospital has, in folders of `classes`."""
    for place, name in enumerate(classes):
        for film in range(count):
            write_film(root / name / f"{film}.png", first + place * count + film)
    return root


def listed_hospital(root: Path, first: int, rows: list[str]) -> Path:
    """Write a film for each row of a manifest, which begins with the path."""
    for place, row in enumerate(rows):
        write_film(root / row.split(",")[0], first + place)
    (root / "manifest.csv").write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
    return root


@pytest.fixture
def folders(tmp_path: Path) -> FilmFolders:
    north = hospital(tmp_path / "north", 0, "covid", "normal")
    south = hospital(tmp_path / "south", 100, "covid", "normal")
    return film_folders([south, north])


def groups(dataset: Dataset, *names: str, folders: FilmFolders) -> set[str]:
    return {film.group for film in dataset.films if folders.name(film.path) in names}


def test_films_of_all_folders_are_there_sorted_by_unambiguous_names(folders: FilmFolders) -> None:
    index = index_collection(folders)
    names = [entry.name for entry in index.entries]
    assert names == sorted({*names})
    assert {"north/covid/0.png", "south/covid/0.png"} <= {*names}
    dataset = load_dataset(folders, modality="xray", seed=0)
    assert [folders.name(film.path) for film in dataset.films] == names
    assert all(film.path.is_file() for film in dataset.films)
    assert dataset.notes == ("north has covid (8), normal (8); south has covid (8), normal (8)",)


def test_one_folder_is_the_same_given_as_a_path_or_as_folders(tmp_path: Path) -> None:
    north = hospital(tmp_path / "north", 0, "covid", "normal")
    given = (north, film_folders([north]))
    one, other = (load_dataset(data, modality="xray", seed=0) for data in given)
    assert one == other
    assert manifest_attributes(north, one.films) == ({},) * len(one.films)


def test_what_is_left_out_names_its_folder_to_the_owner_alone(folders: FilmFolders) -> None:
    north, south = folders.by_name.values()
    (north / "covid/1.gif").touch()
    (south / "covid/1.nii").touch()
    (south / "notes.txt").touch()
    dataset = load_dataset(folders, modality="xray", seed=0)
    assert dataset.warnings == ("left out: 1 .gif file; 1 .nii file",)
    assert dataset.notes[:3] == (
        "north: left out: 1 .gif file",
        "south: left out: 1 .nii file",
        "south: passed over: 1 .txt file",
    )


def test_copies_and_near_copies_in_another_folder_are_found(
    folders: FilmFolders, tmp_path: Path
) -> None:
    north, south = folders.by_name.values()
    shutil.copy(north / "covid/0.png", south / "covid/copy.png")
    write_film(south / "covid/near.png", 1, brighter=1)
    dataset = load_dataset(folders, modality="xray", seed=0)
    assert dataset.warnings == ("1 film left out, byte for byte the same as others",)
    pair = "north/covid/1.png", "south/covid/near.png"
    assert len(groups(dataset, *pair, folders=folders)) == 1
    scan = survey(folders, modality="xray")
    assert "clusters of copies with films of several of the folders: 2" in scan.notes
    write_groups(scan, tmp_path / "groups.csv")
    table = read_groups(tmp_path / "groups.csv")
    assert table[pair[0]] == table[pair[1]] != table["north/covid/2.png"]
    again = load_dataset(folders, modality="xray", seed=0, groups=tmp_path / "groups.csv")
    assert len(groups(again, *pair, folders=folders)) == 1


def test_a_copy_of_another_class_in_another_folder_is_named_with_its_folder(
    folders: FilmFolders,
) -> None:
    north, south = folders.by_name.values()
    shutil.copy(north / "covid/0.png", south / "normal/copy.png")
    with pytest.raises(DataError, match=r"but its copy north/covid/0\.png is covid") as refused:
        load_dataset(folders, modality="xray", seed=0)
    assert refused.value.subject == str(south / "normal/copy.png")


def test_a_leak_between_folders_is_found_and_names_both_films(tmp_path: Path) -> None:
    for split, first in (("train", 0), ("val", 50), ("test", 100)):
        hospital(tmp_path / "north" / split, first, "covid", "normal", count=2)
        hospital(tmp_path / "south" / split, first + 200, "covid", "normal", count=2)
    write_film(tmp_path / "south/test/covid/0.png", 0, brighter=1)  # north's of training
    dataset = load_dataset(
        film_folders([tmp_path / "north", tmp_path / "south"]), modality="xray", seed=0
    )
    (parted,) = dataset.details
    pair = ["north/train/covid/0.png", "south/test/covid/0.png"]
    assert sorted(parted.removeprefix("parted: ").split(" and ")) == pair
    with pytest.raises(DataError, match=r"of the same near-duplicate pair") as refused:
        require_no_leaks(dataset)
    told = str(refused.value)
    assert str(tmp_path / "north/train") in told
    assert str(tmp_path / "south/test") in told


def test_the_same_films_are_split_alike_whatever_their_folders_are_called(
    folders: FilmFolders, tmp_path: Path
) -> None:
    for place, path in enumerate(folders.by_name.values()):
        shutil.copytree(path, tmp_path / f"moved{1 - place}")
    moved = film_folders([tmp_path / "moved0", tmp_path / "moved1"])
    splits = [
        {film.sha256: film.split for film in load_dataset(data, modality="xray", seed=3).films}
        for data in (folders, moved)
    ]
    assert splits[0] == splits[1]


def test_sources_are_the_manifests_and_else_the_folders_names(tmp_path: Path) -> None:
    north = hospital(tmp_path / "north", 0, "covid", "normal", count=1)
    rows = ["a/1.png,covid,,,east", "a/2.png,normal,,,"]
    south = listed_hospital(tmp_path / "south", 50, rows)
    folders = film_folders([north, south])
    names = [entry.name for entry in index_collection(folders).entries]
    films = load_films(folders, names)
    found = [cells.get("source") for cells in manifest_attributes(folders, films)]
    assert dict(zip(names, found, strict=True)) == {
        "north/covid/0.png": "north",
        "north/normal/0.png": "north",
        "south/a/1.png": "east",
        "south/a/2.png": "south",
    }


def load_films(folders: FilmFolders, names: list[str]) -> tuple[Film, ...]:
    return tuple(Film(folders.path(name), "covid", "test", "g", name) for name in names)


@pytest.mark.parametrize(
    ("sources", "alike", "line"),
    [
        (("", ""), True, "taken as the same: 1"),
        (("east", ""), True, "taken as the same: 1"),
        (("east", "east"), True, "taken as the same: 1"),
        (("east", "west"), False, "sources differ, taken as different: 1"),
    ],
)
def test_a_patient_of_several_folders_is_one_unless_sources_differ(
    sources: tuple[str, str], alike: bool, line: str, tmp_path: Path
) -> None:
    data = [
        listed_hospital(
            tmp_path / name, place * 50, [f"1.png,covid,,p1,{source}", f"2.png,normal,,q{place},"]
        )
        for place, (name, source) in enumerate(zip(("north", "south"), sources, strict=True))
    ]
    index = index_collection(film_folders(data))
    ids = {entry.name: entry.ids for entry in index.entries}
    assert (ids["north/1.png"] == ids["south/1.png"]) is alike
    assert ids["north/2.png"] == ("patient_id q0",)
    (note,) = index.notes
    assert line in note
    assert "p1" not in note


def test_each_folder_has_its_own_modality_and_they_must_agree(tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    hospital(mixed / "ct", 0, "covid", "normal")
    hospital(mixed / "xray", 50, "covid", "normal")
    plain = hospital(tmp_path / "plain", 100, "covid", "normal")
    scans = hospital(tmp_path / "ct", 150, "covid", "normal")
    films = film_folders([mixed, plain])
    modality, entries = choose_modality(films, index_collection(films).entries, "xray")
    assert modality == "xray"
    assert len(entries) == 32
    with pytest.raises(UsageError, match=r"holds ct \(16\), xray \(16\)"):
        choose_modality(films, index_collection(films).entries, None)
    apart = film_folders([hospital(tmp_path / "xray", 200, "covid", "normal"), scans])
    with pytest.raises(UsageError, match=r"hold ct .*, xray .*; choose one with --modality"):
        choose_modality(apart, index_collection(apart).entries, None)
    with pytest.raises(DataError, match="holds no ct, only xray"):
        choose_modality(apart, index_collection(apart).entries, "ct")
    foreign = other_films(film_folders([mixed, apart.by_name["xray"]]), "xray", seed=0)
    assert {film.path.relative_to(mixed).parts[0] for film in foreign} == {"ct"}


def test_classes_that_do_not_agree_are_listed_by_folder_with_the_options_that_help(
    tmp_path: Path,
) -> None:
    data = film_folders(
        [
            hospital(tmp_path / "north", 0, "covid", "normal"),
            hospital(tmp_path / "south", 50, "covid", "pneumonia"),
        ]
    )
    with pytest.raises(DataError, match="two classes are needed, 3 found") as refused:
        load_dataset(data, modality="xray", seed=0)
    told = str(refused.value)
    assert "north has covid (8), normal (8); south has covid (8), pneumonia (8)" in told
    assert "--positive covid --negative normal,pneumonia" in told
    dataset = load_dataset(data, modality="xray", negative="normal,pneumonia", seed=0)
    assert len(dataset.films) == 32


def test_classes_are_the_same_whichever_way_their_accents_are_written(tmp_path: Path) -> None:
    data = film_folders(
        [
            hospital(tmp_path / "north", 0, "tumeur b\u00e9nigne", "sain"),
            hospital(tmp_path / "south", 50, "tumeur be\u0301nigne", "sain"),
        ]
    )
    dataset = load_dataset(data, modality="xray", positive="tumeur b\u00e9nigne", seed=0)
    assert dataset.classes["tumeur b\u00e9nigne"] == ("tumeur b\u00e9nigne", 16)


def test_a_folder_may_hold_one_class_where_another_holds_the_other(tmp_path: Path) -> None:
    data = film_folders(
        [
            hospital(tmp_path / "north", 0, "covid"),
            hospital(tmp_path / "south", 50, "normal"),
        ]
    )
    assert len(load_dataset(data, modality="xray", seed=0).films) == 16


def test_splits_are_given_for_all_films_of_all_folders_or_for_none(tmp_path: Path) -> None:
    for split, first in (("train", 0), ("val", 50), ("test", 100)):
        hospital(tmp_path / "north" / split, first, "covid", "normal")
    south = hospital(tmp_path / "south", 200, "covid", "normal")
    with pytest.raises(DataError, match=r"is in no split \(16 such films\), others are") as refused:
        load_dataset(film_folders([tmp_path / "north", south]), modality="xray", seed=0)
    assert refused.value.subject == str(south / "covid/0.png")


def test_a_folder_that_is_not_there_is_named_alone(folders: FilmFolders, tmp_path: Path) -> None:
    data = film_folders([*folders.by_name.values(), tmp_path / "gone"])
    with pytest.raises(DataError) as refused:
        load_dataset(data, modality="xray", seed=0)
    assert refused.value.subject == str(tmp_path / "gone")


def sourced(tmp_path: Path) -> FilmFolders:
    rows = ("a/1.png,covid,train,,one", "a/2.png,normal,train,,one", "b/3.png,covid,train,,Two")
    north = listed_hospital(tmp_path / "north", 0, [*rows, "b/4.png,normal,train,,Two"])
    south = hospital(tmp_path / "south", 100, "covid", "normal", count=2)
    return film_folders([north, south])


def test_films_of_a_source_that_is_left_out_are_in_no_list_and_counted(tmp_path: Path) -> None:
    folders = sourced(tmp_path).leaving_out(["two"])
    index = index_collection(folders)
    assert {entry.source for entry in index.entries} == {"one", ""}
    assert "north: left out with their sources: 2 films" in index.notes
    without_south = index_collection(folders.leaving_out(["south"]))
    assert [entry.name for entry in without_south.entries] == ["north/a/1.png", "north/a/2.png"]


def test_sources_stay_left_out_of_some_of_the_folders(tmp_path: Path) -> None:
    folders = sourced(tmp_path).leaving_out(["two"])
    assert folders.holding(["north/a/1.png"]).without == ("two",)
    assert folders.leaving_out(["two", "one"]).without == ("one", "two")


def test_a_source_that_no_film_has_is_refused_with_those_there_are(tmp_path: Path) -> None:
    folders = sourced(tmp_path).leaving_out(["three"])
    with pytest.raises(DataError, match=r"source 'three', only of Two, one, south; name one"):
        index_collection(folders)
