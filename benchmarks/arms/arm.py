"""One change of the training of `clinic`, or several that do not collide."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge_export.films.pixels import Pixels
from edge_kit.models.recipe import Augmentation, Builder, FilmRecipe, TrainingRecipe
from edge_kit.models.registry import MODELS

CLINIC = replace(
    MODELS["clinic"],
    recipe=TrainingRecipe(
        epochs=20,
        batch_size=32,
        weight_decay=0.01,
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
    films=FilmRecipe(side=128, crop=0.9, local_radius=12),
)
"""From which all arms depart: `clinic` of version 0.1.0, whatever the kit's is since."""
PLUS = " + "

Levels = Callable[[Pixels, NDArray[np.float64]], Pixels]
"""Changes the levels of films `(n, h, w, 1)`, given the mean histogram `(256,)` of training."""
Method = Literal[
    "cutout", "fourier", "mixstyle", "lungs", "adversary", "distilled", "pretrained", "averaged"
]
"""What belongs to a training alone, by the name that `taught.py` and `course.py` know it by."""


@dataclass(frozen=True, slots=True)
class Arm:
    """What is changed of `clinic`: each mapping has fields of a record by their names.

    `levels` takes the place of local normalisation, and the films of the sources `without` are left
    out.
    """

    recipe: Mapping[str, Any] = field(default_factory=dict)
    augmentation: Mapping[str, float] = field(default_factory=dict)
    films: Mapping[str, float | int | None] = field(default_factory=dict)
    balance: str | None = None
    without: tuple[str, ...] = ()
    levels: Levels | None = None
    build: Builder | None = None
    methods: tuple[Method, ...] = ()

    def training(self) -> TrainingRecipe:
        """Return the recipe of `clinic` with the changes."""
        drawn = CLINIC.recipe.augmentation or Augmentation()
        drawn = Augmentation(**{**asdict(drawn), **self.augmentation})
        return replace(CLINIC.recipe, augmentation=drawn, **self.recipe)

    def preparation(self) -> FilmRecipe:
        """Return how films are prepared, before `levels`."""
        local = {"local_radius": None} if self.levels else {}
        return FilmRecipe(**{**asdict(CLINIC.films), **self.films, **local})


def combined(name: str, arms: Mapping[str, Arm]) -> Arm:
    """Return the arm called `name`, or that of several names with a plus between.

    Raises:
        KeyError: there is no arm of a name.
        ValueError: two of them change the same thing.
    """
    parts = [arms[part] for part in name.split(PLUS)]
    whole = parts[0]
    for part in parts[1:]:
        whole = Arm(**{one.name: _joined(whole, part, one.name, name) for one in fields(Arm)})
    if whole.levels and "local_radius" in whole.films:
        raise ValueError(f"{name}: levels in place of local normalisation, and a window of it")
    return whole


def _joined(one: Arm, other: Arm, field_name: str, name: str) -> Any:
    here, there = getattr(one, field_name), getattr(other, field_name)
    if not here or not there:
        return here or there
    if isinstance(here, tuple):
        same = set(here) & set(there)
        both = here + there
    elif isinstance(here, Mapping):
        same, both = here.keys() & there.keys(), {**here, **there}
    else:
        same, both = {field_name}, here
    if same:
        raise ValueError(f"{name}: two change {', '.join(sorted(same))}")
    return both
