"""The plan of a sweep, as PLAN.toml gives it, and the trials that follow from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from edge_export.proof.parity import Budget
from edge_export.quantize.ranges import METHODS
from edge_export.quantize.recipe import INT8, RECIPES
from edge_kit.data.film_folders import FilmFolders, film_folders
from edge_kit.exporting.order import ProofRules
from edge_kit.models.registry import architecture

MOST_TRIALS = 10_000


def title(model: str) -> str:
    """Return what a network is called in tables: of a FILE.py:FUNCTION not where the file lies."""
    return model.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Halving:
    """When a training is stopped early: after `grace_epochs`, and `reduction_factor` times that.

    At each of these rungs one in `reduction_factor` goes on, see `rungs`.
    """

    reduction_factor: int = 3
    grace_epochs: int = 1

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """Return the epochs after which a training of `epochs` is looked at, the last not."""
        rung, found = self.grace_epochs, list[int]()
        while rung < epochs:
            found.append(rung)
            rung *= self.reduction_factor
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What may become a bundle: a network, a recipe, and the method that calibrates it, if any."""

    number: int
    model: str
    recipe: str
    method: str | None

    def __str__(self) -> str:
        return " ".join(filter(None, (title(self.model), self.recipe, self.method)))


@dataclass(frozen=True, slots=True)
class SweepTraining:
    """One network trained on all folds but `fold`, counted from 1."""

    name: str
    model: str
    fold: int
    seed: int

    def __str__(self) -> str:
        return f"{title(self.model)} fold {self.fold} seed {self.seed}"


@dataclass(frozen=True, slots=True)
class Trial:
    """A configuration on one training."""

    name: str
    training: SweepTraining
    configuration: Configuration

    def __str__(self) -> str:
        configuration = self.configuration
        ways = " ".join(filter(None, (configuration.recipe, configuration.method)))
        return f"{self.training} {ways}"


@dataclass(frozen=True)
class SweepPlan:
    """What is tried on which films; the defaults are those of the file.

    `specificity` is the operating point at which sensitivities are compared. `cpus` and `gpus` are
    for each training, `retries` the tries after the first. None of epochs, batch size, learning
    rate and side is the network's own. `early_stopping` stops hopeless trainings, None none.
    """

    data: tuple[str, ...]
    models: tuple[str, ...]
    folds: int = 3
    seeds: tuple[int, ...] = (0,)
    recipes: tuple[str, ...] = (INT8.name,)
    calibration_methods: tuple[str, ...] = METHODS[:1]
    specificity: float = 0.9
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    side: int | None = None
    film_gate: bool = True
    calibration_films: int = 300
    allow_calibration: tuple[str, ...] = ()
    modality: str | None = None
    positive: str = "covid"
    negative: str | None = None
    split_seed: int = 0
    latency: bool = True
    cpus: int = 1
    gpus: float = 0
    retries: int = 1
    early_stopping: Halving | None = None

    @property
    def folders(self) -> FilmFolders:
        """The folders of films."""
        return film_folders([Path(path) for path in self.data])

    @cached_property
    def configurations(self) -> tuple[Configuration, ...]:
        """What may become a bundle; a recipe that needs no ranges has no method."""
        ways: list[tuple[str, str | None]] = []
        for recipe in self.recipes:
            methods = self.calibration_methods if RECIPES[recipe].calibrated else (None,)
            ways += [(recipe, method) for method in methods]
        chosen = enumerate(product(self.models, ways), 1)
        return tuple(Configuration(number, model, *way) for number, (model, way) in chosen)

    @cached_property
    def trainings(self) -> tuple[SweepTraining, ...]:
        """All trainings; the networks take turns, so that none is far behind."""
        numbered = list(enumerate(self.models, 1))
        return tuple(
            SweepTraining(f"m{number}-fold{fold}-seed{seed}", model, fold, seed)
            for seed, fold, (number, model) in product(
                self.seeds, range(1, self.folds + 1), numbered
            )
        )

    def trials_of(self, training: SweepTraining) -> Iterator[Trial]:
        """Yield the trials of a training."""
        for configuration in self.configurations:
            if configuration.model == training.model:
                ways = filter(None, (configuration.recipe, configuration.method))
                yield Trial("-".join((training.name, *ways)), training, configuration)

    @property
    def trials(self) -> list[Trial]:
        """All trials, training by training."""
        return [trial for training in self.trainings for trial in self.trials_of(training)]

    def trial_count(self) -> tuple[int, str]:
        """Return how many trials there are, and of what they are the product."""
        ways = len(self.configurations) // len(self.models)
        counts = len(self.models), self.folds, len(self.seeds), ways
        words = "models {} x folds {} x seeds {} x ways to quantize {}".format(*counts)
        return prod(counts), words

    def epochs_of(self, model: str) -> int:
        """Return for how many epochs the network called `model` is trained."""
        return self.epochs or architecture(model).recipe.epochs

    def rules(self, configuration: Configuration) -> ProofRules:
        """Return how a training is exported as `configuration`; else all is as an export has it."""
        return ProofRules(
            recipes=[configuration.recipe],
            calibration_count=self.calibration_films,
            method=configuration.method or METHODS[0],
            allowed=self.allow_calibration,
            budget=Budget(),
        )

    def train_words(self, model: str) -> list[str]:
        """Return the options of `edge-kit train` that train the network called `model`."""
        given = {
            "--model": model,
            "--epochs": self.epochs,
            "--batch-size": self.batch_size,
            "--learning-rate": self.learning_rate,
            "--side": self.side,
            "--seed": self.seeds[0],
            "--split-seed": self.split_seed,
            "--modality": self.modality,
            "--positive": self.positive,
            "--negative": self.negative,
        }
        words = [word for path in self.data for word in ("--data", path)]
        for option, value in given.items():
            words += [] if value is None else [option, str(value)]
        return words if self.film_gate else [*words, "--no-film-gate"]

    def export_words(self, configuration: Configuration) -> list[str]:
        """Return the options of `edge-kit export` that make a bundle of `configuration`."""
        words = ["--recipe", configuration.recipe]
        if configuration.method:
            words += ["--calibration-method", configuration.method]
        words += ["--calibration-films", str(self.calibration_films)]
        for fault in self.allow_calibration:
            words += ["--allow-calibration", fault]
        return words

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain JSON content."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> SweepPlan:
        """Return the plan that `to_json` gave.

        Raises:
            TypeError: it is none.
        """
        known = {field.name for field in fields(cls)}
        if set(content) != known:
            raise TypeError("other keys than those of a plan")
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in content.items()
        }
        halving = values["early_stopping"]
        return cls(**{**values, "early_stopping": Halving(**halving) if halving else None})
