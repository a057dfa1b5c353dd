"""Folders of class, split and modality are read in any order; below the class they are patients."""

from __future__ import annotations

import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from edge_kit.data.dataset import load_dataset
from edge_kit.data.films import list_films
from edge_kit.data.index import FilmEntry, index_films, index_folder
from edge_kit.data.places import name_patients
from edge_runtime.errors import DataError
from films import write_film, write_films


def lay(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@pytest.mark.parametrize(
    "name",
    [
        "train/ct/covid/1.png",
        "ct/train/covid/1.png",
        "ct/covid/train/1.png",
        "train/covid/ct/1.png",
        "covid/train/CT/1.png",
        "covid/ct-scan/Training/1.png",
        "set/train/images/covid/ct/1.png",
    ],
)
def test_every_order_of_class_split_and_modality_is_honoured(tmp_path: Path, name: str) -> None:
    other = name.replace("covid", "normal")
    entries = index_films(lay(tmp_path, name, other))
    assert {entry.class_name for entry in entries} == {"covid", "normal"}
    assert {(entry.modality, entry.split) for entry in entries} == {("ct", "train")}


def test_splits_below_the_classes_are_those_of_the_dataset(tmp_path: Path) -> None:
    splits = ("train", "val", "test")
    root = write_films(tmp_path, *(f"{c}/{s}" for c in ("covid", "normal") for s in splits))
    for film in load_dataset(root, modality="xray", seed=0).films:
        assert film.split == film.path.parent.name


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["train/covid/test/1.png"], "names two splits, train and test; name one"),
        (["ct/covid/xray/1.png"], "names two modalities, ct and xray; name one"),
        (
            ["train/covid/1.png", "normal/train/1.png"],
            "normal/train: has its split below its class, train/covid above; order all",
        ),
        (
            ["p1/covid/1.png", "p2/normal/1.png"],
            "p1/covid: has its class below another folder, 'p1'; put the folders of classes above",
        ),
        (["train/1.png", "test/covid/1.png"], "train/1.png: is in no class folder"),
        (
            ["covid/train/1.png", "covid/test_2/1.png"],
            "covid/test_2: 'test_2' below a class may be a split, or not; call it train, val or t",
        ),
        (["covid/eval/1.png", "normal/a/1.png"], "covid/eval: 'eval' below a class may be a spl"),
    ],
)
def test_orders_that_contradict_are_refused_in_one_line(
    tmp_path: Path, names: list[str], message: str
) -> None:
    with pytest.raises(DataError) as caught:
        index_films(lay(tmp_path, *names))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "names",
    [
        ("train_set", "val_set", "test_set"),
        ("trn", "dev", "tst"),
        ("TrainData", "VALID", "holdout"),
    ],
)
def test_splits_have_the_names_in_common_use(tmp_path: Path, names: tuple[str, ...]) -> None:
    entries = index_films(lay(tmp_path, *(f"covid/{name}/{name}.png" for name in names)))
    by_name = {Path(entry.name).stem: entry.split for entry in entries}
    assert [by_name[name] for name in names] == ["train", "val", "test"]
    assert not any(entry.ids for entry in entries)


@pytest.mark.parametrize("name", ["valgus", "testis", "valve", "p-test"])
def test_other_words_are_no_splits(tmp_path: Path, name: str) -> None:
    index_films(lay(tmp_path, f"covid/{name}/1.png", "covid/b/1.png", "normal/c/1.png"))


def test_below_years_the_patients_are_found(tmp_path: Path) -> None:
    names = ["2019/pat3", "2019/pat4", "2020/pat3", "2020/pat5"]
    index = index_folder(lay(tmp_path, *(f"covid/{name}/1.png" for name in names)))
    assert [entry.ids for entry in index.entries] == [
        ("folder pat3",),
        ("folder pat4",),
        ("folder pat3",),
        ("folder pat5",),
    ]


@pytest.mark.parametrize(("below", "said"), [("Otto", True), ("study1", False), ("2", False)])
def test_names_that_recur_in_several_groups_are_told(
    tmp_path: Path, below: str, said: bool
) -> None:
    index = index_folder(lay(tmp_path, *(f"covid/{h}/{below}/{h}.png" for h in ("north", "south"))))
    assert said is any("a split may part them" in note for note in index.notes)
    assert not any(below in note for note in index.notes if said)


def test_a_split_named_twice_alike_contradicts_nothing(tmp_path: Path) -> None:
    (entry,) = index_films(lay(tmp_path, "train/covid/train/1.png"))
    assert entry == FilmEntry("train/covid/train/1.png", "covid", None, "train")


def test_no_patients_folder_is_parted_by_a_split(tmp_path: Path) -> None:
    root = tmp_path / "films"
    for number in range(96):
        label = ("covid", "normal")[number % 2]
        patient = f"{label[0]}{number // 8:02d}"
        write_film(root / label / patient / f"study{number // 4 % 2}" / f"{number}.png", number)
    dataset = load_dataset(root, modality="xray", seed=0)
    splits = Counter((film.path.relative_to(root).parts[1], film.split) for film in dataset.films)
    assert len(splits) == 24
    assert set(splits.values()) == {4}
    assert dataset.notes == (
        "24 folders below the classes are taken as groups (patients): covid (12), normal (12)",
    )


