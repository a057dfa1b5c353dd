"""Train one of the networks on films, its film branch after it, and write the run."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_export.film import HELD_OUT, SPLITS, Film, Split, require_held_out
from edge_export.pixels import Pixels, load_pixels
from edge_export.proof.statistics import Metrics, evaluate
from edge_kit.data.cache import cached_pixels
from edge_kit.data.dataset import Dataset
from edge_kit.data.split import write_split_table
from edge_kit.gate.branch import film_logits, fit_branch, join
from edge_kit.gate.gate import Gate, film_threshold, measure
from edge_kit.models.recipe import Architecture, Recipe
from edge_kit.models.registry import architecture
from edge_kit.training.checkpoint import History
from edge_kit.training.curves import draw_curves
from edge_kit.training.device import Device, find_device
from edge_kit.training.feed import Rows
from edge_kit.training.run import (
    CHECKPOINT,
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
from edge_runtime.errors import EdgeError
from edge_runtime.film.preprocess import standard

if TYPE_CHECKING:
    import keras

TOOLS = ("edge-kit", "keras", "tensorflow", "numpy", "pillow")


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What to train and how; `None` leaves a choice to the network's own recipe.

    `deterministic` asks for the same weights from the same seed, which on a GPU costs speed and
    XLA; `None` asks for it on a processor only. `precision` is one of `device.PRECISIONS`.
    """

    model: str = "model3"
    preprocess: Preprocess = field(default_factory=standard)
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    seed: int = 0
    deterministic: bool | None = None
    precision: str | None = None

    def recipe(self, network: Architecture) -> Recipe:
        """Return the recipe of `network` with what this plan says otherwise."""
        given = {name: getattr(self, name) for name in ("epochs", "batch_size", "learning_rate")}
        return replace(network.recipe, **{k: one for k, one in given.items() if one is not None})


