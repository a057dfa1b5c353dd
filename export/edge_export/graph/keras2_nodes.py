"""How Keras 2 wrote which layer reads what, as Keras 3 writes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from edge_export.graph.model_config import Config

_Reference = list[Any]
"""The name of a layer, the number of its call, the number of the output."""


def rewrite_nodes(inner: Config) -> None:
    """Rewrite the calls of a functional model's layers, and its ends, in place.

    A model within a model counts its own making as a call in Keras 2, so that the first call from
    outside has the number 1. In Keras 3 it is 0.
    """
    layers = {layer["config"].get("name"): layer for layer in inner["layers"]}
    calls = {name: len(layer.get("inbound_nodes") or ()) for name, layer in layers.items()}
    highest: dict[Any, int] = {}
    for name, number, _ in _references(inner, set(layers)):
        highest[name] = max(number, highest.get(name, 0))
    # An input is made, never called.
    early = {name: max(0, top - max(calls[name] - 1, 0)) for name, top in highest.items()}

    def moved(reference: _Reference) -> _Reference:
        name, number, output = reference[:3]
        return [name, number - early.get(name, 0), output]

    for layer in layers.values():
        nodes = layer.get("inbound_nodes") or []
        layer["inbound_nodes"] = [_call(node, moved, set(layers)) for node in nodes]
    for key in ("input_layers", "output_layers"):
        if isinstance(inner.get(key), list):
            ends = [moved(end) for end in inner[key]]
            inner[key] = ends[0] if len(ends) == 1 else ends


def _references(inner: Config, names: set[Any]) -> Iterator[_Reference]:
    waiting: list[Any] = [inner.get("output_layers")]
    waiting += [layer.get("inbound_nodes") for layer in inner["layers"]]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            waiting += node.values()
        elif isinstance(node, list):
            if _is_reference(node, names):
                yield node[:3]
                waiting += node[3:]
            else:
                waiting += node


def _is_reference(node: Any, names: set[Any]) -> bool:
    return (
        isinstance(node, list)
        and len(node) in (3, 4)
        and isinstance(node[0], str)
        and node[0] in names
        and all(isinstance(number, int) for number in node[1:3])
    )


def _call(node: Any, moved: Any, names: set[Any]) -> Any:
    """Return one call of a layer: the tensors that it takes, and its options."""
    if not isinstance(node, list) or not node:
        return node
    taken = [node] if _is_reference(node, names) else node
    if not all(_is_reference(one, names) for one in taken):
        return node
    tensors = [_tensor(moved(one)) for one in taken]
    options: Config = {}
    for one in taken:
        options |= one[3] if len(one) == 4 and isinstance(one[3], dict) else {}
    options = {
        key: _tensor(moved(value)) if _is_reference(value, names) else value
        for key, value in options.items()
    }
    return {"args": [tensors[0] if len(tensors) == 1 else tensors], "kwargs": options}


def _tensor(reference: _Reference) -> Config:
    # Shape and type are those of the layer that is called; what stands here is not looked at.
    place = {"shape": [None], "dtype": "float32", "keras_history": reference}
    return {"class_name": "__keras_tensor__", "config": place}
