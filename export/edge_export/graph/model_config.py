"""What the configuration of a Keras model says of its layers, and the same model in float32."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

Config = dict[str, Any]

_FLOATS = frozenset(("float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16"))
_FLOAT32 = {
    "module": "keras",
    "class_name": "DTypePolicy",
    "config": {"name": "float32"},
    "registered_name": None,
}


def layers_of(config: Config) -> Iterator[Config]:
    """Yield the configuration of every layer, those of nested models and wrappers among them."""
    waiting: list[Any] = [config]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            named = isinstance(node.get("class_name"), str) and isinstance(node.get("config"), dict)
            if named and "name" in node["config"] and node is not config:
                yield node
            inner = [value for key, value in node.items() if key != "inbound_nodes"]
            waiting += reversed(inner)
        elif isinstance(node, list):
            waiting += reversed(node)


def layer_name(layer: Config) -> str:
    """Return name and class of a layer's configuration, for a message."""
    return f"layer {layer['config'].get('name')!r} ({layer['class_name']})"


def policy_of(layer: Config) -> str:
    """Return the name of a layer's dtype policy, or an empty string."""
    return _policy(layer["config"].get("dtype"))


def _policy(dtype: Any) -> str:
    if isinstance(dtype, dict):
        inner = dtype.get("config")
        dtype = inner.get("name") or inner.get("mode") if isinstance(inner, dict) else None
    return dtype if isinstance(dtype, str) else ""


def quantized_by_keras(config: Config) -> str:
    """Return the first layer that `model.quantize` has changed, and what it holds; else nothing."""
    for layer in layers_of(config):
        policy = policy_of(layer)
        dtype = layer["config"].get("dtype")
        kind = str(dtype.get("class_name")) if isinstance(dtype, dict) else ""
        if "_from_" in policy or "Quantized" in kind or layer["config"].get("quantization_config"):
            return f"{layer_name(layer)} to {policy.partition('_from_')[0] or 'integers'}"
    return ""


def in_float32(config: Config) -> tuple[Config, tuple[str, ...]]:
    """Return `config` with every layer in float32, and the names of the policies that it had."""
    policies = sorted(_FLOATS & {policy_of(layer) for layer in layers_of(config)})
    changed = deepcopy(config)
    waiting: list[Any] = [changed]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if _policy(node.get("dtype")) in _FLOATS:
                node["dtype"] = "float32" if isinstance(node["dtype"], str) else dict(_FLOAT32)
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return changed, tuple(policies)
