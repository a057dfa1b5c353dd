"""Which layer of a Keras model a tensor of its TFLite graph belongs to, for errors to name it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from edge_export.graph.trace import operators
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import keras


_BEHIND = "what follows"


def layer_names(model: keras.Model, tflite: bytes) -> dict[str, str]:
    """Return the layer of `model` by tensor that an operator of its graph `tflite` writes.

    TensorFlow names a tensor by the layers around it, from the outermost to the innermost, and
    numbers names that it has seen. What is no layer's own, as an operation of `keras.ops`, is told
    by the layer that it follows.
    """
    import keras

    layers = {
        layer.name: layer
        for layer in model._flatten_layers(include_self=False)
        if not isinstance(layer, keras.Model)
    }
    found: dict[str, str] = {}
    for operator in operators(tflite):
        before = next((found[name] for name in operator.inputs if name in found), "")
        behind = before if before.startswith(_BEHIND) or not before else f"{_BEHIND} {before}"
        for name in operator.outputs:
            if layer := _innermost(name, layers) or behind:
                found[name] = layer
    return found


def in_words(layer: Any) -> str:
    """Return name and class of a Keras layer, and its activation where it has one."""
    activation = getattr(layer, "activation", None)
    named = getattr(activation, "__name__", None) or getattr(activation, "name", "linear")
    bent = "" if named == "linear" else f" with {named}"
    return f"layer {layer.name!r} ({type(layer).__name__}{bent})"


@contextmanager
def naming_layers(layers: Mapping[str, str]) -> Iterator[None]:
    """Let errors raised inside the block name the layer in place of a tensor of `layers`.

    Raises:
        DataError: what was raised about a tensor, about its layer.
    """
    try:
        yield
    except DataError as error:
        if error.subject not in layers:
            raise
        raise DataError("model", f"{layers[error.subject]} {error.problem}", error.cure) from error


def _innermost(tensor: str, layers: Mapping[str, Any]) -> str:
    """Return the last layer in the name of a tensor, or nothing.

    A fused operator has a name of many parts; the first tells the layer.
    """
    first, *_ = tensor.split(";")
    parts = first.split("/")
    known = [
        layers[name]
        for part in parts
        for name in (part, re.sub(r"_\d+$", "", part))
        if name in layers
    ]
    return in_words(known[-1]) if known else ""
