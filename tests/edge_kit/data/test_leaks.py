"""A split that parts a patient or a copy leaks, is told, and is closed by the grouped split."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from edge_kit.data.dataset import Dataset, load_dataset
from edge_kit.data.leaks import closed, grouped_and_naive, require_no_leaks
from edge_runtime.errors import DataError
from films import write_film

SPLITS = ("train", "val", "test")


def given(root: Path, *, leaking: bool = True, patients: int = 20) -> Dataset:
    """Two films of every patient, in splits by film (`leaking`) or by patient."""
    rows = ["path,label,split,patient_id"]
    for number in range(patients):
        label = ("covid", "normal")[number % 2]
        for film in range(2):
            name = f"{label}/{number}-{film}.png"
            write_film(root / name, 100 * number + film)
            split = SPLITS[(number // 2 + film * leaking) % 3]
            rows.append(f"{name},{label},{split},{number}")
    (root / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    return load_dataset(root, modality="xray", seed=0)


def test_splits_that_part_a_patient_leak_and_are_refused(tmp_path: Path) -> None:
    dataset = given(tmp_path)
    assert len(dataset.leaks) == 20
    assert {leak.of for leak in dataset.leaks} == {"patient"}  # and not whose
    assert dataset.warnings == ("the given splits part 20 groups",)
    assert dataset.details[0].startswith("parted: covid/0-0.png and covid/0-1.png; ")
    with pytest.raises(DataError) as caught:
        require_no_leaks(dataset)
    assert str(caught.value) == (
        f"{tmp_path}/covid/0-1.png: is val, but 0-0.png of the same patient is train "
        "(20 leaks in all); leave the splits out, or see with --allow-leaks what the leak adds"
    )


def test_what_the_splits_part_is_held_together_to_be_dealt_anew(tmp_path: Path) -> None:
    dataset = given(tmp_path)
    write_film(tmp_path / "covid/twin.png", 0, brighter=9)
    with (tmp_path / "manifest.csv").open("a", encoding="utf-8") as file:
        file.write("\ncovid/twin.png,covid,test,")
    dataset = load_dataset(tmp_path, modality="xray", seed=0)
    assert len({film.group for film in dataset.films}) == 41
    whole = closed(dataset)
    assert len({film.group for film in whole.films}) == 20
    assert whole.leaks == ()
    assert [film.split for film in whole.films] == [film.split for film in dataset.films]
    patient = {film.path.name: film.group for film in whole.films}
    assert patient["twin.png"] == patient["0-0.png"] == patient["0-1.png"] != patient["2-0.png"]


def test_splits_by_patient_do_not_leak(tmp_path: Path) -> None:
    dataset = given(tmp_path, leaking=False)
    assert dataset.leaks == ()
    require_no_leaks(dataset)
    assert closed(dataset) == dataset


def test_splits_that_part_near_duplicates_leak(tmp_path: Path) -> None:
    given(tmp_path, leaking=False)
    write_film(tmp_path / "covid/twin.png", 0, brighter=9)
    with (tmp_path / "manifest.csv").open("a", encoding="utf-8") as file:
        file.write("\ncovid/twin.png,covid,test,")
    (leak,) = load_dataset(tmp_path, modality="xray", seed=0).leaks
    assert leak.of == "near-duplicate pair"
    assert [film.path.name for film in leak.films] == ["0-0.png", "twin.png"]


def test_splits_that_part_a_scanned_group_leak(tmp_path: Path) -> None:
    root = tmp_path / "data"
    films = given(root, leaking=False).films
    names = [film.path.relative_to(root).as_posix() for film in films]
    rows = [f"{name},{'same' if name.endswith('-1.png') else name}" for name in names]
    table = tmp_path / "groups.csv"
    table.write_text("\n".join(["path,group", *rows]), encoding="utf-8")
    leaks = load_dataset(root, modality="xray", seed=0, groups=table).leaks
    assert {leak.of for leak in leaks} == {"scanned group"}
    assert {leak.films[1].split for leak in leaks} == {"val", "test"}


def test_the_grouped_split_closes_the_leaks_and_the_naive_one_does_not(tmp_path: Path) -> None:
    dataset = given(tmp_path)
    grouped, naive = grouped_and_naive(dataset, seed=1)
    for one in (grouped, naive):
        assert one.leaks == ()
        assert {film.sha256 for film in one.films} == {film.sha256 for film in dataset.films}
        assert len({(film.group, film.split) for film in one.films}) == len(
            {film.group for film in one.films}
        )
    patient = {film.sha256: film.path.name.split("-")[0] for film in dataset.films}
    parted = [
        len({(patient[film.sha256], film.split) for film in one.films}) - 20
        for one in (grouped, naive)
    ]
    assert parted[0] == 0
    assert parted[1] > 5


def test_both_splits_have_the_same_number_of_films_of_each_class(tmp_path: Path) -> None:
    dataset = given(tmp_path, patients=40)
    grouped, naive = grouped_and_naive(dataset, seed=1)
    sizes = [Counter((film.split, film.label) for film in one.films) for one in (grouped, naive)]
    assert sizes[0] == sizes[1]
    before = Counter(film.split for film in dataset.films)
    for split, count in Counter(film.split for film in grouped.films).items():
        assert abs(count - before[split]) <= 4


def test_the_same_seed_deals_the_same_two_splits(tmp_path: Path) -> None:
    dataset = given(tmp_path)
    assert grouped_and_naive(dataset, seed=1) == grouped_and_naive(dataset, seed=1)
    assert grouped_and_naive(dataset, seed=1)[1] != grouped_and_naive(dataset, seed=2)[1]
