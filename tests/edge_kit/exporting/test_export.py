"""What an export says of a model is what its run or its maker said, and nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import logit

from edge_export.films.pixels import load_pixels
from edge_export.graph.input_transform import CAFFE, TORCH
from edge_export.graph.network import InputRange
from edge_export.proof.parity import Budget
from edge_export.proof.predictions import Predictions
from edge_export.proof.preparation import Expectations
from edge_export.proof.threshold import Rule
from edge_kit.cli import parser
from edge_kit.data.dataset import Dataset
from edge_kit.exporting.card_commands import made_by
from edge_kit.files import write_json
from edge_kit.training.run import read_config
from edge_kit.training.shortfalls import CHOSEN
from edge_runtime.bundle import open_bundle
from edge_runtime.errors import UsageError
from edge_runtime.film.preprocess import standard
from ordered_exports import Exported, export
from tiny_network import RECIPE, tiny_network, with_film


def test_a_run_knows_its_films_classes_and_training(
    trained: Path, dataset: Dataset, asked: Callable[..., Exported]
) -> None:
    found = asked(trained)
    facts, training = found.plan.description, found.plan.description.training
    assert found.films == dataset.films
    assert found.plan.input_range == InputRange(0.0, 255.0)
    assert (facts.name, facts.version) == ("m", "0.1.0")
    assert facts.intended_use.modality == "xray"
    assert (facts.negative, facts.positive) == ("noncovid", "covid")
    assert (training.model, training.seed, training.epochs) == ("tiny", 3, 2)
    assert facts.preprocess == RECIPE


def test_what_a_run_has_to_say_of_its_split_and_its_making_is_in_the_card(
    trained: Path, asked: Callable[..., Exported], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    config = read_config(run)
    write_json(run / "config.json", replace(config, leaks=2))
    found = asked(run)
    assert (
        found.plan.description.limits == f"- Of this model: {replace(config, leaks=2).caution()}.\n"
    )
    assert any("separates 2 groups" in line for line in found.said)
    write_json(run / "config.json", replace(config, members=("a", "b")))
    assert asked(run).plan.description.made_by == "edge-kit ensemble RUN... --out RUN"


def test_what_a_run_warns_of_is_said_once_of_its_export(
    trained: Path, asked: Callable[..., Exported], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    config = replace(read_config(run), leaks=2)
    write_json(run / "config.json", replace(config, warnings=(config.caution(), CHOSEN)))
    said = asked(run).said
    assert [line for line in said if line.startswith("warning: ")][:2] == [
        f"warning: {config.caution()}",
        f"warning: {CHOSEN}",
    ]
    assert sum(CHOSEN in line for line in said) == 1


TRAIN = "edge-kit train --data DATA --out RUN --model"
OPTIONS = "--seed 3 --epochs 2 --side 64 --batch-size 16 --learning-rate 0.01"


@pytest.mark.parametrize(
    ("changed", "command"),
    [
        ({"model": "own", "batch_size": 16}, f"{TRAIN} MODEL --modality xray \\\n"
         f"        --channels 1 --positive covid {OPTIONS}"),
        ({"model": "model3", "batch_size": 32, "learning_rate": 0.001, "positive": "a b"},
         f"{TRAIN} model3 --modality xray \\\n"
         "        --channels 1 --positive 'a b' --seed 3 --epochs 2 --side 64"),
        ({"model": "baseline", "batch_size": 16, "learning_rate": 0.001},
         f"{TRAIN} baseline --modality xray \\\n"
         "        --channels 1 --positive covid --seed 3 --epochs 2 --side 64 --batch-size 16"),
    ],
)  # fmt: skip
def test_a_card_gives_the_command_with_what_is_not_the_recipes_of_that_name(
    changed: dict[str, Any], command: str, trained: Path
) -> None:
    config = replace(read_config(trained), split_seed=0, **changed)
    assert made_by(config) == command


NOT_STATED = (
    "not stated: body part, view, ages (--body-part, --views, --ages); the bundle answers films of "
    "any part of the body and lateral films and films of children"
)


def test_nothing_of_the_intended_use_is_guessed_and_what_is_not_stated_is_said(
    trained: Path, asked: Callable[..., Exported]
) -> None:
    found = asked(trained)
    use = found.plan.description.intended_use
    assert (use.body_parts, use.views, use.youngest, use.oldest) == ((), (), None, None)
    assert NOT_STATED in found.said
    found = asked(trained, "--ages", "0,17", "--views", "LL", "--body-part", "CHEST,ABDOMEN")
    use = found.plan.description.intended_use
    assert use.body_parts == ("CHEST", "ABDOMEN")
    assert (use.views, use.youngest, use.oldest) == (("LL",), 0, 17)
    assert not any("not stated" in line for line in found.said)


@pytest.mark.parametrize("given", ["--ages=18", "--ages=60,18", "--ages=0,151", "--ages=a,b",
                                   "--views=pa", "--views=PA,", "--film-threshold=nan",
                                   "--film-threshold=2000"])  # fmt: skip
def test_a_use_that_no_manifest_holds_is_refused_before_anything_is_read(given: str) -> None:
    with pytest.raises(UsageError, match=given.partition("=")[0]):
        parser().parse_args(["export", "RUN", "--int8", "--out", "m.edge", given])


def test_a_foreign_model_s_film_output_has_a_threshold_and_no_other_model_has_one(
    data: Path, tmp_path: Path, asked: Callable[..., Exported]
) -> None:
    plain, joined = tmp_path / "plain.keras", tmp_path / "joined.keras"
    tiny_network().save(plain)
    with_film(tiny_network()).save(joined)
    known = ("--classes", "noncovid,covid", "--input-range", "0,255", "--data", data)
    assert asked(joined, *known).plan.description.film_threshold == 0.0
    assert asked(joined, *known, "--film-threshold", "-1.5").plan.description.film_threshold == -1.5
    assert asked(plain, *known).plan.description.film_threshold is None
    with pytest.raises(UsageError, match="--film-threshold: tiny has no film / not-film output"):
        asked(plain, *known, "--film-threshold", "0")


def test_the_model_file_of_a_run_is_the_run(trained: Path, asked: Callable[..., Exported]) -> None:
    found = asked(trained / "model.keras", "--positive", "COVID-19")
    assert found.plan == asked(trained).plan


def test_a_run_whose_films_have_moved_keeps_its_splits(
    trained: Path, data: Path, dataset: Dataset, tmp_path: Path, asked: Callable[..., Exported]
) -> None:
    moved = tmp_path / "moved"
    for film in data.rglob("*.png"):
        label = moved / film.parent.name
        label.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(film, label / film.name)
    found = {film.sha256: film.split for film in asked(trained, "--data", moved).films}
    assert found == {film.sha256: film.split for film in dataset.films}


def test_name_version_limits_seed_and_budget_are_the_makers_to_give(
    trained: Path, tmp_path: Path, asked: Callable[..., Exported]
) -> None:
    limits = tmp_path / "limits.md"
    limits.write_text("Only films of größe 64.", "utf-8")
    names = ("--name", "ours", "--bundle-version", "1.2.3", "--limits", limits, "--seed", "9")
    plan = asked(trained, *names).plan
    assert (plan.description.name, plan.description.version) == ("ours", "1.2.3")
    assert plan.description.limits == "Only films of größe 64."
    assert (plan.seed, plan.calibration_count) == (9, 8)
    assert plan.budget == Budget(flips=1.0, auc=1.0, margin=0.9)


def test_threshold_and_calibration_are_as_ordered_and_else_as_ever(
    trained: Path, asked: Callable[..., Exported]
) -> None:
    plan = asked(trained).plan
    assert (plan.rule, plan.calibration) == (None, "auto")
    plan = asked(trained, "--sensitivity", "0.9", "--calibration", "platt").plan
    assert (plan.rule, plan.calibration) == (Rule(0.9), "platt")
    assert asked(trained, "--youden").plan.rule == Rule(None)


def test_a_foreign_model_is_taken_by_what_is_said_of_it(
    foreign: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "m.edge"
    said = ("--classes", "noncovid,covid", "--input-range", "0,255", "--data", data)
    export(foreign, "--out", out, *said)
    manifest = open_bundle(out).manifest
    assert (manifest.name, manifest.training.model) == ("m", "their-model--2")
    assert (manifest.training.seed, manifest.training.epochs) == (None, None)
    card = bytes(open_bundle(out).read("card.md")).decode()
    assert "Trained elsewhere" in card


def test_what_an_author_did_to_films_becomes_the_graph_s_and_the_manifest_s(
    data: Path, tmp_path: Path, asked: Callable[..., Exported]
) -> None:
    stated = tmp_path / "theirs.toml"
    stated.write_text('preset = "torch"\nresample = "box"\nstretch = false\n', "utf-8")
    path = tmp_path / "three.keras"
    tiny_network(channels=3).save(path)
    known = ("--classes", "noncovid,covid", "--data", data, "--preprocessing")
    plan = asked(path, *known, "caffe").plan
    assert plan.input_range == CAFFE
    assert plan.description.preprocess == standard(64, 64, 3)
    plan = asked(path, *known, stated).plan
    assert plan.input_range == replace(TORCH, name="theirs.toml")
    assert (plan.description.preprocess.resample, plan.description.preprocess.stretch) == (
        "box", "none",
    )  # fmt: skip
    folded = asked(path, *known, "caffe", "--fold-grey").plan
    assert folded.input_range == CAFFE.of_grey()
    assert folded.description.preprocess == standard(64, 64, 1)


def test_what_an_author_says_of_answers_is_taken_along_for_files_and_for_runs(
    trained: Path, dataset: Dataset, tmp_path: Path, asked: Callable[..., Exported]
) -> None:
    table = tmp_path / "theirs.csv"
    film = dataset.films[0]
    table.write_text(f"sha256,probability\n{film.sha256},0.25\nabc,0.5\n", "utf-8")
    given = ("--expected-accuracy", "0.9", "--expected-predictions", table)
    expected = asked(trained, *given, "--max-prediction-difference", "0.1").plan.expected
    assert expected.accuracy == 0.9
    assert expected.predictions == Predictions({film.sha256: 0.25}, 1, 0.1)
    assert asked(trained).plan.expected == Expectations()
    assert asked(trained).plan.max_uncertain == 1.0  # as LOOSE says


def test_an_author_s_predictions_stand_in_report_json_and_card(
    data: Path, dataset: Dataset, tmp_path: Path
) -> None:
    import keras

    keras.utils.set_random_seed(0)
    model = tiny_network(channels=3)
    pixels = load_pixels(dataset.films, standard(64, 64, 3)).astype("f4") * (2 / 255) - 1
    kernel, bias = model.layers[-1].get_weights()
    middle = logit(np.median(model.predict(pixels, verbose=0)))
    model.layers[-1].set_weights([kernel * 50, (bias - middle) * 50])
    path, out, table = tmp_path / "t.keras", tmp_path / "m.edge", tmp_path / "theirs.csv"
    model.save(path)
    answers = model.predict(pixels, verbose=0)[:, 0]
    rows = [f"{film.sha256},{p}" for film, p in zip(dataset.films, answers, strict=True)]
    table.write_text("\n".join(["sha256,probability", *rows, "abc,0.5"]), "utf-8")
    known = ("--classes", "noncovid,covid", "--data", data, "--out", out)
    export(path, *known, "--preprocessing", "tf", "--expected-predictions", table)
    report = json.loads((tmp_path / "m.report.json").read_text("utf-8"))
    told = report["preparation"]["predictions"]
    assert (told["n"], told["missing"], told["beyond"]) == (len(dataset.films), 1, 0)
    card = " ".join(bytes(open_bundle(out).read("card.md")).decode().split())
    assert f"The author's predictions for {len(dataset.films)} films differ by up to" in card
    assert "then black is -1, white 1" in card
    page = (tmp_path / "m.report.html").read_text("utf-8")
    assert "What its author says" in page
    assert "1 of films that are not here" in page
