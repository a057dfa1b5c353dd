"""How fast is a training? Ratios of interleaved epochs, and the seconds until the first step.

Films are phantoms of 1024 x 1024 pixels as PNG. An epoch of ours, from the cache, is compared with

- `flow`: the X-ray study's own way, Keras's `ImageDataGenerator.flow_from_directory` with the same
  augmentation, network, batch and optimizer in float32 (the study took three channels, Keras's
  default);
- `memory`: `model.fit` on arrays that lie in memory, without augmentation, in our precision: the
  least there is.

Ours trains in the precision that the device gains by, unless told, and the same seed gives the same
weights, as `edge-kit train` does by default.

    python benchmarks/training_speed.py [--model model3] [--channels 3] [--precision float32]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from queue import Queue
from subprocess import PIPE
from threading import Thread
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_export.films.film import Film
from edge_export.films.labels import are_positive
from edge_export.films.phantom import phantom
from edge_export.films.pixels import load_pixels
from edge_kit.models.recipe import Architecture, TrainingRecipe
from edge_kit.training.device import FLOAT32, PRECISIONS, Device, find_device, placed
from edge_runtime.bundle.digest import sha256
from edge_runtime.film.preprocess import standard

SOURCE, SIDE = 1024, 224
FIRST_STEP = """
import os, sys
from edge_export.quiet import import_tensorflow
import_tensorflow()
from edge_kit.cli import run
from edge_kit.training.watch import Watch
Watch.on_train_batch_end = lambda *_, **__: os._exit(0)
sys.exit(run(sys.argv[1:]) or 1)
"""


def main() -> None:
    """Print the ratios and the start."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="model3")
    parser.add_argument("--channels", type=int, choices=(1, 3), help="default: the network's own")
    parser.add_argument("--precision", choices=PRECISIONS, help="default: the device's own")
    parser.add_argument("--against", choices=("flow", "memory"), help="default: both")
    parser.add_argument("--films", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ProcessPoolExecutor() as pool:
            films = list(pool.map(drawn, [folder] * options.films, range(options.films)))
        compare(films, folder, options)
        start(folder, options.model)


def drawn(folder: Path, number: int) -> Film:
    """Draw a film into the folder of its class."""
    label = ("covid", "noncovid")[number % 2]
    path = folder / "films" / label / f"{number:05}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    phantom(number, positive=label == "covid", size=(SOURCE, SOURCE)).save(path)
    return Film(path, label, "train", path.stem, sha256(path.read_bytes()))


def compare(films: list[Film], folder: Path, options: argparse.Namespace) -> None:
    """Print seconds by epoch of each way, in turns, and the ratios of the medians."""
    from edge_export.quiet import import_tensorflow

    import_tensorflow()
    import keras
    import tensorflow as tf

    from edge_kit.models.recipe import Augmentation
    from edge_kit.models.registry import architecture

    keras.utils.set_random_seed(0)
    tf.config.experimental.enable_op_determinism()
    network, device = architecture(options.model), find_device(options.precision)
    rounds = options.rounds
    network = replace(network, channels=options.channels or network.channels)
    own = replace(network.recipe, early_stopping=None, epochs=rounds + 1)
    study = replace(own, augmentation=Augmentation(shear=0.2, zoom=0.2, horizontal_flip=True))
    ways = {
        "ours, augmented": ours(films, folder / "augmented", network, study, device),
        "flow": flow(folder / "films", network, own),
        "ours": ours(films, folder / "own", network, own, device),
        "memory": memory(films, network, own, device),
    }
    pairs = {
        "flow": ("flow / ours, both augmented", "flow", "ours, augmented"),
        "memory": ("ours, by its own recipe / memory", "ours", "memory"),
    }
    chosen = [pair for name, pair in pairs.items() if options.against in (None, name)]
    seconds: dict[str, list[float]] = {name: [] for _, *both in chosen for name in both}
    for turn in range(rounds + 1):
        for name, taken in seconds.items():
            taken.append(next(ways[name]))
            if turn:  # the first compiles
                print(f"{name}: {taken[-1]:.2f} s", flush=True)
    what = f"{network.name}, {len(films)} films, {network.channels} channels, {device}"
    print(f"{what}, ratios of {rounds} epochs in turns: median (all)")
    for words, numerator, denominator in chosen:
        print(f"{words}:", ratios(seconds[numerator], seconds[denominator]))


def ratios(numerator: list[float], denominator: list[float]) -> str:
    """Return the median of the epochs' ratios, and all of them; the first epochs compile."""
    quotients = [a / b for a, b in zip(numerator[1:], denominator[1:], strict=True)]
    return (
        f"{statistics.median(quotients):.2f} ({', '.join(f'{ratio:.2f}' for ratio in quotients)})"
    )


def ours(
    films: list[Film], folder: Path, network: Architecture, recipe: TrainingRecipe, device: Device
) -> Iterator[float]:
    """Yield the seconds of one epoch after the other: batches, checkpoint and figures."""
    import keras

    from edge_kit.data.reader import FilmReader
    from edge_kit.training.feed import LabelledPixels
    from edge_kit.training.fit import fit

    pixels = FilmReader(folder / "cache", print).read(films, standard(SIDE, SIDE, network.channels))
    rows = LabelledPixels(pixels, positive(films))
    asked, told = Queue[None](), Queue[float]()

    class Turns(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
            del epoch, logs
            asked.get()
            self.started = perf_counter()

        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            del epoch, logs
            told.put(perf_counter() - self.started)

    def train() -> None:
        fit(
            network.build(SIDE, SIDE, network.channels),
            *(rows, LabelledPixels(pixels[:4], positive(films[:4])), recipe),
            {"model": network.name, "seed": 0},
            device=device,
            checkpoint=folder / "checkpoint.npz",
            out=folder,
            say=lambda _: None,
            callbacks=[Turns()],
        )

    Thread(target=train, daemon=True).start()
    for _ in range(recipe.epochs):
        asked.put(None)
        yield told.get()


def flow(folder: Path, network: Architecture, recipe: TrainingRecipe) -> Iterator[float]:
    """Yield the seconds of one epoch after the other as the X-ray study trained."""
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    generator = ImageDataGenerator(
        rescale=1 / 255, shear_range=0.2, zoom_range=0.2, horizontal_flip=True
    ).flow_from_directory(
        str(folder),
        target_size=(SIDE, SIDE),
        color_mode="grayscale" if network.channels == 1 else "rgb",
        batch_size=recipe.batch_size,
        class_mode="binary",
    )
    model = compiled(network, recipe, find_device(FLOAT32))
    while True:
        yield epoch(model, generator)


def memory(
    films: list[Film], network: Architecture, recipe: TrainingRecipe, device: Device
) -> Iterator[float]:
    """Yield the seconds of one epoch after the other on arrays that lie in memory."""
    pixels = load_pixels(films, standard(SIDE, SIDE, network.channels)).astype(np.float32)
    truth, model = positive(films).astype(np.float32), compiled(network, recipe, device)
    while True:
        yield epoch(model, pixels, truth, batch_size=recipe.batch_size)


def compiled(network: Architecture, recipe: TrainingRecipe, device: Device) -> Any:
    """Return the network, ready for Keras's own training."""
    import keras

    model = placed(network.build(SIDE, SIDE, network.channels), device)
    optimizer = keras.optimizers.Adam(recipe.learning_rate, epsilon=recipe.epsilon)
    model.compile(optimizer, "binary_crossentropy", metrics=list(recipe.metrics))
    return model


def positive(films: list[Film]) -> NDArray[np.bool_]:
    """Return the truth."""
    return are_positive(films, "covid")


def epoch(model: Any, *data: Any, **options: int) -> float:
    """Return the seconds of an epoch by Keras, without what comes before and after it."""
    import keras

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
            del epoch, logs
            self.seconds = -perf_counter()

        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            del epoch, logs
            self.seconds += perf_counter()

    clock = Clock()
    model.fit(*data, verbose=0, callbacks=[clock], **options)
    return float(clock.seconds)


def start(folder: Path, model: str) -> None:
    """Print the seconds from the command to the end of its first step, in three runs."""
    for turn in ("first", "second", "third"):
        command = ["train", "--data", str(folder / "films"), "--model", model]
        command += ["--cache", str(folder / "cache"), "--out", str(folder / turn)]
        started = perf_counter()
        subprocess.run([sys.executable, "-c", FIRST_STEP, *command], check=True, stderr=PIPE)
        print(f"{turn} run: {perf_counter() - started:.1f} s to its first step", flush=True)


if __name__ == "__main__":
    main()
