"""The networks by name: those of the studies, our own for clinics, Keras's, and functions."""

from __future__ import annotations

from pathlib import Path

from edge_kit.models import studies
from edge_kit.models.applications import application
from edge_kit.models.clinic import clinic
from edge_kit.models.function import from_function
from edge_kit.models.recipe import (
    Architecture,
    Augmentation,
    EarlyStopping,
    FilmRecipe,
    TrainingRecipe,
)
from edge_runtime.errors import UsageError

KERAS = "keras:"

_SILENT = "3x3 kernels, ReLU and Adam at 0.001"
_STUDIES = (
    Architecture(
        "baseline",
        studies.baseline,
        TrainingRecipe(
            epochs=20, batch_size=64, early_stopping=EarlyStopping(min_delta=0.01, patience=5)
        ),
        ours=f"{_SILENT}; at most 20 epochs; no pooling, for none is named",
    ),
    Architecture(
        "model1",
        studies.model1,
        TrainingRecipe(epochs=10, batch_size=32),
        ours=f"{_SILENT}; pooling of 2x2; the dense layer of 64 follows the one of 16",
    ),
    Architecture(
        "model2",
        studies.model2,
        TrainingRecipe(
            epochs=10,
            batch_size=32,
            epsilon=0.1,
            metrics=("accuracy", "precision", "recall"),
        ),
        # Each dense unit sums three million inputs, none negative. Adam's step has one length for
        # all of them, however small the gradient, and takes the unit below zero for good.
        ours=f"{_SILENT}, its epsilon 0.1 (with 1e-7 seeds 0, 1 and 2 died); a third convolution "
        "of 64 filters; no pooling, as in the baseline",
    ),
    Architecture(
        "model3",
        studies.model3,
        TrainingRecipe(epochs=20, batch_size=32),
        ours="3x3 kernels, ReLU, pooling of 2x2 after each convolution; filters of 32, 32, 64, 64",
    ),
    Architecture(
        "xray_cnn",
        studies.xray_cnn,
        TrainingRecipe(
            epochs=6,
            batch_size=32,
            augmentation=Augmentation(shear=0.2, zoom=0.2, horizontal_flip=True),
        ),
        channels=3,
        ours="3x3 kernels, ReLU, pooling of 2x2; the division by 255 is a layer",
    ),
)
_CLINIC = Architecture(
    "clinic",
    clinic,
    TrainingRecipe(
        epochs=20,
        batch_size=32,
        cosine=True,
        augmentation=Augmentation(
            shear=8.6,
            zoom=0.18,
            horizontal_flip=True,
            rotation=12.0,
            shift=0.09,
            contrast=0.2,
            noise=8.0,
        ),
    ),
    ours="all: no study's, see docs/clinic-network.md",
    films=FilmRecipe(side=128, trim=0.1, crop=0.9, local_radius=24),
)
MODELS: dict[str, Architecture] = {network.name: network for network in (*_STUDIES, _CLINIC)}

_NAMES = f"{', '.join(MODELS)}, {KERAS}NAME (an application of Keras), or FILE.py:FUNCTION"
HELP = f"one of {_NAMES}, which is executed"
"""What an option that names a network says of itself."""


def architecture(name: str) -> Architecture:
    """Return the network called `name`.

    `keras:NAME` is an application of Keras. `FILE.py:FUNCTION` is a function from height, width and
    channels to a Keras model; that file is executed.

    Raises:
        UsageError: there is none.
    """
    if name in MODELS:
        return MODELS[name]
    if name.startswith(KERAS):
        return application(name.removeprefix(KERAS))
    file, _, function = name.rpartition(":")
    if file.endswith(".py"):
        network = from_function(Path(file), function)
        if network.name in MODELS:  # a bundle would claim to be the study's
            raise UsageError("--model", f"{network.name!r} is a network of ours", "rename yours")
        return network
    raise UsageError("--model", f"{name!r} is not known", f"name one of {_NAMES}")
