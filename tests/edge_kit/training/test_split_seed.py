"""`--split-seed` deals the splits and `--seed` does not; older runs are read as they were."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from edge_kit.cli import parser, run
from edge_kit.data.dataset import Dataset, load_dataset
from edge_kit.data.reader import FilmReader
from edge_kit.evaluation.evaluated import open_evaluated
from edge_kit.exporting.card_commands import made_by
from edge_kit.exporting.order import ExportOrder
from edge_kit.exporting.source import open_source
from edge_kit.models.registry import architecture
from edge_kit.training.checkpoint import require_same
from edge_kit.training.device import find_device
from edge_kit.training.folds import assign_folds
from edge_kit.training.plan import TrainingPlan, identity, run_config
from edge_kit.training.run import read_config
from edge_runtime.errors import UsageError
from films import write_films


def splits(dataset: Dataset) -> dict[str, str]:
    return {film.sha256: film.split for film in dataset.films}


def test_the_seed_of_weights_deals_no_split(tmp_path: Path) -> None:
    root = write_films(tmp_path, "covid", "normal", count=12)
    options = [
        parser().parse_args(["train", "--data", str(root), "--out", "r", "--seed", seed])
        for seed in ("1", "2")
    ]
    assert {chosen.split_seed for chosen in options} == {None}
    dealt = [load_dataset(root, modality="xray", seed=seed) for seed in (0, 1)]
    assert splits(dealt[0]) != splits(dealt[1])
    assert [dataset.split_seed for dataset in dealt] == [0, 1]


def test_a_run_records_what_dealt_its_splits(dataset: Dataset, plan: TrainingPlan) -> None:
    dealt = replace(dataset, split_seed=5)
    network, device = architecture(plan.model), find_device(None)
    config = run_config(dealt, Path("data"), plan, network, device)
    assert (config.seed, config.split_seed, config.dealt_by) == (3, 5, 5)
    assert config.training().to_json()["split_seed"] == 5
    assert "--seed 3 --split-seed 5 --epochs" in made_by(config)
    alike = run_config(replace(dealt, split_seed=6), Path("data"), plan, network, device)
    begun = json.loads(json.dumps(identity(dealt, config)))
    require_same(begun, identity(dealt, alike), Path("run"))


def test_a_training_on_splits_of_another_seed_is_refused_by_that_seed(
    dataset: Dataset, plan: TrainingPlan
) -> None:
    begun = replace(dataset, split_seed=0)
    other = replace(dataset, films=dataset.films[:-1], split_seed=4)
    network, device = architecture(plan.model), find_device(None)
    was, now = (
        json.loads(json.dumps(identity(one, run_config(one, Path("data"), plan, network, device))))
        for one in (begun, other)
    )
    with pytest.raises(UsageError, match="was begun with another split seed: 0, not 4; repeat"):
        require_same(was, now, Path("run"))
    with pytest.raises(UsageError, match="was begun with another set of films; repeat"):
        require_same(was | {"split_seed": None}, now, Path("run"))
    del was["split_seed"]  # as an older checkpoint is
    with pytest.raises(UsageError, match="was begun with another set of films; repeat"):
        require_same(was, now, Path("run"))


def test_what_is_not_recorded_leaves_a_manifest_as_it_was(trained: Path) -> None:
    config = read_config(trained)
    assert config.training().to_json() == {"model": "tiny", "seed": 3, "epochs": config.epochs}
    assert "--split-seed" not in made_by(replace(config, split_seed=0))


def test_an_older_run_was_split_by_its_seed(trained: Path, data: Path, tmp_path: Path) -> None:
    older = tmp_path / "run"
    shutil.copytree(trained, older)
    content = json.loads((older / "config.json").read_text("utf-8"))
    del content["split_seed"], content["class_names"]
    (older / "config.json").write_text(json.dumps(content), "utf-8")
    config = read_config(older)
    assert (config.split_seed, config.dealt_by, config.chosen_names) == (None, 3, None)
    assert open_evaluated(older).seed == 3
    line = ["train", "--data", str(data), "--out", str(older), "--model", "tiny", "--resume"]
    line += ["--seed", "3", "--epochs", "2", "--learning-rate", "0.01", "--side", "64"]
    assert run([*line, "--modality", "xray"]) == 0


def test_folds_are_dealt_by_the_split_seed(dataset: Dataset) -> None:
    first, second = (assign_folds(dataset, 3, seed)[0] for seed in (0, 1))
    assert splits(first) != splits(second)


def test_a_run_is_not_split_anew_for_its_export(trained: Path, data: Path) -> None:
    order = ExportOrder(trained, Path("m.edge"), data=data, modality="xray", split_seed=4)
    with pytest.raises(UsageError, match=r"--split-seed: .* was split by seed 3; leave it out"):
        open_source(order, FilmReader())


def test_several_negative_classes_stay_with_the_run(tmp_path: Path, tiny: None) -> None:
    del tiny
    root = write_films(tmp_path / "films", "covid", "normal", "flu", "other", count=12)
    out = tmp_path / "run"
    line = ["train", "--data", str(root), "--out", str(out), "--model", "tiny", "--epochs", "1"]
    line += ["--side", "64", "--modality", "xray", "--negative", "normal,flu", "--no-cache"]
    assert run(line) == 0
    config = read_config(out)
    assert (config.positive, config.negative) == ("covid", "noncovid")
    assert config.chosen_names == ("covid", "normal,flu")
    assert "--positive covid --negative normal,flu --seed 0" in made_by(config)
    source = open_source(ExportOrder(out, tmp_path / "m.edge"), FilmReader())
    assert len(source.dataset.films) == 36
    assert {film.label for film in source.dataset.films} == {"covid", "noncovid"}
    model = open_evaluated(out)
    assert model.classes_among(root, None, None) == ("covid", "normal,flu")
    elsewhere = write_films(tmp_path / "elsewhere", "covid", "healthy", count=2)
    assert model.classes_among(elsewhere, None, None) == ("covid", None)
    assert model.classes_among(root, "covid", "other") == ("covid", "other")
    own = replace(model, class_names=None, positive="flu", negative="normal+other")
    assert own.classes_among(root, None, None) == ("flu", "normal,other")
    own = replace(own, negative="normal")
    assert own.classes_among(root, None, None) == ("flu", "normal")
