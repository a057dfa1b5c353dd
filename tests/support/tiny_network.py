"""A tiny network, and small films to train, quantize and prove it with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge_export.description import BundleDescription, intended_use
from edge_export.examine import ExportPlan
from edge_export.export import export
from edge_export.films.film import SPLITS, Film
from edge_export.films.phantom import phantom
from edge_export.films.pixels import load_pixels
from edge_export.graph.network import load_model
from edge_export.proof.parity import Budget
from edge_runtime.bundle.digest import sha256
from edge_runtime.bundle.records import Training
from edge_runtime.film.preprocess import standard

if TYPE_CHECKING:
    import keras

SIDE = 64
RECIPE = standard(SIDE, SIDE, 1)
FILM = 3.0
LOOSE = Budget(flips=0.2, auc=0.2, margin=0.5)
MADE_BY = "edge-kit train --model tiny"
"""For a network that has hardly learnt anything and answers about one half to every film."""


def tiny_network(height: int = SIDE, width: int = SIDE, channels: int = 1) -> keras.Model:
    """Return an untrained classifier of grey levels 0..255, a thousandth of Model 3."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((height, width, channels)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(4),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(4),
            layers.Flatten(),
            layers.Dense(8, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="tiny",
    )


def trained_network(films: list[Film]) -> keras.Model:
    """Return the tiny network after a few epochs on the training rows of `films`."""
    import keras

    keras.utils.set_random_seed(0)
    model = tiny_network()
    rows = [film for film in films if film.split == "train"]
    positive = np.array([film.label == "covid" for film in rows], np.float32)
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
    model.fit(load_pixels(rows, RECIPE), positive, epochs=12, verbose=0)
    return model


def with_film(model: keras.Model) -> keras.Model:
    """Return `model` with an untrained film / not-film branch, whose logits are about `FILM`."""
    import keras
    from keras import layers

    rng = np.random.default_rng(0)
    body = [
        layers.AveragePooling2D(4, name="film_pool"),
        layers.Rescaling(1 / 255, name="film_scale"),
        layers.Conv2D(4, 3, activation="relu", name="film_conv"),
        layers.Flatten(name="film_flat"),
        layers.Dense(4, activation="relu", name="film_dense"),
        layers.Dense(1, name="film"),
    ]
    film = model.inputs[0]
    for layer in body:
        film = layer(film)
        layer.set_weights([rng.uniform(-0.1, 0.3, one.shape) for one in layer.get_weights()])
    kernel, _ = body[-1].get_weights()
    body[-1].set_weights([kernel, np.array([FILM])])
    return keras.Model(model.inputs, [model.outputs[0], film], name=model.name)


def constant(model: keras.Model) -> keras.Model:
    """Return a copy of the tiny network that answers 0.25 whatever it is shown."""
    import keras

    copy = keras.models.clone_model(model)
    copy.set_weights([*model.get_weights()[:-2], np.zeros((8, 1)), np.array([0.25])])
    return copy


def write_tiny_films(folder: Path, count: int = 84, name: str = "film", first: int = 0) -> None:
    """Fill three splits of two classes below `folder` with phantoms of 64 to 96 pixels a side.

    Their numbers, by which no two are alike, begin with `first`.
    """
    for number in range(first, first + count):
        label = ("covid", "noncovid")[number % 2]
        size = (SIDE + 8 * (number % 5), SIDE + 16 * (number % 3))
        target = folder / SPLITS[number // 2 % 3] / label / f"{name}-{number:03}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        film = phantom(number, positive=label == "covid", size=size)
        if label == "covid" and number % 8:  # most have a sign that a tiny network can learn
            film.paste(255, (16, 16, 36, 36))
        film.save(target)


def tiny_films(folder: Path) -> list[Film]:
    """Return the films that `write_tiny_films` wrote; each is a patient of its own."""
    return [
        Film(path, path.parent.name, split, path.stem, sha256(path.read_bytes()))
        for split in SPLITS
        for path in sorted((folder / split).rglob("*.png"))
    ]


def tiny_plan(budget: Budget = LOOSE, film_threshold: float | None = None) -> ExportPlan:
    """Return how the tiny network is exported: few calibration films, a loose budget.

    With a `film_threshold` it is a network with a film branch.
    """
    description = BundleDescription(
        name="tiny-xray",
        version="0.1.0",
        intended_use=intended_use("xray", (18, 150), ("PA", "AP"), ("CHEST",)),
        negative="noncovid",
        positive="covid",
        preprocess=RECIPE,
        training=Training(model="tiny", seed=0, epochs=12, split_seed=None),
        film_threshold=film_threshold,
        made_by=MADE_BY,
    )
    return ExportPlan(
        description=description, calibration_count=12, allowed=("few_films",), budget=budget
    )


def export_tiny(model: Path, folder: Path, out: Path) -> None:
    """Export the network in the file `model`, proved on the films in `folder`."""
    export(load_model(model), tiny_films(folder), tiny_plan(), out, lambda _: None)


def shifted(model: keras.Model, shift: float = 0.0, scale: float = 1.0) -> keras.Model:
    """Return `model` with its logits scaled, and `shift` added."""
    import keras

    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    kernel, bias = copy.layers[-1].get_weights()
    copy.layers[-1].set_weights([kernel * scale, bias * scale + shift])
    return copy
