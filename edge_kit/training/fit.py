"""Fits a network to films, epoch by epoch, and keeps each epoch's state on the disk.

Import it late: it loads Keras.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from edge_kit.models.recipe import Augmentation, TrainingRecipe
from edge_kit.training.augment import Augment, draws_of
from edge_kit.training.checkpoint import (
    Checkpoint,
    History,
    read_checkpoint,
    require_same,
    restore,
    write_checkpoint,
)
from edge_kit.training.device import Device, optimizer, placed, strategy
from edge_kit.training.feed import Feed, LabelledPixels
from edge_kit.training.stopping import has_stopped, kept_epoch
from edge_kit.training.watch import Watch, predict
from edge_runtime.errors import DataError


def fit(
    model: keras.Model,
    rows: LabelledPixels,
    held_out: LabelledPixels,
    recipe: TrainingRecipe,
    training: Mapping[str, Any],
    *,
    device: Device,
    checkpoint: Path,
    out: Path,
    say: Callable[[str], None],
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> History:
    """Fit `model` by `recipe` with Adam on binary cross-entropy; return its history by epoch.

    The weights are those of the last epoch, with early stopping too, as in the studies, unless the
    recipe is to `keep` the best. `training` describes the training as JSON, with a `seed`; if it
    equals that of `checkpoint`, the training continues from there. `out` is what messages call the
    training.

    Raises:
        UsageError: `checkpoint` is of another training.
        DataError: it is damaged, a loss or metric was not finite, or memory was too small.
    """
    with strategy(device).scope():
        worker = placed(model, device)
        trainer = _trainer(worker, recipe, device, films=len(rows.positive))
    history: History = {}
    best: list[NDArray[Any]] = []
    if begun := read_checkpoint(checkpoint):
        require_same(begun.training, training, out)
        restore(_variables(trainer), begun, checkpoint)
        history, best = dict(begun.history), list(begun.best)
        say(f"{out}: continues after epoch {begun.epochs} of {recipe.epochs}")
    films, seed = len(rows.positive), training["seed"]

    def keep() -> None:
        values = [variable.numpy() for variable in _variables(trainer)]
        if is_best(watch.history, recipe):
            best[:] = worker.get_weights()
        write_checkpoint(checkpoint, Checkpoint(training, watch.history, values, best))

    score = partial(predict, worker)
    watch = Watch(score, held_out, recipe, films=films, history=history, say=say, keep=keep)
    _run(trainer, rows, recipe, seed=seed, callbacks=[watch, *callbacks], history=history)
    if not watch.finite:
        checkpoint.unlink(missing_ok=True)  # going on from it would end the same way
        raise not_finite(training)
    say(f"{device}: {watch.summary()}")
    if best:
        worker.set_weights(best)
    if worker is not model:
        model.set_weights(worker.get_weights())
    return watch.history


def _run(
    trainer: Trainer,
    rows: LabelledPixels,
    recipe: TrainingRecipe,
    *,
    seed: int,
    callbacks: list[keras.callbacks.Callback],
    history: History,
) -> None:
    """Run the epochs that `history` does not have."""
    done = epochs_done(history, recipe)
    feed = Feed(rows, recipe.batch_size, seed, done, recipe.epochs, draws_of(recipe.augmentation))
    try:
        run_epochs(trainer, feed, feed.dataset, callbacks)
    except tf.errors.ResourceExhaustedError as error:
        problem = f"batches of {recipe.batch_size} do not fit in the device's memory"
        raise DataError(trainer.name, problem, "lower --batch-size") from error


def epochs_done(history: History, recipe: TrainingRecipe) -> int:
    """Return how many epochs a training need not run any more: all, where it has stopped early."""
    if has_stopped(history.get("val_loss", ()), recipe.early_stopping):
        return recipe.epochs
    return len(history.get("loss", ()))


def run_epochs(
    trainer: keras.Model,
    feed: Feed,
    films: Callable[[], Any],
    callbacks: list[keras.callbacks.Callback],
) -> None:
    """Run the epochs of `feed`, if there are any, on the dataset that `films` returns."""
    if feed.first >= feed.last:
        return
    trainer.fit(
        films(),
        initial_epoch=feed.first,
        epochs=feed.last,
        steps_per_epoch=feed.steps,
        shuffle=False,
        verbose=0,
        callbacks=callbacks,
    )


def is_best(history: History, recipe: TrainingRecipe) -> bool:
    """Tell whether the weights are to be kept that the last epoch of `history` has led to."""
    losses = history["val_loss"]
    return recipe.keep == "best" and kept_epoch(losses, "best") == len(losses)


def not_finite(training: Mapping[str, Any]) -> DataError:
    """Return the error of a training whose figures are no numbers."""
    return DataError(training["model"], "the loss is not finite", "lower --learning-rate")


class Trainer(keras.Model):  # type: ignore[misc]  # keras has no types
    """A model that knows for how many seconds its training has waited for films."""

    waited, train_function = 0.0, None

    def make_train_function(self, force: bool = False) -> None:
        """Make Keras's training step, and measure separately how long it waits for each batch."""
        if self.train_function is not None and not force:
            return
        super().make_train_function(force)
        step: Any = self.train_function

        def timed(*arguments: Any) -> Any:
            *state, batches = arguments  # of JAX, the state comes first
            started = perf_counter()
            batch = next(batches)
            self.waited += perf_counter() - started
            return step(*state, iter((batch,)))

        self.train_function = timed


def _trainer(model: keras.Model, recipe: TrainingRecipe, device: Device, *, films: int) -> Trainer:
    """Return the compiled model that is fitted, with all variables that a checkpoint keeps."""
    trainer = _augmented(model, recipe.augmentation)
    make_ready(trainer, recipe, device, films=films)
    # This makes the metrics' variables: made within the first step, they have it traced twice.
    trainer.compute_metrics(None, np.zeros((1, 1)), np.zeros((1, 1)))
    trainer.reset_metrics()
    return trainer


def make_ready(trainer: Trainer, recipe: TrainingRecipe, device: Device, *, films: int) -> None:
    """Compile `trainer` by `recipe`, and make its optimizer's variables."""
    trainer.compile(
        optimizer=optimizer(recipe, device, -(-films // recipe.batch_size)),
        loss="binary_crossentropy",
        metrics=list(recipe.metrics),
    )
    trainer.optimizer.build(trainer.trainable_variables)


def _augmented(model: keras.Model, augmentation: Augmentation | None) -> Trainer:
    """Return `model` preceded by the augmentation, which is not exported."""
    if augmentation is None:
        return Trainer(model.inputs, model.outputs, name=model.name)
    pixels = keras.Input(model.input_shape[1:], name="pixels", dtype="uint8")
    draws = keras.Input((draws_of(augmentation),), name="draws")
    return Trainer([pixels, draws], model(Augment(augmentation)([pixels, draws])), name=model.name)


def _variables(trainer: Trainer) -> list[Any]:
    return [*trainer.variables, *trainer.optimizer.variables]
