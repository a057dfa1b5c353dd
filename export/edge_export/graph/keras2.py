"""Models that Keras 2 saved, as configurations of Keras 3: what differs is rewritten or refused."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

from edge_export.graph.keras2_nodes import rewrite_nodes
from edge_export.graph.model_config import Config, layer_name, layers_of, policy_of
from edge_runtime.errors import DataError

AGAIN = "build it from layers of Keras 3, load_weights of the old file, and save NAME.keras"
"""The cure for what Keras 3 cannot be given."""

_MODELS = {"Sequential": "Sequential", "Functional": "Functional", "Model": "Functional"}
_CONTAINERS = {"Sequential": "keras", "Functional": "keras.src.models.functional"}
# Arithmetic with one number that Keras 2 recorded where no layer was used, most of it from the
# `preprocess_input` of its applications, as the factor and the offset of a Rescaling.
_ARITHMETIC: dict[str, Callable[[float], tuple[float, float]]] = {
    "math.truediv": lambda number: (1 / number, 0.0),
    "math.divide": lambda number: (1 / number, 0.0),
    "__operators__.truediv": lambda number: (1 / number, 0.0),
    "math.multiply": lambda number: (number, 0.0),
    "__operators__.mul": lambda number: (number, 0.0),
    "math.add": lambda number: (1.0, number),
    "__operators__.add": lambda number: (1.0, number),
    "math.subtract": lambda number: (1.0, -number),
    "__operators__.sub": lambda number: (1.0, -number),
}
_CODE = frozenset(("Lambda", "SlicingOpLambda", "TFOpLambda", "TensorFlowOpLayer"))
# What Keras 3 does not know and what changes nothing, with the values for which that is so.
_DROPPED: dict[str, tuple[Any, ...]] = {
    "groups": (1,),
    "time_major": (False,),
    "implementation": (1, 2),
    "ragged": (False, None),
    "batch_size": (None,),
    "virtual_batch_size": (None,),
    "fused": (None, True, False),
    "softmax_robust_masking": (False,),
}
_WITHOUT_GROUPS = frozenset(("DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose"))
# These matter in training alone, or are found out again.
_SPARE = ("initializer", "regularizer", "constraint", "query_shape", "key_shape", "value_shape")


def for_keras3(path: Path, config: Config) -> Config:
    """Return the configuration of a model that Keras 2 saved as Keras 3 reads it.

    Raises:
        DataError: a layer computes what Keras 3 has no layer for, or something else under the same
            name; it is named.
    """
    changed = deepcopy(config)
    for key in ("compile_config", "build_config", "registered_name"):
        changed.pop(key, None)
    _model(path, changed)
    for layer in layers_of(changed):
        _refuse_other_meaning(path, layer)
    return changed


def _refuse_other_meaning(path: Path, layer: Config) -> None:
    options = layer["config"]
    if layer["class_name"] in _CODE:
        what = options.get("function") or options.get("node_def")
        named = f" of {what}" if isinstance(what, str) else ""
        problem = f"{layer_name(layer)}{named} is code of Keras 2, no layer"
        raise DataError(path, problem, AGAIN)
    if "hard_sigmoid" in (options.get("activation"), options.get("recurrent_activation")):
        problem = f"{layer_name(layer)}: the hard_sigmoid of Keras 2 is another function in Keras 3"
        raise DataError(path, problem, AGAIN)


def _model(path: Path, config: Config) -> None:
    kind = _MODELS.get(config.get("class_name", ""))
    inner = config.get("config")
    if isinstance(inner, list):  # a Sequential of the oldest files
        inner = config["config"] = {"name": "sequential", "layers": inner}
    if kind is None or not isinstance(inner, dict) or not isinstance(inner.get("layers"), list):
        problem = f"Keras 2 saved a {config.get('class_name')!r}, no model of layers"
        raise DataError(path, problem, AGAIN)
    config["class_name"], config["module"] = kind, _CONTAINERS[kind]
    config["registered_name"] = None
    config.pop("build_config", None)
    inner.pop("build_input_shape", None)
    if kind == "Sequential":
        inner["layers"] = [*_first_input(inner["layers"]), *inner["layers"]]
    for layer in inner["layers"]:
        _layer(path, layer)
    if kind == "Functional":
        rewrite_nodes(inner)


def _first_input(layers: list[Config]) -> list[Config]:
    """Return the input layer that a Sequential without one says in its first layer."""
    first = layers[0]["config"] if layers else {}
    shape = first.get("batch_input_shape") if isinstance(first, dict) else None
    if shape is None or layers[0].get("class_name") == "InputLayer":
        return []
    options = {"name": f"{first.get('name', 'first')}_input", "batch_input_shape": shape}
    return [{"class_name": "InputLayer", "config": options}]


def _layer(path: Path, layer: Config) -> None:
    if layer.get("class_name") in _MODELS:
        _model(path, layer)
        return
    options = layer.get("config")
    if not isinstance(options, dict):
        raise DataError(path, "Keras 2 saved a layer without a configuration", AGAIN)
    layer["module"], layer["registered_name"] = "keras.layers", None
    layer.pop("build_config", None)
    shape = options.pop("batch_input_shape", None)
    if layer["class_name"] == "InputLayer":
        options["batch_shape"] = options.get("batch_shape", shape)
    if layer["class_name"] == "TFOpLambda":
        _rescaling(layer)
    _options(layer)
    for wrapped in layer["config"].values():  # TimeDistributed, Bidirectional
        if isinstance(wrapped, dict) and {"class_name", "config"} <= wrapped.keys():
            _layer(path, wrapped)


def _options(layer: Config) -> None:
    """Rewrite the options of one layer, in place."""
    options = layer["config"]
    for key in [key for key in options if key.endswith(_SPARE)]:
        del options[key]
    if isinstance(axis := options.get("axis"), list) and len(axis) == 1:
        (options["axis"],) = axis
    if policy_of(layer):
        options["dtype"] = policy_of(layer)
    for key, harmless in _DROPPED.items():
        grouped = key == "groups" and layer["class_name"] not in _WITHOUT_GROUPS
        if key in options and options[key] in harmless and not grouped:
            del options[key]


def _rescaling(layer: Config) -> None:
    """Make a Rescaling of arithmetic with one number, in place; leave anything else."""
    calls = layer.get("inbound_nodes")
    change = _ARITHMETIC.get(layer["config"].get("function", ""))
    if change is None or not isinstance(calls, list) or len(calls) != 1:
        return
    (call,) = calls
    number = call[3].get("y") if len(call) == 4 and isinstance(call[3], dict) else None
    if isinstance(number, int | float) and number:
        scale, offset = change(number)
        name = str(layer["config"].get("name")).replace(" ", "_")
        layer["class_name"] = "Rescaling"
        layer["config"] = {"name": name, "scale": scale, "offset": offset}
        layer["inbound_nodes"] = [[[*call[:3], {}]]]
