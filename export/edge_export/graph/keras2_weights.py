"""The weights of a model that Keras 2 saved, put into the same model of Keras 3 by their names.

Keras 2 writes the weights of a model that is partly frozen in another order than Keras 3 reads
them, and numbers layers in the order of their configuration: so names decide here, never the order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_export.graph.model_config import Config
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import keras

# What Keras 2 called a weight of a layer.
_RENAMED = {("DepthwiseConv2D", "kernel"): "depthwise_kernel"}
_AGAIN = "load it with Keras 2 and save it by model.save('NAME.h5')"


def read_weights(path: Path, model: keras.Model, config: Config, weights: Path) -> None:
    """Put into `model` the weights that Keras 2 wrote into the HDF5 file `weights`.

    `config` is the configuration that `model` was built from; `path` is named in errors.

    Raises:
        DataError: a weight is missing, left over, or of another shape; it is named.
    """
    import h5py

    with h5py.File(weights) as opened:
        if "model_weights" in opened or "layer_names" in opened.attrs:
            _by_name(path, model, opened.get("model_weights", opened))
        else:
            _by_place(path, model, config, opened)


def _by_name(path: Path, model: keras.Model, group: Any) -> None:
    """Read an `.h5` file, which has a group for every outer layer and names in it."""
    import h5py

    for layer in model.layers:
        stored: dict[tuple[str, ...], Any] = {}

        def look(name: str, node: Any, stored: dict[tuple[str, ...], Any] = stored) -> None:
            if isinstance(node, h5py.Dataset):
                stored[tuple(re.sub(r":\d+$", "", name).split("/"))] = node

        if layer.name in group:
            group[layer.name].visititems(look)
        variables = list(_variables(layer, ()))
        taken = [_named(path, names, stored) for names, _ in variables]
        if len(set(taken)) != len(stored) or len(taken) != len(stored):
            problem = f"layer {layer.name!r} has {len(variables)} weights, stored {len(stored)}"
            raise DataError(path, problem, _AGAIN)
        for (_, variable), name in zip(variables, taken, strict=True):
            _assign(path, layer, variable, stored[name])


def _variables(layer: Any, outer: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every weight of a layer with its name and those of the layers that it is in."""
    names = (*outer, layer.name)
    for variable in (*layer._trainable_variables, *layer._non_trainable_variables):
        if "seed" not in variable.name:  # Keras 2 keeps no state of a generator
            renamed = _RENAMED.get((type(layer).__name__, variable.name), variable.name)
            yield (*names, renamed), variable
    for inner in layer._layers:  # no public counterpart
        yield from _variables(inner, names)


def _named(
    path: Path, names: tuple[str, ...], stored: dict[tuple[str, ...], Any]
) -> tuple[str, ...]:
    """Return the stored weight whose name ends most like `names`, its own name and its layer's."""
    shared = {other: _common_end(names, other) for other in stored}
    longest = max(shared.values(), default=0)
    best = [other for other, length in shared.items() if length == longest]
    if longest < 2 or len(best) > 1:
        problem = f"Keras 2 saved no weight that is certainly {'/'.join(names)}"
        raise DataError(path, problem, _AGAIN)
    return best[0]


def _common_end(one: Sequence[str], other: Sequence[str]) -> int:
    length = 0
    for left, right in zip(reversed(one), reversed(other), strict=False):
        if left != right:
            break
        length += 1
    return length


def _by_place(path: Path, owner: Any, config: Config, group: Any) -> None:
    """Read a `.keras` file, which has a group for every layer by its class and its place."""
    counted: Counter[str] = Counter()
    inside = group.get("layers", {})
    for inner in config["config"]["layers"]:
        kind = _snake(inner["class_name"])
        place = f"{kind}_{counted[kind]}" if counted[kind] else kind
        counted[kind] += 1
        if inner["class_name"] == "InputLayer":
            continue
        layer = owner.get_layer(inner["config"]["name"])
        if "layers" in inner["config"] and place in inside:
            _by_place(path, layer, inner, inside[place])
        else:
            _own(path, layer, inside.get(place, {}))


def _own(path: Path, layer: Any, group: Any) -> None:
    """Read a single layer's weights, and those of the layers that it is made of."""
    stored = dict(group.get("vars", {}))
    own = [*layer._trainable_variables, *layer._non_trainable_variables]
    own = [variable for variable in own if "seed" not in variable.name]
    if len(own) != len(stored):
        problem = f"layer {layer.name!r} has {len(own)} weights, stored {len(stored)}"
        raise DataError(path, problem, _AGAIN)
    for place, variable in enumerate(own):
        _assign(path, layer, variable, stored[str(place)])
    read = set()
    for name in set(group) - {"vars"}:
        inner = getattr(layer, name, None) or getattr(layer, f"_{name}", None)
        if inner is not None and hasattr(inner, "_trainable_variables"):
            _own(path, inner, group[name])
            read.add(id(inner))
    for inner in layer._layers:
        if inner.weights and id(inner) not in read:
            raise DataError(path, f"has no weights for {layer.name}/{inner.name}", _AGAIN)


def _snake(name: str) -> str:
    """Return the name of a class as Keras 2 spells it in a `.keras` file."""
    spaced = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", spaced).lower()


def _assign(path: Path, layer: Any, variable: Any, stored: Any) -> None:
    values = np.asarray(stored)
    if values.shape != tuple(variable.shape):
        problem = f"weight {variable.name!r} of layer {layer.name!r} has shape {values.shape}"
        raise DataError(path, f"{problem}, not {tuple(variable.shape)}", _AGAIN)
    variable.assign(values)
