"""Exports a Keras model that this project did not train, with an input range of its own.

    python examples/export_own_model.py films mine.edge 30

The model takes grey levels from 0 to 1, as many do, so the export is told `--input-range 0,1`: the
graph in the bundle takes the film's own 0 to 255 and scales inside. Replace `my_model` by yours.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_export.films.film import Film
from edge_export.films.pixels import load_pixels
from edge_export.quiet import import_tensorflow
from edge_kit.cli import run
from edge_kit.data.dataset import load_dataset
from edge_runtime.errors import EdgeError
from edge_runtime.film.preprocess import standard

if TYPE_CHECKING:
    import keras

SIDE = 96


def main(folder: str, bundle: str, epochs: int) -> int:
    """Train a small model on the films in `folder`, save it, export it; return the exit status."""
    import_tensorflow()  # without its chatter
    import keras

    dataset = load_dataset(Path(folder), modality="xray", seed=0)
    films = [film for film in dataset.films if film.split == "train"]
    positive = np.array([film.label == dataset.positive for film in films], np.float32)
    keras.utils.set_random_seed(0)
    model = my_model()
    model.compile(keras.optimizers.Adam(0.003), "binary_crossentropy")
    model.fit(zero_to_one(films), positive, batch_size=16, epochs=epochs, verbose=0)
    file = Path(bundle).with_suffix(".keras")
    model.save(file)
    command = ["export", str(file), "--int8", "--data", folder, "--out", bundle]
    classes = f"{dataset.negative},{dataset.positive}"
    said = ["--modality", "xray", "--body-part", "CHEST", "--views", "PA,AP", "--ages", "18,150"]
    return run([*command, "--classes", classes, "--input-range", "0,1", *said, *sys.argv[4:]])


def my_model() -> keras.Model:
    """Return an untrained classifier of `(n, SIDE, SIDE, 1)` grey levels from 0 to 1."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((SIDE, SIDE, 1)),
            layers.AveragePooling2D(4),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="mine",
    )


def zero_to_one(films: list[Film]) -> NDArray[np.float32]:
    """Return the films as the clinic will prepare them, scaled as the model wants them."""
    return load_pixels(films, standard(SIDE, SIDE, 1)).astype(np.float32) / np.float32(255)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit("usage: export_own_model.py FILMS BUNDLE EPOCHS [OPTION OF edge-kit export]...")
    try:
        sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
    except EdgeError as error:
        sys.exit(f"export_own_model: {error}")
