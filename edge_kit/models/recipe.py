"""How a network is trained, as its author did: what a name stands for beside the layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import keras

Builder = Callable[[int, int, int], "keras.Model"]
"""From height, width and channels to a network of raw grey levels 0..255, untrained."""

Keep = Literal["last", "best"]
"""Which epoch's weights a run keeps: of the last, or of the lowest validation loss."""

EPSILON = 1e-7
"""Adam's, as Keras has it."""


@dataclass(frozen=True, slots=True)
class EarlyStopping:
    """Stop where the validation loss has not fallen by `min_delta` for `patience` epochs."""

    min_delta: float
    patience: int


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What is drawn anew for every film in every epoch, as Keras's `ImageDataGenerator` names it.

    `shear` is the largest angle in degrees, `zoom` the largest change of scale in each direction.
    """

    shear: float = 0.0
    zoom: float = 0.0
    horizontal_flip: bool = False


@dataclass(frozen=True, slots=True)
class TrainingRecipe:
    """An author's own choices; all train with Adam on binary cross-entropy.

    `epsilon` is Adam's: what it adds to the root of the mean squared gradient that it divides by. A
    large one makes a step as small as its gradient is.
    """

    epochs: int
    batch_size: int
    learning_rate: float = 0.001
    epsilon: float = EPSILON
    early_stopping: EarlyStopping | None = None
    augmentation: Augmentation | None = None
    metrics: tuple[str, ...] = ("accuracy",)
    keep: Keep = "last"


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network that can be trained by its name.

    `channels` is what its author gave it, and `ours` tells in one sentence what the author left
    open and how it was filled in here.
    """

    name: str
    build: Builder
    recipe: TrainingRecipe
    channels: int = 1
    ours: str = ""
