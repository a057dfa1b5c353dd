"""An ensemble is a run whose figures are those of its members' mean logit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import logit

from edge_export.films.pixels import load_pixels
from edge_export.graph.network import load_model
from edge_export.statistics.estimates import evaluate
from edge_kit.cli import run
from edge_kit.data.dataset import Dataset
from edge_kit.data.split import with_splits
from edge_kit.training.run import read_config
from edge_kit.training.watch import predict
from edge_runtime.bundle.digest import sha256
from tiny_network import RECIPE

FILES = ["config.json", "metrics.json", "model.keras", "splits.csv"]


@pytest.fixture(scope="module")
def runs(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return two runs on the same films; the model of the second was moved by chance."""
    draw = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("runs") / "second"
    shutil.copytree(trained, path)
    model = load_model(path / "model.keras")
    model.set_weights([one + draw.normal(0, 0.1, one.shape) for one in model.get_weights()])
    model.save(path / "model.keras")
    return [trained, path]


def ensemble(runs: list[Path], out: Path) -> int:
    return run(["ensemble", *map(str, runs), "--out", str(out)])


@pytest.fixture(scope="module")
def made(runs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the run of an ensemble, and what the command wrote to stdout."""
    out = tmp_path_factory.mktemp("ensembles") / "run"
    with redirect_stdout(StringIO()) as said:
        assert ensemble(runs, out) == 0
    return out, said.getvalue()


@pytest.fixture(scope="module")
def averaged(made: tuple[Path, str]) -> Path:
    return made[0]


def test_an_ensemble_is_a_run_that_names_its_members_by_digest(
    runs: list[Path], averaged: Path, dataset: Dataset
) -> None:
    assert sorted(one.name for one in averaged.iterdir()) == FILES
    config, first = read_config(averaged), read_config(runs[0])
    assert config.model == "ensemble-of-2"
    assert list(config.members) == [sha256((one / "model.keras").read_bytes()) for one in runs]
    assert config.preprocessing() == RECIPE
    assert config.film_threshold == first.film_threshold is not None
    assert config.training().seed == first.seed
    assert with_splits(dataset.films, averaged / "splits.csv") == dataset.films
    content = b"".join((averaged / name).read_bytes() for name in ("metrics.json", "splits.csv"))
    assert not any(one.name.encode() in content for one in runs[1:])


def test_its_figures_are_those_of_the_mean_of_its_members_logits(
    runs: list[Path], averaged: Path, dataset: Dataset
) -> None:
    metrics = json.loads((averaged / "metrics.json").read_text("utf-8"))
    models = [load_model(one / "model.keras") for one in runs]
    for split in ("val", "test"):
        films = [film for film in dataset.films if film.split == split]
        positive = np.array([film.label == "covid" for film in films])
        pixels = load_pixels(films, RECIPE)
        scores = [predict(model, pixels) for model in models]
        together = predict(load_model(averaged / "model.keras"), pixels)
        np.testing.assert_allclose(logit(together), np.mean(logit(scores), axis=0), atol=1e-4)
        for found, score in zip([metrics, *metrics["members"]], [together, *scores], strict=True):
            expected = evaluate(positive, score, 0.5)
            assert found[split]["auc"]["value"] == pytest.approx(expected.auc.value)
            assert found[split]["sensitivity"]["value"] == expected.sensitivity.value
            assert found[split]["auc"]["n"] == len(films)
    assert metrics["film_gate"] == json.loads((runs[0] / "metrics.json").read_text())["film_gate"]


def test_each_member_is_shown_beside_the_ensemble(runs: list[Path], made: tuple[Path, str]) -> None:
    lines = made[1].splitlines()
    for name in ("ensemble", *map(str, runs)):
        shown = [line.split()[:2] for line in lines if line.endswith(f"  {name}")]
        measures = ("accuracy", "sensitivity", "specificity", "auc")
        assert shown == [[split, one] for split in ("val", "test") for one in measures]
    figures = lines[: (len(runs) + 1) * 2 * len(measures)]
    assert all(" n " in line for line in figures)
    assert lines[len(figures)].startswith("Accuracy on these films is ")


def other(change: dict[str, Any]) -> Callable[[Path], None]:
    def meddle(run: Path) -> None:
        content = json.loads((run / "config.json").read_text("utf-8"))
        content["preprocess"] |= change.get("preprocess", {})
        content |= {name: one for name, one in change.items() if name != "preprocess"}
        (run / "config.json").write_text(json.dumps(content), "utf-8")

    return meddle


def swap_splits(run: Path) -> None:
    table = (run / "splits.csv").read_text("utf-8")
    (run / "splits.csv").write_text(table.replace(",val,", ",test,"), "utf-8")


@pytest.mark.parametrize(
    ("meddle", "problem"),
    [
        (swap_splits, "was not trained on the films and the split of"),
        (other({"modality": "ct"}), "its modality is ct, that of"),
        (other({"positive": "flu"}), "its positive is flu, that of"),
        (other({"preprocess": {"low_percentile": 2.0}}), "its preprocess is {"),
        (lambda run: (run / "splits.csv").unlink(), "is no whole run (No such file"),
        (lambda run: (run / "model.keras").unlink(), "is no whole run (No such file"),
        (lambda run: (run / "config.json").unlink(), "not the configuration of a run"),
    ],
)
def test_a_member_of_other_films_classes_or_pixels_is_refused(
    meddle: Callable[[Path], object],
    problem: str,
    runs: list[Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(runs[1], tmp_path / "other")
    meddle(tmp_path / "other")
    assert ensemble([runs[0], tmp_path / "other"], tmp_path / "run") == 9
    said = capsys.readouterr().err
    assert problem in said
    assert str(tmp_path / "other") in said
    assert [one.name for one in tmp_path.iterdir()] == ["other"]


@pytest.mark.parametrize(
    ("chosen", "problem"),
    [([0], "RUN: one run is no ensemble"), ([0, 1, 0], "RUN: the same model is given twice")],
)
def test_two_different_members_are_needed(
    chosen: list[int],
    problem: str,
    runs: list[Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ensemble([runs[one] for one in chosen], tmp_path / "run") == 2
    assert problem in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_an_existing_folder_is_refused_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kept").touch()
    assert ensemble([Path("none"), Path("none")], tmp_path) == 10
    assert "exists already; name a new folder" in capsys.readouterr().err
