from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import astuple, replace
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_export.films.film import SPLITS, Film
from edge_export.films.pixels import load_pixels
from edge_export.graph.network import load_model
from edge_export.statistics.estimates import auc, proportion
from edge_kit.data.dataset import Dataset
from edge_kit.data.split import with_splits, write_split_table
from edge_kit.evaluation.subject import open_subject
from edge_kit.training.folds import WHY_NOT_POOLED, Folds, cross_validate, deal, pooled, table
from edge_kit.training.plan import TrainingPlan
from edge_kit.training.records import run_digest
from edge_kit.training.train import Trained, train
from edge_runtime.errors import CannotWrite, DataError, UsageError


def patients(count: int, films_each: int = 3) -> Dataset:
    """Return films of patients of two classes that lie nowhere."""
    films = [
        Film(Path(f"{p}-{f}"), ("covid", "noncovid")[p % 2], "train", f"g{p}", f"{p:032x}{f:032x}")
        for p in range(count)
        for f in range(1 + p % films_each)
    ]
    return Dataset(tuple(films), "xray", "covid", "noncovid", {}, ())


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_every_film_is_tested_once(folds: int) -> None:
    dealt = deal(patients(60), folds, seed=1)
    assert len(dealt) == folds
    tested = Counter(film.sha256 for one in dealt for film in one.films if film.split == "test")
    assert tested == Counter(film.sha256 for film in patients(60).films)


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_no_fold_parts_a_group_and_each_has_all_splits(folds: int) -> None:
    for one in deal(patients(60), folds, seed=1):
        assert len({(film.group, film.split) for film in one.films}) == 60
        shares = Counter((film.split, film.label) for film in one.films)
        for label in ("covid", "noncovid"):
            assert all(shares[split, label] >= 2 for split in SPLITS)
            whole = sum(shares[split, label] for split in SPLITS)
            assert shares["test", label] == pytest.approx(whole / folds, abs=2)


def test_folds_do_not_depend_on_the_order_of_films_but_on_the_seed() -> None:
    dataset = patients(60)
    turned = replace(dataset, films=dataset.films[::-1])

    def tested(one: Dataset, seed: int) -> list[set[str]]:
        return [
            {film.sha256 for film in fold.films if film.split == "test"}
            for fold in deal(one, 3, seed)
        ]

    assert tested(dataset, 1) == tested(turned, 1)
    assert tested(dataset, 1) != tested(dataset, 2)


def test_too_few_patients_for_the_folds_are_refused() -> None:
    with pytest.raises(DataError, match=r"fold \d: \d films of class .+ choose fewer folds"):
        deal(patients(12), 6, seed=0)


RNG = np.random.default_rng(4)
TRUTH = [np.arange(40) % 2 == 0, np.arange(30) % 3 == 0]
OUTCOMES = [(truth, np.clip(truth * 0.3 + RNG.random(len(truth)) * 0.7, 0, 1)) for truth in TRUTH]


def test_the_area_is_the_mean_of_the_folds_and_its_variance_their_sum() -> None:
    found = pooled(OUTCOMES)
    areas = [auc(*one) for one in OUTCOMES]
    assert found.auc.value == pytest.approx((areas[0].value + areas[1].value) / 2)
    errors = [(one.value - one.low) / 1.959964 for one in areas]
    assert all(one.high < 1 for one in areas)  # or the errors would not be these
    expected = np.hypot(errors[0], errors[1]) / 2
    assert (found.auc.value - found.auc.low) / 1.959964 == pytest.approx(expected, rel=1e-6)
    assert found.auc.n == 70


def test_of_one_fold_the_area_is_its_own() -> None:
    found, own = pooled(OUTCOMES[:1]).auc, auc(*OUTCOMES[0])
    assert astuple(found) == pytest.approx(astuple(own), rel=1e-12)


def test_folds_on_other_scales_do_not_change_the_area() -> None:
    shifted = [(truth, score / (number + 2)) for number, (truth, score) in enumerate(OUTCOMES)]
    assert pooled(shifted).auc == pooled(OUTCOMES).auc


def test_rates_are_those_of_all_decisions() -> None:
    found = pooled(OUTCOMES)
    truth, score = (np.concatenate(part) for part in zip(*OUTCOMES, strict=True))
    decided = score >= 0.5
    assert found.accuracy == proportion(int((decided == truth).sum()), 70)
    assert found.sensitivity == proportion(int((decided & truth).sum()), 30)
    assert found.specificity == proportion(int((~decided & ~truth).sum()), 40)


