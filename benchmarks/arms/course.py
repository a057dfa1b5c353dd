"""Trains a network as an arm says.

Import it late: it loads Keras and TensorFlow.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from arms.arm import CLINIC, Arm
from arms.rows import TrainingRows
from arms.taught import Taught, training_graph, views_graph
from edge_kit.models.recipe import Augmentation, TrainingRecipe
from edge_kit.training.augment import draws_of
from edge_kit.training.device import FLOAT32, find_device, optimizer

TEACHERS, _APART = 3, 1000
"""How many teachers a distilled network has, and how far their seeds are from its own."""
_VIEWS = TrainingRecipe(epochs=10, batch_size=64, weight_decay=0.01, cosine=True)
"""Of the training without labels, which is at most half as long as that with them."""
_KEPT, _EARLY = 0.99, 10
"""Of the mean weights, what a step keeps; and a number of steps in which it keeps less."""


class MeanWeights(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Gives a network the exponential mean of its weights when the training ends."""

    def __init__(self, network: keras.Model) -> None:
        super().__init__()
        self._network = network
        self._mean: list[Any] = []
        self._steps = 0

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Take the weights of this step into the mean."""
        del batch, logs
        weights = self._network.get_weights()
        self._steps += 1
        kept = min(_KEPT, self._steps / (self._steps + _EARLY))  # the first weights are chance
        pairs = zip(self._mean or weights, weights, strict=True)
        self._mean = [kept * mean + (1 - kept) * now for mean, now in pairs]

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Set the mean."""
        del logs
        self._network.set_weights(self._mean)


def trained(arm: Arm, rows: TrainingRows, seed: int) -> keras.Model:
    """Return a network trained on `rows`, of which nothing that belongs to the training is left.

    With seeds, order and draws of `edge-kit train`, so that `clinic` is the same network.
    """
    teachers: list[keras.Model] = []
    if "distilled" in arm.methods:
        seeds = range(seed + _APART, seed + _APART + TEACHERS)
        teachers = [_taught(arm, rows, one, ()) for one in seeds]
    return _taught(arm, rows, seed, tuple(teachers))


def _taught(
    arm: Arm, rows: TrainingRows, seed: int, teachers: tuple[keras.Model, ...]
) -> keras.Model:
    if not teachers:
        keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    recipe = arm.training()
    augmentation = recipe.augmentation or Augmentation()
    _, height, width, _ = rows.pixels.shape
    network = (arm.build or CLINIC.build)(height, width, 1)
    if "pretrained" in arm.methods:
        views = views_graph(network, augmentation)
        shorter = replace(_VIEWS, epochs=min(_VIEWS.epochs, -(-recipe.epochs // 2)))
        _fit(views, rows.films_alone(), shorter, seed, draws=2 * draws_of(augmentation))
    graph = training_graph(network, augmentation, arm.methods, rows, teachers)
    mean = [MeanWeights(network)] if "averaged" in arm.methods else []
    _fit(graph, rows, recipe, seed, draws=draws_of(augmentation), callbacks=mean)
    return network


def _fit(
    graph: Taught,
    rows: TrainingRows,
    recipe: TrainingRecipe,
    seed: int,
    *,
    draws: int,
    callbacks: list[keras.callbacks.Callback] | None = None,
) -> None:
    """Fit `graph`; a loss that is no number ends it.

    Raises:
        ArithmeticError: the loss is not finite.
    """
    steps = rows.steps(recipe.batch_size)
    graph.compile(optimizer=optimizer(recipe, find_device(FLOAT32), steps))
    history = graph.fit(
        rows.batches(batch_size=recipe.batch_size, seed=seed, epochs=recipe.epochs, draws=draws),
        epochs=recipe.epochs,
        steps_per_epoch=steps,
        shuffle=False,
        verbose=0,
        callbacks=callbacks or [],
    )
    if not np.isfinite(history.history["loss"]).all():
        raise ArithmeticError("the loss is not finite")