def test_a_patient_with_films_of_both_classes_is_one_group(tmp_path: Path) -> None:
    folders = [f"{label}/p{number}" for label in ("covid", "normal") for number in range(12)]
    dataset = load_dataset(write_films(tmp_path, *folders, count=2), modality="xray", seed=0)
    assert len({film.group for film in dataset.films}) == 12
    assert "; 12 have the name of one in another class, and are one group" in dataset.notes[0]


@pytest.mark.parametrize("kind", ["images", "PNG", "frontal"])
def test_a_folder_that_sorts_by_kind_is_no_patient(tmp_path: Path, kind: str) -> None:
    index = index_folder(
        write_films(tmp_path, f"covid/{kind}", f"normal/{kind}", f"normal/{kind}2")
    )
    assert {entry.ids for entry in index.entries if entry.class_name == "covid"} == {()}
    assert not any("covid" in note for note in index.notes)


def test_a_folder_that_holds_all_of_a_class_is_no_patient_which_is_said(tmp_path: Path) -> None:
    index = index_folder(lay(tmp_path, "covid/a/1.png", "normal/b/x/1.png", "normal/b/y/2.png"))
    assert [entry.ids for entry in index.entries] == [(), ("folder x",), ("folder y",)]
    assert index.notes[1:] == tuple(
        f"one folder below {name} holds all of its films: it is no group"
        for name in ("covid", "normal")
    )


def test_below_a_folder_that_holds_all_patients_are_found(tmp_path: Path) -> None:
    index = index_folder(lay(tmp_path, "covid/images/a/1.png", "covid/images/b/1.png"))
    assert [entry.ids for entry in index.entries] == [("folder a",), ("folder b",)]


def test_a_folder_of_nearly_a_whole_class_is_no_patient_which_is_said(tmp_path: Path) -> None:
    names = [*(f"covid/all_of_it/{n}.png" for n in range(19)), "covid/rest/1.png"]
    index = index_folder(lay(tmp_path, *names, "normal/a/1.png", "normal/b/1.png"))
    assert {entry.ids for entry in index.entries} == {(), ("folder a",), ("folder b",)}
    assert index.notes == (
        "2 folders below the classes are taken as groups (patients): normal (2)",
        "one folder below covid holds 19 of its 20 films, which no patient has: folders below "
        "covid are not taken as groups",
    )


def test_too_few_patients_folders_for_a_split_are_named_as_the_reason(tmp_path: Path) -> None:
    root = write_films(tmp_path, *(f"{c}/part{n}" for c in ("covid", "normal") for n in (1, 2)))
    with pytest.raises(DataError, match="folders below the classes count as patients: where"):
        load_dataset(root, modality="xray", seed=0)


def test_names_of_classes_and_patients_are_the_same_in_every_unicode_form(tmp_path: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "Pneumonie à É") for form in ("NFC", "NFD"))
    root = lay(tmp_path, f"{apart}/x/1.png", f"{composed}/x/2.png", "sain/y/3.png")
    for name in (composed, apart):
        listed = list_films(root, modality="xray", positive=name)
        assert listed.classes.positive == composed
        assert {*listed.classes.of} == {composed, "sain"}


def test_a_label_of_a_manifest_is_compared_in_one_unicode_form(tmp_path: Path) -> None:
    lay(tmp_path, "1.png", "2.png")
    apart = unicodedata.normalize("NFD", "à")
    (tmp_path / "manifest.csv").write_text(f"path,label\n1.png,{apart}\n2.png,b\n", "utf-8")
    assert list_films(tmp_path, modality="xray", positive="à").classes.positive == "à"


def test_a_path_of_a_manifest_is_found_in_every_unicode_form(tmp_path: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "à") for form in ("NFC", "NFD"))
    lay(tmp_path, f"{apart}/1.png", f"{composed}/2.png")
    rows = f"path,label\n{composed}/1.png,a\n{apart}/2.png,b\n"
    (tmp_path / "manifest.csv").write_text(rows, "utf-8")
    names = {entry.name for entry in index_films(tmp_path)}
    assert names == {f"{apart}/1.png", f"{composed}/2.png"}


def test_names_of_kaggles_films_tell_the_patients() -> None:
    films = [
        ("person12_virus_45.jpeg", "train"),
        ("person12_bacteria_9.jpeg", "val"),
        ("person12_virus_7.jpeg", "test"),
        ("NORMAL2-IM-0383-0001.jpeg", "train"),
        ("IM-0115-0001-0002.jpeg", None),
        ("other.jpeg", None),
    ]
    patients = ["person12", "person12", "test person12", "NORMAL2-IM-0383", "IM-0115", ""]
    assert name_patients(films) == patients  # type: ignore[arg-type]


def test_series_without_persons_are_not_kaggles() -> None:
    assert name_patients([("IM-0001-0001.jpeg", None), ("IM-0001-0002.jpeg", None)]) == ["", ""]
