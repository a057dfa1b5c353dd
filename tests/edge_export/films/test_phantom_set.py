"""A folder of phantoms appears whole or not at all, its patients each in one split."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest
from PIL import Image

from edge_export.films.phantom_set import COLUMNS, write_phantoms
from edge_runtime.errors import CannotWrite, EdgeError, UsageError


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantoms") / "new" / "films"
    write_phantoms(folder, count=56, seed=3)
    return folder


def test_manifest_lists_every_film_once_and_no_other(folder: Path) -> None:
    paths = [row["path"] for row in rows(folder)]
    assert sorted(paths) == sorted(
        file.relative_to(folder).as_posix() for file in folder.rglob("*.png")
    )
    assert tuple(rows(folder)[0]) == COLUMNS
    assert all(row["path"].startswith(row["label"] + "/") for row in rows(folder))


def test_classes_share_every_split_equally(folder: Path) -> None:
    labels = defaultdict(list)
    for row in rows(folder):
        labels[row["split"]].append(row["label"])
    assert set(labels) == {"train", "val", "test"}
    for listed in labels.values():
        assert listed.count("covid") == listed.count("noncovid") > 0


def test_patient_is_in_one_split_and_some_have_two_films(folder: Path) -> None:
    splits = defaultdict(list)
    for row in rows(folder):
        assert row["group_id"] == row["patient_id"]
        splits[row["patient_id"]].append(row["split"])
    assert all(len(set(named)) == 1 for named in splits.values())
    assert {len(named) for named in splits.values()} == {1, 2}


def test_smallest_count_fills_every_split_with_both_classes(tmp_path: Path) -> None:
    write_phantoms(tmp_path / "films", count=8, seed=0)
    seen = {(row["split"], row["label"]) for row in rows(tmp_path / "films")}
    assert len(seen) == 6


def test_no_two_files_are_alike_and_more_films_keep_the_first(folder: Path, tmp_path: Path) -> None:
    write_phantoms(tmp_path / "films", count=8, seed=3)
    first = {f.relative_to(tmp_path / "films"): f.read_bytes() for f in tmp_path.rglob("*.png")}
    assert first == {name: (folder / name).read_bytes() for name in first}
    assert len({file.read_bytes() for file in folder.rglob("*.png")}) == 56


@pytest.mark.parametrize(
    ("count", "seed", "named"), [(6, 0, "6 films"), (9, 0, "9 films"), (-8, 0, "-8"), (8, -1, "-1")]
)
def test_impossible_set_is_a_usage_error_and_writes_nothing(
    tmp_path: Path, count: int, seed: int, named: str
) -> None:
    with pytest.raises(UsageError, match=named):
        write_phantoms(tmp_path / "films", count=count, seed=seed)
    assert not list(tmp_path.iterdir())


def test_what_stands_there_still_stands(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for occupied in (tmp_path, tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(CannotWrite):
            write_phantoms(occupied, count=8, seed=0)
    assert [path.name for path in tmp_path.rglob("*")] == ["file"]


@pytest.mark.parametrize(
    ("failure", "raised"),
    [(OSError(28, "No space left on device"), CannotWrite), (KeyboardInterrupt(), None)],
)
def test_failure_midway_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: BaseException,
    raised: type[EdgeError] | None,
) -> None:
    save = Image.Image.save

    def fail_on_third(image: Image.Image, path: Path, *, compress_level: int) -> None:
        if path.stem == "0002":
            raise failure
        save(image, path, compress_level=compress_level)

    monkeypatch.setattr(Image.Image, "save", fail_on_third)
    with pytest.raises(raised or type(failure)) as caught:
        write_phantoms(tmp_path / "films", count=8, seed=0)
    assert not list(tmp_path.iterdir())
    if raised:
        assert str(caught.value).startswith(f"{tmp_path / 'films'}: No space left on device; ")
