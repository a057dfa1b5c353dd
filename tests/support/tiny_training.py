"""A training that draws all that a training may draw, small; as a process, on several devices.

    python tests/support/tiny_training.py FOLDER

prints as JSON what a training gives on each of `DEVICES`, and then kills itself with `kill -9` in
the last epoch but one of another, whose checkpoint stays in FOLDER. It has to be a process of its
own for that, and because logical devices have to be made before TensorFlow looks at any.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_export.quiet import import_tensorflow
from edge_kit.models.recipe import Augmentation, TrainingRecipe
from edge_kit.training.device import Device
from edge_kit.training.feed import LabelledPixels

if TYPE_CHECKING:
    import keras

FILMS, SIDE = 32, 32
PLAIN = TrainingRecipe(epochs=3, batch_size=16, learning_rate=0.01)
RECIPE = TrainingRecipe(
    epochs=3,
    batch_size=16,
    learning_rate=0.01,
    augmentation=Augmentation(10, 0.2, horizontal_flip=True),
    metrics=("accuracy", "precision", "recall"),
)
CPU = Device(("/CPU:0",), "CPU")
DEVICES = {
    "one": CPU,
    "two": Device(("/CPU:0", "/CPU:1"), "2 x CPU"),
}


def network(*, dropout: bool = True) -> keras.Model:
    """Return an untrained classifier of films of `SIDE` pixels; the same weights every time."""
    import keras
    from keras import Input, Sequential, layers

    keras.utils.set_random_seed(0)
    return Sequential(
        [
            Input((SIDE, SIDE, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(4),
            layers.Flatten(),
            layers.Dropout(0.25 if dropout else 0),
            layers.Dense(1, activation="sigmoid", kernel_regularizer="l2"),
        ],
        name="tiny",
    )


def rows() -> LabelledPixels:
    """Return noise; in half of the films with a bright square, which is to be learnt."""
    positive = np.arange(FILMS) % 2 == 0
    shape = (FILMS, SIDE, SIDE, 1)
    pixels = np.random.default_rng(0).integers(0, 120, shape, dtype=np.uint8)
    pixels[positive, 8:24, 8:24] += 100
    return LabelledPixels(pixels, positive)


def trained(
    model: keras.Model,
    checkpoint: Path,
    *,
    device: Device = CPU,
    recipe: TrainingRecipe = RECIPE,
    seed: int = 0,
    say: Callable[[str], None] = lambda _: None,
    callbacks: Sequence[Any] = (),
) -> dict[str, list[float]]:
    """Fit `model` and return its history by epoch."""
    from edge_kit.training.fit import fit

    return fit(
        *(model, rows(), rows(), recipe, {"model": "tiny", "seed": seed}),
        device=device,
        checkpoint=checkpoint,
        out=Path("run"),
        say=say,
        callbacks=callbacks,
    )


def main() -> None:
    """Train on each device, and die."""
    import_tensorflow()
    import keras
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    folder, found = Path(sys.argv[1]), {}
    for name, device in DEVICES.items():
        # Dropout draws for each device apart.
        model = network(dropout=False)
        found[name] = trained(model, folder / f"{name}.npz", device=device)
    print(json.dumps(found), flush=True)  # noqa: T201

    class Death(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            del logs
            if (folder / "killed.npz").exists() and batch == 1:
                os.kill(os.getpid(), signal.SIGKILL)

    trained(network(), folder / "killed.npz", callbacks=[Death()])


if __name__ == "__main__":
    main()
