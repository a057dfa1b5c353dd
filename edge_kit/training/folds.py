"""Cross-validation: as many runs as folds, each film tested once by a run that never saw it.

OUT/fold1 ... OUT/foldK    a run each, with validation films of its own
OUT/folds.json             what they found together
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from edge_export.cautions import Cautions
from edge_export.films.film import Film, Split, require_held_out
from edge_export.films.labels import are_positive
from edge_export.graph.network import load_model
from edge_export.statistics.estimates import (
    NORMAL_95,
    Bools,
    Estimate,
    Floats,
    auc,
    placements,
    proportion,
    standard_error,
)
from edge_kit.data.dataset import Dataset
from edge_kit.data.film_folders import Folders
from edge_kit.data.leaks import closed
from edge_kit.data.reader import FilmReader
from edge_kit.data.split import FRACTIONS, assign
from edge_kit.files import json_bytes, require_new
from edge_kit.training.plan import TrainingPlan, require_same_training
from edge_kit.training.records import recorded
from edge_kit.training.run import MODEL, finished, read_cautions
from edge_kit.training.train import Judge, train
from edge_runtime.errors import DataError
from edge_runtime.output import write_whole

if TYPE_CHECKING:
    import keras

RESULT = "folds.json"
THRESHOLD = 0.5
WHY_NOT_POOLED = (
    "The AUC is the mean over the folds, with the sum of their DeLong variances. Scores are not "
    "pooled over folds: they come from networks that were trained apart and need not be on one "
    "scale, so that a film of one fold is ranked against films of another by chance. Decisions are "
    "pooled, for each is its network's own, and their intervals are Wilson's. Films count as "
    "independent, and the folds' training sets overlap: the true uncertainty is somewhat larger "
    "than the intervals."
)


@dataclass(frozen=True, slots=True)
class Fold:
    """What one run decided of the films that it was tested on."""

    number: int
    auc: Estimate
    accuracy: Estimate
    sensitivity: Estimate
    specificity: Estimate


@dataclass(frozen=True, slots=True)
class Folds:
    """The outcome of all folds: the mean of their AUCs, and rates of their pooled decisions."""

    folds: tuple[Fold, ...]
    auc: Estimate
    accuracy: Estimate
    sensitivity: Estimate
    specificity: Estimate

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as plain JSON content."""
        return {
            **asdict(self),
            "folds": [asdict(fold) for fold in self.folds],
            "how": WHY_NOT_POOLED,
        }


def table(outcome: Folds) -> str:
    """Return the folds and all of them together, one line each."""
    names = ("auc", "accuracy", "sensitivity", "specificity")
    rows = [(f"fold {fold.number}", fold) for fold in outcome.folds]
    lines = ["         " + "".join(f"{name:<34}" for name in names).rstrip()]
    for title, fold in [*rows, ("all", outcome)]:
        lines.append(f"{title:<9}" + "".join(f"{getattr(fold, n)!s:<34}" for n in names).rstrip())
    return "\n".join([*lines, "", WHY_NOT_POOLED, ""])


def fold_run(out: Path, number: int) -> Path:
    """Return the folder of a fold's run, counted from 1."""
    return out / f"fold{number}"


@dataclass(frozen=True, slots=True)
class _FoldTraining:
    """What the trainings of all folds have in common: the arguments of `train`."""

    data: Folders
    plan: TrainingPlan
    say: Callable[[str], None]
    others: Sequence[Film]
    reader: FilmReader
    resume: bool
    tensorboard: bool
    judge: Judge

    def model(self, run: Path, part: Dataset, cautions: Cautions) -> keras.Model:
        """Return the model of the fold `part` from `run`, trained now if it is not finished.

        What is to be said of it is added to `cautions`.
        """
        if self.resume and finished(run):
            require_same_training(run, part, self.data, self.plan)
            self.say(f"{run}: is finished, and is kept")
            warnings, sentences = read_cautions(run)
            cautions.warn(*warnings)
            cautions.weigh(*sentences)
            return load_model(run / MODEL)
        record = recorded(run, part.films, tensorboard=self.tensorboard, cautions=cautions)
        with record as callbacks:
            return train(
                *(part, self.data, self.plan, run, self.say),
                others=self.others,
                reader=self.reader,
                resume=self.resume,
                callbacks=callbacks,
                cautions=cautions,
                judge=self.judge,
            ).model


