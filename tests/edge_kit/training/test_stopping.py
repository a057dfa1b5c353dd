"""Early stopping ends a training in the epoch in which Keras's own callback ends it."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from edge_kit.models.recipe import EarlyStopping
from edge_kit.training.stopping import has_stopped


class Model:
    stop_training = False


@pytest.mark.parametrize("min_delta", [0.0, 0.125, 0.2])
@pytest.mark.parametrize("patience", [1, 2, 4])
@pytest.mark.parametrize("seed", range(20))
def test_a_training_ends_in_the_epoch_in_which_keras_s_own_callback_ends_it(
    min_delta: float, patience: int, seed: int
) -> None:
    # Eighths, so that a fall may be just as large as it has to be.
    losses = (np.random.default_rng(seed).integers(0, 9, 12) / 8).tolist()
    callback = keras.callbacks.EarlyStopping("val_loss", min_delta, patience, mode="min")
    callback.set_model(Model())
    callback.on_train_begin()
    for epoch, loss in enumerate(losses):
        callback.on_epoch_end(epoch, {"val_loss": loss})
        ended = has_stopped(losses[: epoch + 1], EarlyStopping(min_delta, patience))
        assert ended == callback.model.stop_training
        if ended:
            break


@pytest.mark.parametrize("losses", [[], [1.0] * 100])
def test_a_training_without_early_stopping_never_ends_early(losses: list[float]) -> None:
    assert not has_stopped(losses, None)
