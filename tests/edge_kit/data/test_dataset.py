"""Films become a split dataset that depends on their bytes and patients, not on their names."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from edge_export.films.film import Film
from edge_kit.data.dataset import Dataset, load_dataset, other_films
from edge_kit.data.split import with_splits, write_split_table
from edge_runtime.errors import DataError, UsageError
from films import write_film, write_films


def splits(dataset: Dataset) -> Counter[tuple[str, str]]:
    return Counter((film.split, film.label) for film in dataset.films)


def by_digest(films: tuple[Film, ...]) -> dict[str, tuple[str, str, str]]:
    return {film.sha256: (film.label, film.split, film.group) for film in films}


def test_class_folders_become_a_split_dataset(tmp_path: Path) -> None:
    dataset = load_dataset(
        write_films(tmp_path, "COVID-19", "Normal", count=20), modality="xray", seed=0
    )
    assert (dataset.modality, dataset.positive, dataset.negative) == ("xray", "covid", "noncovid")
    assert dataset.classes == {"COVID-19": ("covid", 20), "Normal": ("noncovid", 20)}
    assert dataset.warnings == ()
    assert splits(dataset) == {
        (split, label): count
        for split, count in (("train", 14), ("val", 3), ("test", 3))
        for label in ("covid", "noncovid")
    }
    assert [film.path for film in dataset.films] == sorted(film.path for film in dataset.films)


def test_the_published_layout_needs_a_modality(tmp_path: Path) -> None:
    folders = [f"COVID-19 Dataset/{m}/{c}" for m in ("CT", "X-ray") for c in ("COVID", "Non-COVID")]
    write_films(tmp_path, *folders)
    for root in (tmp_path, tmp_path / "COVID-19 Dataset"):
        with pytest.raises(UsageError, match=r"holds ct \(16\), xray \(16\); choose one with"):
            load_dataset(root, seed=0)
        dataset = load_dataset(root, modality="ct", seed=0)
        assert {film.path.parent.parent.name for film in dataset.films} == {"CT"}
        assert dataset.classes == {"COVID": ("covid", 8), "Non-COVID": ("noncovid", 8)}


def test_other_classes_keep_their_names(tmp_path: Path) -> None:
    root = write_films(tmp_path, "Flu", "Normal")
    dataset = load_dataset(root, positive="flu", modality="xray", seed=0)
    assert (dataset.positive, dataset.negative) == ("Flu", "Normal")
    assert {film.label for film in dataset.films} == {"Flu", "Normal"}


@pytest.mark.parametrize("given", [("train",), ("train", "test"), ("Train", "Valid", "Test")])
def test_missing_splits_come_out_of_train_and_given_ones_stay(
    tmp_path: Path, given: tuple[str, ...]
) -> None:
    write_films(tmp_path, *[f"{split}/{label}" for split in given for label in ("covid", "normal")])
    dataset = load_dataset(tmp_path, modality="xray", seed=0)
    assert {film.split for film in dataset.films} == {"train", "val", "test"}
    for film in dataset.films:
        folder = film.path.parent.parent.name.lower()
        assert folder == "train" or film.split == {"valid": "val", "test": "test"}[folder]


def test_place_and_names_of_films_change_nothing(tmp_path: Path) -> None:
    root = write_films(tmp_path / "a", "covid", "normal")
    moved = tmp_path / "b" / "else"
    for label in ("covid", "normal"):
        for path in (root / label).iterdir():
            target = moved / label / f"{9 - int(path.stem)}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    one, other = (load_dataset(folder, modality="xray", seed=5).films for folder in (root, moved))
    assert by_digest(one) == by_digest(other)
    assert by_digest(one) != by_digest(load_dataset(root, modality="xray", seed=6).films)


def test_patients_and_near_duplicates_stay_together(tmp_path: Path) -> None:
    rows = ["path,label,patient_id"]
    for film in range(40):
        label = ("covid", "normal")[film % 2]
        write_film(tmp_path / f"{film}.png", film // 4 * 2 + film % 2, brighter=film // 2 % 2)
        rows.append(f"{film}.png,{label},{label}{film // 8}")
    (tmp_path / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    films = load_dataset(tmp_path, modality="xray", seed=0).films
    assert len(films) == 40
    assert len({film.group for film in films}) == 10
    assert len({(film.group, film.split) for film in films}) == 10


def test_near_duplicates_across_given_splits_are_a_warning(tmp_path: Path) -> None:
    folders = [f"{split}/{label}" for split in ("train", "val", "test") for label in "ab"]
    root = write_films(tmp_path, *folders, count=3)
    write_film(root / "test/a/twin.png", 0, brighter=9)
    dataset = load_dataset(root, positive="a", modality="xray", seed=0)
    assert dataset.warnings == ("the given splits part 1 near-duplicate pair",)
    assert dataset.details == ("parted: test/a/twin.png and train/a/0.png",)
    groups = {film.group for film in dataset.films}
    assert len({(film.group, film.split) for film in dataset.films}) == len(groups) == 19


def test_copies_count_once_and_stay_in_the_test_split(tmp_path: Path) -> None:
    folders = [f"{split}/{label}" for split in ("train", "val", "test") for label in "ab"]
    root = write_films(tmp_path, *folders, count=3)
    shutil.copyfile(root / "test/a/0.png", root / "train/a/copy.png")
    dataset = load_dataset(root, positive="a", modality="xray", seed=0)
    assert dataset.warnings == ("1 film left out, byte for byte the same as others",)
    names = {film.path.relative_to(root).as_posix() for film in dataset.films}
    assert "test/a/0.png" in names
    assert "train/a/copy.png" not in names
    assert dataset.classes == {"a": ("a", 9), "b": ("b", 9)}


def test_copies_with_two_labels_are_refused(tmp_path: Path) -> None:
    root = write_films(tmp_path, "covid", "normal")
    shutil.copyfile(root / "covid/0.png", root / "normal/copy.png")
    with pytest.raises(DataError, match=r"copy.png: is noncovid, but its copy covid/0.png is cov"):
        load_dataset(root, modality="xray", seed=0)


def test_unreadable_films_stop_or_are_skipped_and_reported(tmp_path: Path) -> None:
    root = write_films(tmp_path, "covid", "normal")
    (root / "covid/bad.png").touch()
    (root / "normal/bad.jpg").write_text("text", encoding="utf-8")
    with pytest.raises(DataError, match=r"covid/bad.png: is empty \(2 films of 18 unreadable\); r"):
        load_dataset(root, modality="xray", seed=0)
    dataset = load_dataset(root, modality="xray", seed=0, skip_unreadable=True)
    assert dataset.warnings == ("2 films left out, that cannot be read",)
    assert dataset.details == (
        f"skipped: {root}/covid/bad.png is empty",
        f"skipped: {root}/normal/bad.jpg is no image",
    )
    assert dataset.classes == {"covid": ("covid", 8), "normal": ("noncovid", 8)}


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (["covid"], "two classes are needed, 1 found: covid (2)"),
        (["covid", "normal", "flu"], "3 found: covid (2), flu (2), normal (2)"),
        (["flu", "normal"], "no class is named 'covid'"),
        (["covid", "normal"], "test split has no covid film (groups: 2 covid and 2 noncovid); add"),
        (["train/covid", "train/normal", "test/covid"], "test split has no noncovid film"),
        (
            ["train/covid", "normal"],
            "normal/0.png: is in no split (2 such films), others are; give all",
        ),
    ],
)
def test_unusable_data_is_refused(tmp_path: Path, folders: list[str], message: str) -> None:
    with pytest.raises(DataError) as caught:
        load_dataset(write_films(tmp_path, *folders, count=2), modality="xray", seed=0)
    assert message in str(caught.value)


def test_an_export_gets_the_splits_of_its_run(tmp_path: Path) -> None:
    root = write_films(tmp_path / "data", "covid", "normal")
    run = load_dataset(root, modality="xray", seed=1)
    write_split_table(run.films, tmp_path / "splits.csv")
    assert (
        with_splits(load_dataset(root, modality="xray", seed=2).films, tmp_path / "splits.csv")
        == run.films
    )


def test_films_of_the_other_modality_come_with_splits_of_their_own(tmp_path: Path) -> None:
    write_films(tmp_path, "ct/covid", "ct/normal", "xray/covid", "xray/normal", count=20)
    found = other_films(tmp_path, "xray", seed=0)
    assert found == load_dataset(tmp_path, modality="ct", seed=0).films
    assert {film.path.parent.parent.name for film in found} == {"ct"}
    assert {film.split for film in found} == {"train", "val", "test"}


def test_there_need_be_no_films_of_another_modality(tmp_path: Path) -> None:
    write_films(tmp_path / "marked", "xray/covid", "xray/normal")
    write_films(tmp_path / "unmarked", "covid", "normal")
    assert other_films(tmp_path / "marked", "xray", seed=0) == ()
    assert other_films(tmp_path / "unmarked", "xray", seed=0) == ()


def test_a_damaged_counter_example_is_left_out(tmp_path: Path) -> None:
    write_films(tmp_path, "ct/covid", "ct/normal", "xray/covid", "xray/normal", count=20)
    (tmp_path / "ct/covid/0.png").write_bytes(b"torn")
    assert len(other_films(tmp_path, "xray", seed=0)) == 39
