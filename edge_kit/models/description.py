"""What a network is: its layers, how many parameters they have, and how large it will be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_kit.models.function import built
from edge_kit.models.recipe import Architecture, TrainingRecipe

if TYPE_CHECKING:
    import keras

_SIZES = ("filters", "units", "rate")
"""What the size of a layer is called, kind by kind."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer: its kind, the shape of what it gives without the batch, and its parameters.

    A nested network counts as one layer, whose kind is the network's name. `size` is the number of
    its filters or units, or the rate of a dropout, if it has one.
    """

    kind: str
    size: float | None
    output: tuple[int, ...]
    parameters: int

    def __str__(self) -> str:
        return self.kind if self.size is None else f"{self.kind} {self.size:g}"


@dataclass(frozen=True, slots=True)
class Description:
    """A network for films of one size, and the recipe by which it is trained.

    `float_mb` and `int8_mb` are estimates in millions of bytes: four and one for each parameter.
    """

    name: str
    input: tuple[int, int, int]
    layers: tuple[Layer, ...]
    parameters: int
    float_mb: float
    int8_mb: float
    recipe: TrainingRecipe
    ours: str


def describe(architecture: Architecture, side: int) -> Description:
    """Return what `architecture` is for square films of `side` pixels.

    Raises:
        DataError: it cannot be built for them.
    """
    shape = (side, side, architecture.channels)
    model = built(architecture.name, architecture.build, shape)
    parameters = model.count_params()
    return Description(
        name=architecture.name,
        input=shape,
        layers=tuple(
            _layer(layer) for layer in model.layers if type(layer).__name__ != "InputLayer"
        ),
        parameters=parameters,
        float_mb=round(4 * parameters / 1e6, 2),
        int8_mb=round(parameters / 1e6, 2),
        recipe=architecture.recipe,
        ours=architecture.ours,
    )


def _layer(layer: keras.layers.Layer) -> Layer:
    size = next((getattr(layer, name) for name in _SIZES if hasattr(layer, name)), None)
    return Layer(
        kind=layer.name if hasattr(layer, "layers") else type(layer).__name__,
        size=size,
        output=tuple(layer.output.shape[1:]),
        parameters=layer.count_params(),
    )
