"""Files as Keras 2 writes them, made of a model of Keras 3.

What differs is written out: the shape of the input by another name, options that Keras 3 does not
know, calls as lists, and weights in the order of Keras 2, those of frozen layers last.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_export.graph.keras2_weights import _snake

if TYPE_CHECKING:
    import keras

VERSION = "2.15.0"


def write_h5(model: keras.Model, path: Path) -> Path:
    """Write `model` as an `.h5` file, with the weights of frozen layers behind the others."""
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = VERSION
        file.attrs["model_config"] = json.dumps(old_config(model))
        held = file.create_group("model_weights")
        for layer in model.layers:
            group = held.create_group(layer.name)
            for owner in _owners(layer):
                for variable in owner.weights:
                    if "seed" not in variable.name:
                        name = f"{owner.name}/{_old_name(owner, variable.name)}:0"
                        group[name] = variable.numpy()
    return path


def write_keras(model: keras.Model, path: Path) -> Path:
    """Write `model` as a `.keras` file of Keras 2, whose weights have places and no names."""
    import h5py

    weights = path.with_suffix(".weights")
    with h5py.File(weights, "w") as file:
        _write_places(model, file)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": VERSION}))
        archive.writestr("config.json", json.dumps(old_config(model)))
        archive.write(weights, "model.weights.h5")
    weights.unlink()
    return path


def _write_places(model: Any, group: Any) -> None:
    counted: dict[str, int] = {}
    for layer in model.layers:
        kind = _snake(type(layer).__name__)
        number = counted[kind] = counted.get(kind, -1) + 1
        inner = group.create_group(f"layers/{kind}_{number}" if number else f"layers/{kind}")
        if hasattr(layer, "layers"):
            _write_places(layer, inner)
            continue
        own = [weight for weight in layer.weights if "seed" not in weight.name]
        for place, weight in enumerate(own):
            inner[f"vars/{place}"] = weight.numpy()


def _owners(layer: Any) -> list[Any]:
    inner = layer._flatten_layers(include_self=True, recursive=True)
    return [one for one in inner if not hasattr(one, "layers")]


def _old_name(layer: Any, name: str) -> str:
    depthwise = type(layer).__name__ == "DepthwiseConv2D" and name == "kernel"
    return "depthwise_kernel" if depthwise else name


def old_config(model: Any) -> dict[str, Any]:
    """Return the configuration of `model` as Keras 2 writes it."""
    config = model.get_config()
    inner: dict[str, Any] = {"name": model.name, "layers": []}
    for layer, own in zip(config["layers"], _with_inputs(model), strict=True):
        inner["layers"].append(_old_layer(layer, own))
    if "input_layers" in config:
        inner["input_layers"] = [config["input_layers"]]
        inner["output_layers"] = [config["output_layers"]]
    return {"class_name": type(model).__name__, "config": inner}


def _with_inputs(model: Any) -> list[Any]:
    functional = type(model).__name__ == "Functional"
    return list(model.layers) if functional else [None, *model.layers]


def _old_layer(layer: dict[str, Any], own: Any) -> dict[str, Any]:
    kind, options = layer["class_name"], dict(layer["config"])
    if hasattr(own, "layers"):
        old = old_config(own)
    else:
        options["dtype"] = "float32"
        if kind == "InputLayer":
            options["batch_input_shape"] = options.pop("batch_shape")
            options.pop("optional", None)
        if kind == "DepthwiseConv2D":
            options["groups"] = 1
        if kind == "BatchNormalization":
            options["axis"] = [3]
            options = {key: value for key, value in options.items() if "renorm" not in key}
        old = {"class_name": kind, "config": options}
    calls = [_old_call(call) for call in layer.get("inbound_nodes", [])]
    return old | {"name": options["name"], "inbound_nodes": calls}


def _old_call(call: dict[str, Any]) -> list[Any]:
    taken = call["args"][0]
    several = taken if isinstance(taken, list) else [taken]
    return [[*tensor.get_config()["keras_history"], {}] if hasattr(tensor, "get_config")
            else [*tensor["config"]["keras_history"], {}] for tensor in several]  # fmt: skip
