"""Fits a network by the processes of a shared training: Keras's `DataParallel` on JAX.

Every process has the same weights and computes its share of each batch, of the validation films
too; what is decided by their figures is so decided alike everywhere. Import it late: it loads JAX.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import keras
import numpy as np
from numpy.typing import NDArray

from edge_export.films.pixels import Pixels
from edge_kit.data.pixel_store import CachedPixels
from edge_kit.models.recipe import TrainingRecipe
from edge_kit.training.augment import Augmenter, draws_of
from edge_kit.training.checkpoint import (
    Checkpoint,
    History,
    read_checkpoint,
    require_same,
    require_shapes,
    write_checkpoint,
)
from edge_kit.training.device import Device, copied
from edge_kit.training.exchange import from_first, gathered, told_by_all
from edge_kit.training.feed import Feed, LabelledPixels, Share
from edge_kit.training.fit import (
    Trainer,
    epochs_done,
    is_best,
    make_ready,
    not_finite,
    run_epochs,
)
from edge_kit.training.shared_training import SharedTraining
from edge_kit.training.watch import Watch, predict
from edge_runtime.errors import UsageError


def fit(
    model: keras.Model,
    rows: LabelledPixels,
    held_out: LabelledPixels,
    recipe: TrainingRecipe,
    training: Mapping[str, Any],
    *,
    device: Device,
    shared: SharedTraining,
    checkpoint: Path,
    out: Path,
    say: Callable[[str], None],
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> History:
    """Fit `model` as `fit.fit` does, with the other processes of `shared`.

    `checkpoint` and `callbacks` are those of process 0. In the end every process has the weights.

    Raises:
        UsageError: `checkpoint` is another training's, or batches cannot be dealt to all devices.
        DataError: it is damaged, or a loss or metric was not finite.
    """
    model.set_weights(from_first(model.get_weights()))
    with keras.distribution.DataParallel(auto_shard_dataset=False).scope():
        worker, trainer = _compiled(model, recipe, device, films=len(rows.positive))
        state = _State(trainer, worker, shared, checkpoint)
        if history := state.begun(training, out):
            say(f"{out}: continues after epoch {len(history['loss'])} of {recipe.epochs}")
        watch = Watch(
            *(_scores(worker, model, shared), held_out, recipe),
            films=len(rows.positive),
            history=history,
            say=say,
            keep=lambda: state.keep(training, watch.history, recipe),
        )
        _run(trainer, _feed(rows, recipe, training["seed"], history), recipe, [watch, *callbacks])
        state.require_finite(watch, training)
        say(f"{device}: {watch.summary()}")
        model.set_weights(state.best or worker.get_weights())
    return watch.history


class _State:
    """The variables of a shared training; process 0 keeps them on its disk, and gives them out."""

    def __init__(
        self, trainer: Trainer, worker: keras.Model, shared: SharedTraining, path: Path
    ) -> None:
        self._worker, self._shared, self._path = worker, shared, path
        # Those of metrics begin anew with every epoch.
        self._variables = [
            *trainer.trainable_variables,
            *trainer.non_trainable_variables,
            *trainer.optimizer.variables,
        ]
        self.best: list[NDArray[Any]] = []

    def begun(self, training: Mapping[str, Any], out: Path) -> History:
        """Return the history of the training that process 0 goes on with, restored everywhere.

        Raises:
            UsageError: its checkpoint is of another training.
            DataError: it is damaged.
        """
        checkpoint = read_checkpoint(self._path) if self._shared.writes else None
        if checkpoint:
            require_same(checkpoint.training, training, out)
            require_shapes(self._variables, checkpoint, self._path)
            self.best = list(checkpoint.best)
        history: History = told_by_all(dict(checkpoint.history) if checkpoint else {})[0]
        if history:
            values = [variable.numpy() for variable in self._variables]
            values = from_first(list(checkpoint.variables) if checkpoint else values)
            # All at once: JAX holds the processes' values against each other.
            for variable, value in zip(self._variables, values, strict=True):
                variable.assign(value)
        return history

    def require_finite(self, watch: Watch, training: Mapping[str, Any]) -> None:
        """Refuse figures that are no numbers, and remove what was kept.

        Raises:
            DataError: there are some; going on would end the same way.
        """
        if watch.finite:
            return
        if self._shared.writes:
            self._path.unlink(missing_ok=True)
        raise not_finite(training)

    def keep(self, training: Mapping[str, Any], history: History, recipe: TrainingRecipe) -> None:
        """Write the state after an epoch, if this is process 0."""
        if not self._shared.writes:
            return
        if is_best(history, recipe):
            self.best[:] = self._worker.get_weights()
        values = [variable.numpy() for variable in self._variables]
        write_checkpoint(self._path, Checkpoint(training, history, values, self.best))


def _compiled(
    model: keras.Model, recipe: TrainingRecipe, device: Device, *, films: int
) -> tuple[keras.Model, Trainer]:
    """Return a copy of `model` for all processes, and the same compiled; films come augmented."""
    worker = copied(model, device)
    trainer = Trainer(worker.inputs, worker.outputs, name=worker.name)
    make_ready(trainer, recipe, device, films=films)
    return worker, trainer


def _feed(rows: LabelledPixels, recipe: TrainingRecipe, seed: int, history: History) -> Feed:
    """Return this process's films of the epochs that `history` does not have.

    Raises:
        UsageError: a whole batch cannot be dealt evenly.
    """
    done, devices = epochs_done(history, recipe), jax.device_count()
    size = recipe.batch_size
    if size % devices:
        problem = f"batches of {size} cannot be dealt to {devices} devices evenly"
        raise UsageError("--batch-size", problem, f"give a multiple of {devices}")
    share = Share(jax.process_index(), jax.local_device_count(), devices)
    return Feed(rows, size, seed, done, recipe.epochs, draws_of(recipe.augmentation), share)


def _run(
    trainer: Trainer,
    feed: Feed,
    recipe: TrainingRecipe,
    callbacks: list[keras.callbacks.Callback],
) -> None:
    """Run the epochs of `feed`, if there are any."""

    def films() -> Any:
        if recipe.augmentation is None:
            return feed.dataset()
        augmenter = Augmenter(recipe.augmentation)
        return feed.dataset().map(lambda own, truth: (augmenter(*own), truth)).prefetch(2)

    run_epochs(trainer, feed, films, callbacks)


def _scores(
    worker: keras.Model, model: keras.Model, shared: SharedTraining
) -> Callable[[Pixels | CachedPixels], NDArray[np.float64]]:
    """Return what gives the probabilities of films by `worker`, of which each process scores some.

    By `model`, which no other process has: outside of a training step, nothing is dealt out.
    """

    def scores(pixels: Pixels | CachedPixels) -> NDArray[np.float64]:
        model.set_weights(worker.get_weights())
        count = len(pixels)
        size = -(-count // shared.processes)
        films = np.arange(shared.process * size, (shared.process + 1) * size) % count
        with _alone():
            own = predict(model, pixels[films])
        return np.concatenate(gathered(own))[:count]

    return scores


@contextmanager
def _alone() -> Iterator[None]:
    """Set the distribution aside inside the block."""
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)
