"""Phantoms are pure functions, look alike in all but the disease, and are written whole."""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from edge_export.films.phantom import COLUMNS, SMALLEST_SIDE, phantom, write_phantoms
from edge_runtime.errors import CannotWrite, EdgeError, UsageError

POSITIVE = np.arange(200) % 2 == 1
Pixels = NDArray[np.float64]


def digest(image: Image.Image) -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()


def stretched(film: Pixels) -> Pixels:
    low, high = np.percentile(film, (1, 99))
    even: Pixels = np.clip((film - low) / (high - low), 0.0, 1.0)
    return even


def marginals(film: Pixels) -> list[float]:
    levels = np.percentile(film, (5, 10, 25, 50, 75, 90, 95))
    return [film.mean(), film.std(), *levels]


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def films() -> Pixels:
    """Two hundred small films, alternately negative and positive."""
    drawn = [phantom(n, positive=bool(p), size=(128, 128)) for n, p in enumerate(POSITIVE)]
    return np.stack([np.asarray(film, dtype=np.float64) for film in drawn])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantoms") / "new" / "films"
    write_phantoms(folder, count=56, seed=3)
    return folder


@pytest.mark.parametrize("positive", [True, False])
def test_same_arguments_give_same_pixels(positive: bool) -> None:
    assert digest(phantom(7, positive=positive)) == digest(phantom(7, positive=positive))


def test_seed_class_and_view_each_change_the_film() -> None:
    films = [
        phantom(7, positive=True),
        phantom(8, positive=True),
        phantom(7, positive=False),
        phantom(7, positive=True, view=1),
    ]
    assert len({digest(film) for film in films}) == len(films)


@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("size", [(320, 320), (SMALLEST_SIDE, SMALLEST_SIDE), (200, 321)])
def test_film_of_either_class_is_grey_and_of_the_size_asked(
    positive: bool, size: tuple[int, int]
) -> None:
    film = phantom(0, positive=positive, size=size)
    assert (film.mode, film.size) == ("L", size)
    assert np.ptp(np.asarray(film)) > 100, "a film shows something"


def test_each_grey_level_statistic_alone_is_no_shortcut(films: Pixels) -> None:
    for statistic in np.transpose([marginals(f) + marginals(stretched(f)) for f in films]):
        assert 0.35 < roc_auc_score(POSITIVE, statistic) < 0.65


@pytest.mark.parametrize("stretch", [False, True])
def test_all_grey_level_statistics_together_are_no_shortcut(films: Pixels, stretch: bool) -> None:
    features = [marginals(stretched(film) if stretch else film) for film in films]
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    chance = cross_val_predict(model, features, POSITIVE, cv=5, method="predict_proba")[:, 1]
    assert roc_auc_score(POSITIVE, chance) < 0.65


def test_disease_shows_low_at_the_rim_of_both_lungs(films: Pixels) -> None:
    even = np.stack([stretched(film) for film in films])
    excess = even[POSITIVE].mean(axis=0) - even[~POSITIVE].mean(axis=0)
    right, left = excess[70:95, 18:34].mean(), excess[70:95, 94:110].mean()
    middle, top = excess[70:95, 56:72].mean(), excess[15:40, 18:110].mean()
    assert min(right, left) > 0.05 > max(abs(middle), abs(top))


@pytest.mark.parametrize(
    ("seed", "view", "size", "named"),
    [
        (-1, 0, (320, 320), "phantom -1"),
        (0, -1, (320, 320), "view -1"),
        (0, 0, (320, SMALLEST_SIDE - 1), "size 320x63"),
        (0, 0, (0, 320), "size 0x320"),
    ],
)
def test_impossible_phantom_is_a_usage_error(
    seed: int, view: int, size: tuple[int, int], named: str
) -> None:
    with pytest.raises(UsageError, match=named):
        phantom(seed, positive=True, size=size, view=view)


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