def train(
    dataset: Dataset,
    data: Path,
    plan: TrainingPlan,
    out: Path,
    say: Callable[[str], None],
    *,
    others: Sequence[Film] = (),
    cache: Path | None = None,
    resume: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[Split, Metrics]:
    """Train by `plan` on `dataset`, read from `data`, and write the run to `out`.

    `others` are films of another modality, which the film branch learns to refuse. Decoded films
    are kept in folder `cache`, if there is one. After each epoch the state is kept beside `out`;
    with `resume` a training that was interrupted goes on from there. Returns the metrics of each
    held-out split at a threshold of one half.

    Raises:
        UsageError: another training was begun at `out`.
        DataError: a film cannot be used, a held-out split has too few, or the loss did not stay
            finite.
        CannotWrite: `out` could not be written; finished epochs are kept, nothing else.
    """
    from edge_kit.training.fit import fit

    require_held_out(dataset.films)
    network = architecture(plan.model)
    recipe = plan.recipe(network)
    with new_folder(out, resume=resume) as folder, _kept(folder.parent / CHECKPOINT, out, say):
        rows = {split: _rows(dataset, split, plan.preprocess, cache, say) for split in SPLITS}
        device = find_device(plan.precision)
        plan = _seeded(plan, device)
        config = _config(dataset, data, plan=plan, network=network, recipe=recipe, device=device)
        say(f"training {network.name} on {device}")
        size = plan.preprocess
        model = network.build(size.height, size.width, size.channels)
        history = fit(
            model,
            rows["train"],
            rows["val"],
            recipe,
            _identity(dataset, config),
            device=device,
            checkpoint=folder.parent / CHECKPOINT,
            out=out,
            say=say,
            callbacks=callbacks,
        )
        config = replace(config, epochs=len(history["loss"]))
        metrics, gate = _write_run(
            folder, model, rows=rows, others=others, config=config, history=history
        )
        write_split_table(dataset.films, folder / SPLIT_TABLE)
    say(f"film gate: refuses {gate.refused['test']}")
    say(f"wrote {out}")
    return metrics


@contextmanager
def _kept(checkpoint: Path, out: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Say how to go on, if something from outside ends the block after its first epoch."""
    try:
        yield
    except BaseException as error:
        if checkpoint.exists() and not isinstance(error, EdgeError):
            say(f"{out}: finished epochs are kept; the same command with --resume goes on")
        raise


def _seeded(plan: TrainingPlan, device: Device) -> TrainingPlan:
    """Seed all generators; return `plan` with its choice of determinism made."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(plan.seed)
    deterministic = device.is_processor if plan.deterministic is None else plan.deterministic
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    return replace(plan, deterministic=deterministic)


def _write_run(
    folder: Path,
    model: keras.Model,
    *,
    rows: Mapping[Split, Rows],
    others: Sequence[Film],
    config: RunConfig,
    history: History,
) -> tuple[dict[Split, Metrics], Gate]:
    """Write all of a run but its splits: model, configuration, history, metrics and curves."""
    from edge_kit.training.watch import predict

    truth = {split: rows[split].positive for split in HELD_OUT}
    scores = {split: predict(model, rows[split].pixels) for split in HELD_OUT}
    metrics = {split: evaluate(truth[split], scores[split], threshold=0.5) for split in HELD_OUT}
    pixels = {split: np.asarray(rows[split].pixels) for split in SPLITS}
    branch, gate = _film_branch(pixels, others, config.recipe(), config.seed)
    join(model, branch).save(folder / MODEL)
    write_json(folder / CONFIG, replace(config, film_threshold=gate.threshold))
    _write_history(folder / HISTORY, history)
    figures = {split: asdict(value) for split, value in metrics.items()}
    write_json(folder / METRICS, {**figures, "film_gate": asdict(gate)})
    draw_curves(folder / CURVES, history, truth, scores)
    return metrics, gate


def _film_branch(
    films: Mapping[Split, Pixels], others: Sequence[Film], recipe: Preprocess, seed: int
) -> tuple[keras.Model, Gate]:
    """Return a branch trained on the training films, and the gate that it makes on the others."""
    other = {
        split: load_pixels([film for film in others if film.split == split], recipe)
        for split in SPLITS
    }
    branch = fit_branch(films["train"], other["train"], recipe, seed)
    threshold = film_threshold(film_logits(branch, films["val"]))
    refused = {
        split: measure(branch, threshold, films[split], other[split], recipe=recipe, seed=seed)
        for split in HELD_OUT
    }
    return branch, Gate(threshold, refused)


def _rows(
    dataset: Dataset,
    split: Split,
    recipe: Preprocess,
    cache: Path | None,
    say: Callable[[str], None],
) -> Rows:
    films: Sequence[Film] = [film for film in dataset.films if film.split == split]
    positive = np.array([film.label == dataset.positive for film in films], np.bool_)
    return Rows(cached_pixels(films, recipe, cache, say), positive)


def _config(
    dataset: Dataset,
    data: Path,
    *,
    plan: TrainingPlan,
    network: Architecture,
    recipe: Recipe,
    device: Device,
) -> RunConfig:
    stopping, augmentation = recipe.early_stopping, recipe.augmentation
    return RunConfig(
        model=network.name,
        modality=dataset.modality,
        negative=dataset.negative,
        positive=dataset.positive,
        seed=plan.seed,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        preprocess=plan.preprocess.to_json(),
        data=str(data.resolve()),
        tools={tool: version(tool) for tool in TOOLS},
        early_stopping=asdict(stopping) if stopping else None,
        augmentation=asdict(augmentation) if augmentation else None,
        device=str(device),
        deterministic=bool(plan.deterministic),
    )


def _identity(dataset: Dataset, config: RunConfig) -> dict[str, Any]:
    """Return what has to be the same for a training to go on; where the films lie does not."""
    films = sorted((film.sha256, film.label, film.split) for film in dataset.films)
    ours = asdict(config)
    for free in ("data", "tools", "film_threshold"):
        del ours[free]
    return {**ours, "set_of_films": hashlib.sha256(repr(films).encode()).hexdigest()}


def _write_history(path: Path, history: History) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["epoch", *history])
        columns = zip(*history.values(), strict=True)
        writer.writerows([epoch, *values] for epoch, values in enumerate(columns, 1))