def test_folds_without_an_error_have_an_interval_with_a_width() -> None:
    perfect = [(truth, truth.astype(float)) for truth in TRUTH]
    found = pooled(perfect).auc
    assert (found.value, found.high) == (1, 1)
    assert auc(*perfect[1]).low < found.low < 1


@pytest.fixture(scope="module")
def validated(
    dataset: Dataset,
    data: Path,
    plan: TrainingPlan,
    trained: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, Folds, list[str]]:
    """Return a cross-validation whose trainings all end as one that was trained before."""

    def copied(part: Dataset, *arguments: Any, **options: Any) -> Trained:
        given = signature(train).bind(part, *arguments, **options).arguments
        shutil.copytree(trained, given["out"])
        write_split_table(part.films, given["out"] / "splits.csv")
        (timer,) = given["callbacks"]
        timer.on_epoch_begin(0)
        timer.on_epoch_end(0, {})
        return Trained(load_model(given["out"] / "model.keras"), {})

    out = tmp_path_factory.mktemp("folds") / "out"
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edge_kit.training.folds.train", copied)
        return out, cross_validate(dataset, data, plan, out, lines.append, folds=2), lines


def test_every_fold_is_judged_on_its_test_films(
    validated: tuple[Path, Folds, list[str]], dataset: Dataset
) -> None:
    out, found, _ = validated
    assert sorted(one.name for one in out.iterdir()) == ["fold1", "fold2", "folds.json"]
    content = json.loads((out / "folds.json").read_text("utf-8"))
    assert content["auc"]["value"] == found.auc.value
    assert content["how"] == WHY_NOT_POOLED
    tested = []
    for number, fold in enumerate(found.folds, 1):
        films = with_splits(dataset.films, out / f"fold{number}" / "splits.csv")
        subject = open_subject(out / f"fold{number}")
        rows = [film for film in films if film.split == "test"]
        score = subject.predict(load_pixels(rows, subject.recipe))
        assert fold.auc == auc(np.array([film.label == "covid" for film in rows]), score)
        tested += [film.sha256 for film in rows]
    assert sorted(tested) == sorted(film.sha256 for film in dataset.films)
    assert found.accuracy.n == len(dataset.films)


def test_every_fold_has_its_record(validated: tuple[Path, Folds, list[str]]) -> None:
    runs = [validated[0] / f"fold{number}" for number in (1, 2)]
    for run in runs:
        record = json.loads((run / "record.json").read_text("utf-8"))
        assert record["data_digest"] == run_digest(run)
        assert len(record["epoch_seconds"]) == 1
    assert run_digest(runs[0]) != run_digest(runs[1])


def test_the_table_has_every_fold_and_says_how(
    validated: tuple[Path, Folds, list[str]],
) -> None:
    _, found, _ = validated
    lines = table(found).splitlines()
    assert [line.split("  ")[0] for line in lines[1:4]] == ["fold 1", "fold 2", "all"]
    assert str(found.auc) in lines[3]
    assert lines[-1] == WHY_NOT_POOLED


def test_folds_that_have_ended_are_kept(
    validated: tuple[Path, Folds, list[str]],
    dataset: Dataset,
    data: Path,
    plan: TrainingPlan,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, found, _ = validated
    monkeypatch.setattr("edge_kit.training.folds.train", refuse)
    lines: list[str] = []
    again = cross_validate(dataset, data, plan, out, lines.append, folds=2, resume=True)
    assert again == found
    assert f"{out / 'fold1'}: has ended, and is kept" in lines


@pytest.mark.parametrize(
    "change",
    [{"seed": 9}, {"epochs": 9}, {"batch_size": 7}, {"learning_rate": 0.5}, {"model": "model3"}],
)
def test_folds_of_another_plan_are_refused(
    change: dict[str, Any],
    validated: tuple[Path, Folds, list[str]],
    dataset: Dataset,
    data: Path,
    plan: TrainingPlan,
) -> None:
    other = replace(plan, **change)
    with pytest.raises(UsageError, match=r"fold1: was begun with another"):
        cross_validate(dataset, data, other, validated[0], lambda _: None, folds=2, resume=True)


def test_a_folder_that_holds_something_is_refused_before_training(
    dataset: Dataset,
    data: Path,
    plan: TrainingPlan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edge_kit.training.folds.train", refuse)
    (tmp_path / "kept").touch()
    with pytest.raises(CannotWrite, match="exists already"):
        cross_validate(dataset, data, plan, tmp_path, lambda _: None, folds=2)


def refuse(*_: object, **__: object) -> None:
    pytest.fail("training began")
