"""Train one of the studies' networks on films, its film branch after it, and write the run."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge_export.film import HELD_OUT, SPLITS, Film, Split, require_held_out
from edge_export.pixels import Pixels, load_pixels
from edge_export.proof.statistics import Metrics, evaluate
from edge_kit.data.dataset import Dataset
from edge_kit.data.split import write_split_table
from edge_kit.gate.branch import film_logits, fit_branch, join
from edge_kit.gate.gate import Gate, film_threshold, measure
from edge_kit.models.registry import architecture
from edge_kit.training.curves import draw_curves
from edge_kit.training.run import (
    CONFIG,
    CURVES,
    HISTORY,
    METRICS,
    MODEL,
    RunConfig,
    new_folder,
    write_json,
)
from edge_kit.training.run import SPLITS as SPLIT_TABLE
from edge_runtime.bundle.manifest import Preprocess
from edge_runtime.errors import DataError
from edge_runtime.film.preprocess import standard

if TYPE_CHECKING:
    import keras

    from edge_kit.training.watch import Rows

TOOLS = ("edge-kit", "keras", "tensorflow", "numpy", "pillow")


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What to train and how; the defaults are the study's."""

    model: str = "model3"
    preprocess: Preprocess = field(default_factory=standard)
    epochs: int = 20
    batch_size: int = 32
    learning_rate: float = 0.001
    seed: int = 0


def train(
    dataset: Dataset,
    data: Path,
    plan: TrainingPlan,
    out: Path,
    say: Callable[[str], None],
    *,
    others: Sequence[Film] = (),
) -> dict[Split, Metrics]:
    """Train by `plan` on `dataset`, read from `data`, and write the run to `out`.

    `others` are films of another modality, which the film branch learns to refuse. Returns the
    metrics of each held-out split at a threshold of one half.

    Raises:
        DataError: a film cannot be used, a held-out split has too few, or the loss did not stay
            finite.
        CannotWrite: `out` could not be written; nothing is left behind.
    """
    import keras
    import tensorflow as tf

    from edge_kit.training.watch import predict

    require_held_out(dataset.films)
    with new_folder(out) as folder:
        rows = {split: _rows(dataset, split, plan.preprocess) for split in SPLITS}
        keras.utils.set_random_seed(plan.seed)
        # The same seed gives the same weights, on a GPU too, where it costs some speed.
        tf.config.experimental.enable_op_determinism()
        recipe = plan.preprocess
        model = architecture(plan.model).build(recipe.height, recipe.width, recipe.channels)
        history = fit(model, rows["train"], rows["val"], plan)
        scores = {split: predict(model, rows[split].pixels) for split in HELD_OUT}
        metrics = {
            split: evaluate(rows[split].positive, score, threshold=0.5)
            for split, score in scores.items()
        }
        pixels = {split: rows[split].pixels for split in SPLITS}
        branch, gate = _film_branch(pixels, others, plan)
        join(model, branch).save(folder / MODEL)
        write_json(folder / CONFIG, _config(dataset, data, plan, gate.threshold))
        write_split_table(dataset.films, folder / SPLIT_TABLE)
        _write_history(folder / HISTORY, history)
        figures = {split: asdict(value) for split, value in metrics.items()}
        write_json(folder / METRICS, {**figures, "film_gate": asdict(gate)})
        truth = {split: rows[split].positive for split in scores}
        draw_curves(folder / CURVES, history, truth, scores)
    say(f"film gate: refuses {gate.refused['test']}")
    say(f"wrote {out}")
    return metrics


def fit(
    model: keras.Model, rows: Rows, held_out: Rows, plan: TrainingPlan
) -> dict[str, list[float]]:
    """Compile and fit `model` with Adam on binary cross-entropy; return its history by epoch.

    No early stopping, as in the study: the weights are those of the last epoch. Only a figure that
    is not finite ends it before.

    Raises:
        DataError: a loss or metric was not finite.
    """
    import keras

    from edge_kit.training.watch import Watch

    model.compile(
        optimizer=keras.optimizers.Adam(plan.learning_rate),
        loss="binary_crossentropy",
        metrics=["accuracy"],
    )
    watch = Watch(len(rows.pixels), plan.batch_size, plan.epochs, held_out)
    model.fit(
        rows.pixels,
        rows.positive.astype(np.float32),
        batch_size=plan.batch_size,
        epochs=plan.epochs,
        verbose=0,
        callbacks=[watch],
    )
    if not all(math.isfinite(value) for values in watch.history.values() for value in values):
        raise DataError(plan.model, "the loss is not finite", "lower the learning rate")
    return watch.history


def _film_branch(
    films: Mapping[Split, Pixels], others: Sequence[Film], plan: TrainingPlan
) -> tuple[keras.Model, Gate]:
    """Return a branch trained on the training films, and the gate that it makes on the others."""
    recipe = plan.preprocess
    other = {
        split: load_pixels([film for film in others if film.split == split], recipe)
        for split in SPLITS
    }
    branch = fit_branch(films["train"], other["train"], recipe, plan.seed)
    threshold = film_threshold(film_logits(branch, films["val"]))
    refused = {
        split: measure(branch, threshold, films[split], other[split], recipe=recipe, seed=plan.seed)
        for split in HELD_OUT
    }
    return branch, Gate(threshold, refused)


def _rows(dataset: Dataset, split: Split, recipe: Preprocess) -> Rows:
    from edge_kit.training.watch import Rows

    films: Sequence[Film] = [film for film in dataset.films if film.split == split]
    positive = np.array([film.label == dataset.positive for film in films], np.bool_)
    return Rows(load_pixels(films, recipe), positive)


def _config(dataset: Dataset, data: Path, plan: TrainingPlan, threshold: float) -> RunConfig:
    return RunConfig(
        model=plan.model,
        modality=dataset.modality,
        negative=dataset.negative,
        positive=dataset.positive,
        seed=plan.seed,
        epochs=plan.epochs,
        batch_size=plan.batch_size,
        learning_rate=plan.learning_rate,
        preprocess=plan.preprocess.to_json(),
        data=str(data.resolve()),
        tools={tool: version(tool) for tool in TOOLS},
        film_threshold=threshold,
    )


def _write_history(path: Path, history: dict[str, list[float]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["epoch", *history])
        columns = zip(*history.values(), strict=True)
        writer.writerows([epoch, *values] for epoch, values in enumerate(columns, 1))
