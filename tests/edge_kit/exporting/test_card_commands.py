"""A card's commands hold every flag that was needed, and no path; a name is that of a file."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge_kit.cli import parser
from edge_kit.commands.export import order
from edge_kit.commands.training_plan import plan_of
from edge_kit.data.film_folders import film_folders
from edge_kit.exporting.card_commands import exported_by, made_by
from edge_kit.exporting.order import name_of_file
from edge_kit.training.run import read_config
from edge_runtime.errors import UsageError


@pytest.mark.parametrize(
    ("file", "name"),
    [("Mein Modell (2).edge", "mein-modell-2"), ("Été_1.0.edge", "ete_1.0"), ("-x-.edge", "x")],
)
def test_a_bundle_that_nobody_named_is_called_like_its_file(file: str, name: str) -> None:
    assert name_of_file(Path(file)) == name


def test_a_file_of_whose_name_none_can_be_made_asks_for_one() -> None:
    with pytest.raises(UsageError, match="give the bundle a name with --name"):
        name_of_file(Path("肺.edge"))


def parsed(command: str) -> dict[str, Any]:
    """Return what the kit's own parser makes of a command in a card."""
    _, *words = shlex.split(command.replace("\\\n", " "))
    return vars(parser().parse_args(words))


EXPORTS = [
    ["--int8", "--views", "PA,AP", "--ages", "18,150", "--body-part", "CHEST", "--name", "ours"],
    ["--recipe", "float32", "--recipe", "static_wi8_ai8", "--choose", "--no-fold-grey",
     "--calibration-films", "50", "--calibration-method", "percentile", "--youden",
     "--calibration", "platt", "--margin", "0.05", "--require-pass", "--seed", "3",
     "--allow-calibration", "noise", "--allow-calibration", "few_films", "--no-film-gate",
     "--bundle-version", "1.2", "--skip-unreadable"],
    ["--int8", "--classes", "no sign,a sign", "--input-range", "-1,1", "--film-threshold", "-1.5",
     "--modality", "other", "--sensitivity", "0.9", "--max-flips", "0.02"],
    ["--int8", "--positive", "flu,pox", "--negative", "none", "--preprocessing", "caffe"],
]  # fmt: skip


@pytest.mark.parametrize("given", EXPORTS)
def test_the_export_command_in_a_card_is_parsed_to_the_options_that_were_given(
    given: list[str], tmp_path: Path
) -> None:
    line = ["export", "R", *given, "--data", str(tmp_path), "--out", f"{tmp_path}/x.edge"]
    options = parser().parse_args(line)
    command = exported_by(order(options), "x", ours=True)
    found = parsed(command)
    assert command.count("--data DATA") == 1
    places = {"source": Path("RUN"), "data": film_folders(Path("DATA")), "out": Path("x.edge")}
    assert found == {**vars(options), **places}
    assert str(tmp_path) not in command


def test_a_path_in_a_command_is_a_word_for_it(tmp_path: Path) -> None:
    line = ["export", "R", "--int8", "--limits", f"{tmp_path}/l.md", "--out", "x.edge"]
    command = exported_by(order(parser().parse_args(line)), "x", ours=False)
    assert command == (
        "edge-kit export MODEL.keras --int8 --limits LIMITS --data DATA --out x.edge"
    )


def test_an_export_of_films_in_two_folders_names_both(tmp_path: Path) -> None:
    line = ["export", "R", "--int8", "--data", f"{tmp_path}/a", "--data", "b", "--out", "x.edge"]
    options = parser().parse_args(line)
    command = exported_by(order(options), "x", ours=True, folders=len(options.data.by_name))
    assert command == "edge-kit export RUN --int8 --data DATA --data DATA2 --out x.edge"


TRAININGS = [
    [],
    ["--channels", "3", "--positive", "a b", "--modality", "other", "--no-film-gate", "--side",
     "64", "--no-counter-examples", "--precision", "float32", "--no-deterministic", "--folds", "3",
     "--skip-unreadable", "--learning-rate", "0.01", "--batch-size", "8", "--epochs", "2"],
    ["--data", "d2", "--balance", "hospital"],
]  # fmt: skip


@pytest.mark.parametrize("given", TRAININGS)
def test_the_training_command_in_a_card_is_parsed_to_the_options_that_were_given(
    given: list[str], trained: Path
) -> None:
    options = parser().parse_args(["train", "--data", "d", "--out", "o", *given])
    plan = plan_of(options, options.modality or "xray")
    config = replace(
        read_config(trained),
        model="model3", positive=options.positive, modality=options.modality or "xray",
        seed=options.seed, epochs=options.epochs or 20, batch_size=options.batch_size or 32,
        learning_rate=options.learning_rate or 0.001, preprocess=plan.preprocess.to_json(),
        film_threshold=0.0 if options.film_gate else None, options=plan.options, split_seed=0,
        data=options.data.stored,
        balance=None if options.balance == "none" else {"by": options.balance},
    )  # fmt: skip
    found = parsed(made_by(config))
    own = {
        "modality": config.modality,
        "channels": plan.preprocess.channels,
        "epochs": config.epochs,
    }
    several = [Path("DATA"), Path("DATA2")] if options.data.several else [Path("DATA")]
    places = {"data": film_folders(several), "out": Path("RUN")}
    assert found == {**vars(options), **own, **places}


def test_no_file_that_an_export_was_given_is_named_in_a_card(tmp_path: Path) -> None:
    private = tmp_path / "erika"
    files = ["--limits", "--elsewhere", "--expected-predictions", "--preprocessing"]
    given = [part for option in files for part in (option, str(private))]
    line = ["export", "R", "--int8", *given[:-2], "--out", "x.edge"]
    words = order(parser().parse_args(line)).options
    private.write_text("preset = 'caffe'\n", encoding="utf-8")
    line = ["export", "R", "--int8", *given[-2:], "--out", "x.edge"]
    words += order(parser().parse_args(line)).options
    assert {*files} < {*words}
    assert "erika" not in " ".join(words)
