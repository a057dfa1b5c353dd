"""Find the layer of a Keras model that a converter cannot express, by converting each alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


def unconvertible_layer(
    model: keras.Model, convert: Callable[[keras.Model], object], problem: str = ""
) -> str:
    """Return name and class of the first layer of `model` that `convert` fails on, alone.

    One that fails by the same `problem` as the whole goes before one that fails by another. Nested
    models are entered. Layers of the same configuration are tried once. Returns "a layer" where
    each can be converted by itself.
    """
    import keras

    tried: set[str] = set()
    another = ""
    for layer, taken, outputs in _calls(model):
        options = {key: value for key, value in layer.get_config().items() if key != "name"}
        shapes = [tensor.shape for tensor in taken]
        kind = json.dumps([type(layer).__name__, options, shapes], default=str, sort_keys=True)
        if kind in tried:
            continue
        tried.add(kind)
        try:
            convert(keras.Model(list({id(one): one for one in taken}.values()), outputs))
        except Exception as error:
            name = f"layer {layer.name!r} ({type(layer).__name__})"
            if problem in (getattr(error, "problem", ""), ""):
                return name
            another = another or name
    return another or "a layer"


def _calls(model: keras.Model) -> Iterator[tuple[Any, list[Any], list[Any]]]:
    """Yield every layer with its symbolic inputs and outputs, in the order of the model."""
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _calls(layer)
        elif not isinstance(layer, keras.layers.InputLayer):
            node = layer._inbound_nodes[0]  # no public counterpart
            yield layer, node.input_tensors, node.output_tensors
