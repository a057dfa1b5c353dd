"""A training leaves a complete run whose figures are those of its saved model, or nothing."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edge_export.films.pixels import load_pixels
from edge_export.graph.network import load_model
from edge_export.statistics.estimates import evaluate
from edge_kit.data.dataset import Dataset
from edge_kit.data.reader import FilmReader
from edge_kit.data.split import with_splits
from edge_kit.film_branch.branch import film_branch
from edge_kit.film_branch.kinds import KINDS
from edge_kit.models.recipe import Architecture, Augmentation, EarlyStopping, TrainingRecipe
from edge_kit.models.registry import MODELS, architecture
from edge_kit.training.plan import TrainingPlan, require_same_training
from edge_kit.training.records import recorded
from edge_kit.training.run import read_config, read_metrics
from edge_kit.training.train import train, train_and_measure
from edge_runtime.bundle.records import Preprocess
from edge_runtime.errors import CannotWrite, DataError, UsageError
from tiny_network import tiny_network


def untrained(films: object, others: object, recipe: Preprocess, seed: int, **_: object) -> Any:
    """Return a film branch as it is before the training."""
    del films, others, seed
    return film_branch(recipe.height, recipe.width, recipe.channels)


FILES = ["config.json", "curves.png", "history.csv", "metrics.json", "model.keras", "splits.csv"]


def test_a_run_is_complete(trained: Path, dataset: Dataset, plan: TrainingPlan) -> None:
    assert sorted(one.name for one in trained.iterdir()) == FILES
    config = read_config(trained)
    assert (config.model, config.seed, config.epochs) == ("tiny", 3, 2)
    assert (config.modality, config.negative, config.positive) == ("xray", "noncovid", "covid")
    assert config.preprocessing() == plan.preprocess
    assert with_splits(dataset.films, trained / "splits.csv") == dataset.films
    with Image.open(trained / "curves.png") as image:
        image.load()
    with (trained / "history.csv").open(encoding="utf-8", newline="") as stream:
        history = list(csv.DictReader(stream))
    assert [row["epoch"] for row in history] == ["1", "2"]
    assert {"loss", "val_loss", "accuracy", "val_accuracy", "val_auc"} <= set(history[0])


def test_metrics_are_those_of_the_model_that_was_saved(
    trained: Path, dataset: Dataset, plan: TrainingPlan
) -> None:
    from edge_kit.training.watch import predict

    model = load_model(trained / "model.keras")
    metrics = json.loads((trained / "metrics.json").read_text("utf-8"))
    for split in ("val", "test"):
        films = [film for film in dataset.films if film.split == split]
        positive = np.array([film.label == "covid" for film in films])
        expected = evaluate(positive, predict(model, load_pixels(films, plan.preprocess)), 0.5)
        assert metrics[split]["accuracy"]["value"] == expected.accuracy.value
        assert metrics[split]["auc"]["value"] == pytest.approx(expected.auc.value)
        assert metrics[split]["auc"]["n"] == len(films) == 12


def test_the_film_gate_is_that_of_the_model_that_was_saved(
    trained: Path, dataset: Dataset, plan: TrainingPlan
) -> None:
    model, config = load_model(trained / "model.keras"), read_config(trained)
    gate = json.loads((trained / "metrics.json").read_text("utf-8"))["film_gate"]
    assert config.film_threshold == gate["threshold"]
    for split in ("val", "test"):
        films = [film for film in dataset.films if film.split == split]
        film_logit = model.predict(load_pixels(films, plan.preprocess), verbose=0)[1][:, 0]
        expected = (film_logit < gate["threshold"]).mean()
        assert gate["refused"][split]["films"]["value"] == expected
        assert gate["refused"][split]["films"]["n"] == len(films)
        assert gate["refused"][split]["negatives"].keys() == KINDS.keys()


def test_the_film_branch_moves_no_weight_of_the_classifier(
    trained: Path,
    dataset: Dataset,
    data: Path,
    plan: TrainingPlan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edge_kit.film_branch.fit.fit_branch", untrained)
    lines: list[str] = []
    train(dataset, data, plan, tmp_path / "run", lines.append)

    def weights(run: Path, *, film: bool) -> list[Any]:
        layers = load_model(run / "model.keras").layers
        chosen = [one for one in layers if one.name.startswith("film") == film]
        return [weight for one in chosen for weight in one.get_weights()]

    for film in (False, True):
        pairs = zip(weights(trained, film=film), weights(tmp_path / "run", film=film), strict=True)
        assert all((one == other).all() for one, other in pairs) != film
    assert any(line.startswith("out-of-distribution check: refuses ") for line in lines)


def test_no_file_of_a_run_names_a_film(trained: Path, dataset: Dataset) -> None:
    content = b"".join((trained / name).read_bytes() for name in FILES if name != "config.json")
    for film in dataset.films:
        assert film.path.stem.encode() not in content


def test_the_same_seed_gives_the_same_files(
    trained: Path, dataset: Dataset, data: Path, plan: TrainingPlan, tmp_path: Path
) -> None:
    train(dataset, data, plan, tmp_path / "again", lambda _: None)
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (trained / name).read_bytes(), name


def test_a_loss_that_is_not_finite_ends_training_and_leaves_nothing(
    dataset: Dataset,
    data: Path,
    plan: TrainingPlan,
    tmp_path: Path,
) -> None:
    lines: list[str] = []
    wild = replace(plan, learning_rate=float("inf"), epochs=5)
    with pytest.raises(DataError, match="tiny: the loss is not finite; lower --learning-rate"):
        train(dataset, data, wild, tmp_path / "run", lines.append)
    assert len([line for line in lines if line.startswith("epoch ")]) < 5
    assert not list(tmp_path.iterdir())


def test_ctrl_c_while_training_leaves_nothing(
    dataset: Dataset,
    data: Path,
    plan: TrainingPlan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("edge_kit.training.watch.Watch.on_train_batch_end", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(dataset, data, plan, tmp_path / "run", lambda _: None)
    assert not list(tmp_path.iterdir())


def test_a_training_that_is_interrupted_after_its_epochs_loses_none_of_them(
    trained: Path,
    dataset: Dataset,
    data: Path,
    plan: TrainingPlan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    out, cache, lines = tmp_path / "run", tmp_path / "cache", list[str]()
    with monkeypatch.context() as patch:
        patch.setattr("edge_kit.film_branch.fit.fit_branch", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(dataset, data, plan, out, lines.append, reader=FilmReader(cache))
    assert lines[-1] == f"{out}: finished epochs are kept; the same command with --resume continues"
    with pytest.raises(CannotWrite, match="go on with --resume"):
        train(dataset, data, plan, out, lines.append, reader=FilmReader(cache))
    with pytest.raises(UsageError, match="was begun with another seed: 3, not 4"):
        train(
            dataset,
            data,
            replace(plan, seed=4),
            out,
            lines.append,
            reader=FilmReader(cache),
            resume=True,
        )
    train(dataset, data, plan, out, lines.append, reader=FilmReader(cache), resume=True)
    assert len([line for line in lines if line.startswith("epoch ")]) == 2
    for name in FILES:
        assert (out / name).read_bytes() == (trained / name).read_bytes()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["cache", "run"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, (20, 32, 0.001)), ({"epochs": 3}, (3, 32, 0.001)),
     ({"batch_size": 8, "learning_rate": 0.1}, (20, 8, 0.1))],
)  # fmt: skip
def test_what_a_plan_leaves_open_is_the_author_s_choice(
    given: dict[str, Any], expected: tuple[int, int, float]
) -> None:
    recipe = TrainingPlan(**given).recipe(architecture("model3"))
    assert (recipe.epochs, recipe.batch_size, recipe.learning_rate) == expected


def test_a_run_records_what_was_really_used(
    dataset: Dataset,
    data: Path,
    plan: TrainingPlan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = TrainingRecipe(epochs=9, batch_size=5, early_stopping=EarlyStopping(9, 2))
    network = Architecture("tiny", tiny_network, replace(recipe, augmentation=Augmentation(3)))
    monkeypatch.setitem(MODELS, "tiny", network)
    monkeypatch.setattr("edge_kit.film_branch.fit.fit_branch", untrained)
    train(dataset, data, replace(plan, epochs=None), tmp_path / "run", lambda _: None)
    config = read_config(tmp_path / "run")
    assert (config.epochs, config.batch_size, config.learning_rate) == (3, 5, 0.01)
    assert config.early_stopping == {"min_delta": 9, "patience": 2}
    assert config.augmentation == {"shear": 3, "zoom": 0.0, "horizontal_flip": False}
    assert config.deterministic
    assert config.most_epochs == 9
    assert config.device.startswith("CPU with ")


def test_what_is_only_measured_is_what_a_run_writes_down(
    trained: Path, dataset: Dataset, data: Path, plan: TrainingPlan
) -> None:
    assert train_and_measure(dataset, data, plan, lambda _: None) == read_metrics(trained)


def test_a_temporary_folder_that_is_full_is_one_line(
    dataset: Dataset, data: Path, plan: TrainingPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edge_kit.training.fit.fit", full)
    with pytest.raises(CannotWrite, match="No space left on device; free some space, or set TMP"):
        train_and_measure(dataset, data, plan, lambda _: None)


def test_the_log_of_all_epochs_is_in_the_run_after_an_interruption(
    dataset: Dataset,
    data: Path,
    plan: TrainingPlan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("edge_kit.film_branch.fit.fit_branch", interrupt)
    for resume in (False, True):
        with (
            pytest.raises(KeyboardInterrupt),
            recorded(tmp_path / "run", dataset.films, tensorboard=True) as callbacks,
        ):
            options: dict[str, Any] = {"resume": resume, "callbacks": callbacks}
            train(dataset, data, plan, tmp_path / "run", lambda _: None, **options)
    monkeypatch.setattr("edge_kit.film_branch.fit.fit_branch", untrained)
    train(dataset, data, plan, tmp_path / "run", lambda _: None, resume=True)
    (log,) = (tmp_path / "run" / "tensorboard").iterdir()
    assert log.stat().st_size > 0
    assert log.name == "events.out.tfevents.0"
    assert [one.name for one in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"seed": 9}, "another seed: 3, not 9"),
        ({"epochs": 9}, "another epochs: 2, not 9"),
        ({"batch_size": 7}, "another batch size"),
        ({"deterministic": False}, "another deterministic: True, not False"),
        ({"keep": "best"}, "another keep: last, not best"),
        ({"precision": "mixed_float16"}, "another device"),
    ],
)
def test_a_finished_run_of_another_plan_is_no_end_of_this_one(
    change: dict[str, Any],
    problem: str,
    trained: Path,
    dataset: Dataset,
    data: Path,
    plan: TrainingPlan,
) -> None:
    require_same_training(trained, dataset, data, plan)
    with pytest.raises(UsageError, match=problem):
        require_same_training(trained, dataset, data, replace(plan, **change))
    fewer = replace(dataset, films=dataset.films[1:])
    with pytest.raises(UsageError, match="another set of films"):
        require_same_training(trained, fewer, data, plan)


@pytest.mark.parametrize("step", ["write_json", "draw_curves"])
def test_a_full_disk_leaves_nothing(
    step: str,
    dataset: Dataset,
    data: Path,
    plan: TrainingPlan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edge_kit.training.fit.fit", lambda *_, **__: {"loss": [0.5]})
    monkeypatch.setattr("edge_kit.film_branch.fit.fit_branch", untrained)
    monkeypatch.setattr(f"edge_kit.training.run_files.{step}", full)
    with pytest.raises(CannotWrite, match="run: No space left on device"):
        train(dataset, data, plan, tmp_path / "run", lambda _: None)
    assert not list(tmp_path.iterdir())


def refuse_to_fit(*_: object, **__: object) -> None:
    pytest.fail("training began")


def test_an_existing_folder_is_refused_before_training(
    dataset: Dataset,
    data: Path,
    plan: TrainingPlan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edge_kit.training.fit.fit", refuse_to_fit)
    (tmp_path / "kept").touch()
    with pytest.raises(CannotWrite, match="exists already"):
        train(dataset, data, plan, tmp_path, lambda _: None)
    assert [one.name for one in tmp_path.iterdir()] == ["kept"]


def test_too_few_films_for_an_interval_are_refused_before_training(
    dataset: Dataset,
    data: Path,
    plan: TrainingPlan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edge_kit.training.fit.fit", refuse_to_fit)
    seen: Counter[tuple[str, str]] = Counter()
    few = []
    for film in dataset.films:
        seen[film.split, film.label] += 1
        if film.split != "test" or seen[film.split, film.label] < 2:
            few.append(film)
    with pytest.raises(DataError, match="1 test films of class covid, 2 are needed"):
        train(replace(dataset, films=tuple(few)), data, plan, tmp_path / "run", lambda _: None)