def cross_validate(
    dataset: Dataset,
    data: Folders,
    plan: TrainingPlan,
    out: Path,
    say: Callable[[str], None],
    *,
    folds: int,
    others: Sequence[Film] = (),
    reader: FilmReader | None = None,
    resume: bool = False,
    tensorboard: bool = False,
    cautions: Cautions | None = None,
    judge: Judge = lambda *_: None,
) -> Folds:
    """Train by `plan` once for each of `folds` folds of `dataset`, and write the runs to `out`.

    The splits of the data are not used, and patients and near-duplicates stay together. The other
    arguments are those of `train`; with `resume`, finished folds are kept. `cautions` get those of
    every fold by its name, and the caveat of the first.

    Raises:
        UsageError: a finished fold was trained by another plan or on other films.
        DataError: there are too few patients of a class, or what `train` raises.
        CannotWrite: `out` holds something and is not to go on, or the disk refuses.
    """
    if not resume:
        require_new(out)
    reader, cautions = reader or FilmReader(say=say), cautions or Cautions(say)
    training = _FoldTraining(data, plan, say, others, reader, resume, tensorboard, judge)
    outcomes = []
    for number, part in enumerate(assign_folds(closed(dataset), folds, dataset.split_seed), 1):
        said = cautions.part(f"fold {number}")
        say(f"fold {number} of {folds}")
        model = training.model(fold_run(out, number), part, said)
        cautions.weigh(*(said.caveat if number == 1 else ()))
        outcomes.append(_tested(model, part, plan, reader))
    outcome = pooled(outcomes)
    _write(out, outcome, cautions)
    return outcome


def _write(out: Path, outcome: Folds, cautions: Cautions) -> None:
    said = {"warnings": cautions.warnings, "caveat": cautions.caveat}
    write_whole(out / RESULT, json_bytes({**outcome.to_json(), **said}))


def assign_folds(dataset: Dataset, folds: int, seed: int) -> list[Dataset]:
    """Return the dataset of every fold: its films are the test films, the rest trains or validates.

    Folds are assigned as splits are: as evenly as by scikit-learn's StratifiedGroupKFold on the
    films at hand, and independently of the order of the films.

    Raises:
        DataError: a fold lacks two films of a class for its test or validation rows.
    """
    members = [(film.group, film.label) for film in dataset.films]
    # To `assign` a split is a name like any other.
    shares = cast("Mapping[Split, float]", {f"fold {index + 1}": 1.0 for index in range(folds)})
    fold_of = assign(members, seed=seed, fractions=shares)
    rest: dict[Split, float] = {split: FRACTIONS[split] for split in ("train", "val")}
    assigned = []
    for name in shares:
        others = [(group, label) for group, label in members if fold_of[group] != name]
        split_of = assign(others, seed=seed, fractions=rest)
        films = [replace(film, split=split_of.get(film.group, "test")) for film in dataset.films]
        try:
            require_held_out(films)
        except DataError as error:
            cure = "choose fewer folds, or add films of other patients"
            raise DataError(name, error.problem, cure) from error
        assigned.append(replace(dataset, films=tuple(films)))
    return assigned


def _tested(
    model: keras.Model, part: Dataset, plan: TrainingPlan, reader: FilmReader
) -> tuple[Bools, Floats]:
    """Return for the test films of a fold whether each is positive, and the run's probabilities."""
    from edge_kit.training.watch import predict

    films = [film for film in part.films if film.split == "test"]
    return are_positive(films, part.positive), predict(model, reader.pixels(films, plan.preprocess))


def pooled(outcomes: Sequence[tuple[Bools, Floats]]) -> Folds:
    """Return the pooled outcome, given `(n,)` truth and probability of each fold's test films.

    The AUC is `mean_auc`. Rates of pooled decisions have Wilson's intervals.

    Raises:
        ValueError: as `auc` does.
    """
    folds = tuple(
        Fold(number, auc(*fold_outcome), *_rates([fold_outcome]))
        for number, fold_outcome in enumerate(outcomes, 1)
    )
    return Folds(folds, mean_auc(outcomes), *_rates(outcomes))


def mean_auc(outcomes: Sequence[tuple[Bools, Floats]]) -> Estimate:
    """Return the mean of the folds' AUCs, given `(n,)` truth and score of each fold's test films.

    Its interval comes from the variances of the folds: LeDell, Petersen and van der Laan, Electron.
    J. Stat. 9 (2015) 1583. Why scores are not pooled: Airola et al., PMLR 8 (2010) 3; Forman and
    Scholz, SIGKDD Explor. 12 (2010) 49.

    Raises:
        ValueError: as `auc` does.
    """
    areas = [auc(*outcome) for outcome in outcomes]
    mean = math.fsum(area.value for area in areas) / len(areas)
    variances = [_error(area, *outcome) ** 2 for area, outcome in zip(areas, outcomes, strict=True)]
    margin = NORMAL_95 * math.sqrt(math.fsum(variances)) / len(areas)
    films = sum(len(positive) for positive, _ in outcomes)
    return Estimate(mean, max(0.0, mean - margin), min(1.0, mean + margin), films)


def _error(area: Estimate, positive: Bools, score: Floats) -> float:
    """Return DeLong's standard error or, where it is zero, the one that the interval implies."""
    error = standard_error(*placements(positive, score))
    return error or max(area.value - area.low, area.high - area.value) / NORMAL_95


def _rates(outcomes: Sequence[tuple[Bools, Floats]]) -> tuple[Estimate, Estimate, Estimate]:
    """Return accuracy, sensitivity and specificity of all decisions together."""
    positive = np.concatenate([truth for truth, _ in outcomes])
    decided = np.concatenate([score >= THRESHOLD for _, score in outcomes])
    return (
        proportion(int((decided == positive).sum()), len(positive)),
        proportion(int((decided & positive).sum()), int(positive.sum())),
        proportion(int((~decided & ~positive).sum()), int((~positive).sum())),
    )
