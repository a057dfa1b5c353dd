"""How a network is trained, as its author did: what a name stands for beside the layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import keras

Builder = Callable[[int, int, int], "keras.Model"]
"""From height, width and channels to a network of raw grey levels 0..255, untrained."""

Keep = Literal["last", "best"]
"""Which epoch's weights a run keeps: of the last, or of the lowest validation loss."""

EPSILON = 1e-7
"""Adam's, as Keras has it."""
GAIN, FLOOR = 38, 4
"""Of local normalisation: 3.3 mean distances reach black or white, and four levels are no noise."""


@dataclass(frozen=True, slots=True)
class EarlyStopping:
    """Stop where the validation loss has not fallen by `min_delta` for `patience` epochs."""

    min_delta: float
    patience: int


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What is drawn anew for every film in every epoch, as Keras's `ImageDataGenerator` names it.

    `shear` and `rotation` are the largest angles in degrees, `zoom` the largest change of scale in
    each direction, `shift` the largest way along a side, as a share of it. `contrast` is the
    largest change of the distance from middle grey, as a share, and of the mean, of 64 levels;
    `noise` the largest standard deviation in grey levels, `blur` the largest share that a mean of 3
    x 3 pixels takes. `border` is the largest share of each side that an even dark border covers, in
    every second film; `text` the share of films that show letters in a corner.
    """

    shear: float = 0.0
    zoom: float = 0.0
    horizontal_flip: bool = False
    rotation: float = 0.0
    shift: float = 0.0
    contrast: float = 0.0
    noise: float = 0.0
    blur: float = 0.0
    border: float = 0.0
    text: float = 0.0

    @property
    def of_place(self) -> bool:
        """Whether films are turned or moved, which the studies' do not."""
        return bool(self.rotation or self.shift)

    @property
    def of_levels(self) -> bool:
        """Whether grey levels change, and not only where they lie."""
        return bool(self.contrast or self.noise or self.blur)

    def to_json(self) -> dict[str, float]:
        """Return what a run's configuration says of it; what came later only where it is used."""
        first = {"shear", "zoom", "horizontal_flip"}
        return {name: value for name, value in asdict(self).items() if value or name in first}


@dataclass(frozen=True, slots=True)
class TrainingRecipe:
    """An author's own choices; all train with Adam on binary cross-entropy.

    `epsilon` is Adam's: what it adds to the root of the mean squared gradient that it divides by. A
    large one makes a step as small as its gradient is. `weight_decay` is that of AdamW (Loshchilov
    and Hutter 2019), for kernels alone. With `cosine` the learning rate rises in the first epoch
    and then falls to nothing along half a cosine (the same authors, 2017), so that the last epoch
    is an average of those before rather than one more jump.
    """

    epochs: int
    batch_size: int
    learning_rate: float = 0.001
    epsilon: float = EPSILON
    early_stopping: EarlyStopping | None = None
    augmentation: Augmentation | None = None
    metrics: tuple[str, ...] = ("accuracy",)
    keep: Keep = "last"
    weight_decay: float = 0.0
    cosine: bool = False


@dataclass(frozen=True, slots=True)
class FilmRecipe:
    """How films are prepared for a network, beyond what is the same for all.

    `trim` is the share of the film's range of levels below which a line at its edge is border,
    `crop` the middle share of each side that is kept, all of it where there is none; `local_radius`
    the window of local normalisation in pixels, with which go its gain and floor.
    """

    side: int = 224
    crop: float | None = None
    trim: float | None = None
    local_radius: int | None = None

    def to_json(self) -> dict[str, float | int]:
        """Return the fields of `Preprocess` that it sets."""
        local = {"local_radius": self.local_radius, "local_gain": GAIN, "local_floor": FLOOR}
        fields = {
            "trim": self.trim or None,
            "crop": self.crop,
            **(local if self.local_radius else {}),
        }
        return {name: value for name, value in fields.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network that can be trained by its name.

    `channels` and `films` are what its author gave it, and `ours` tells in one sentence what the
    author left open and how it was filled in here.
    """

    name: str
    build: Builder
    recipe: TrainingRecipe
    channels: int = 1
    ours: str = ""
    films: FilmRecipe = field(default_factory=FilmRecipe)
