"""The float graphs of both formats, and which of their tensors hold the same values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edge_export.films.pixels import Pixels
from edge_export.graph.layer_names import layer_names
from edge_export.graph.network import OUTPUTS, Network, predicted
from edge_export.graph.onnx import to_onnx
from edge_export.graph.tensors import match_tensors, onnx_tensors, tflite_tensors
from edge_export.graph.tflite import to_tflite
from edge_export.graph.trace import Values, operators, outputs
from edge_export.quiet import one_line
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import keras

# Films that tell tensors apart: on a single film, two tensors may both be all zeros.
_MATCHED = 4


@dataclass(frozen=True, slots=True)
class FloatGraphs:
    """One network in both formats; `same` is keyed by ONNX tensor and names its TFLite twin.

    `branch` names the TFLite tensors that the decision does not depend on: those of the film /
    not-film branch, where there is one. `layers` tells by TFLite tensor the Keras layer that it
    belongs to, as far as it is known.
    """

    tflite: bytes
    onnx: bytes
    same: Mapping[str, str]
    branch: frozenset[str] = frozenset()
    layers: Mapping[str, str] = field(default_factory=dict)


@one_line("model", "cannot be converted", "replace layers that are unusual")
def float_graphs(network: Network, pixels: Pixels) -> FloatGraphs:
    """Return the float graphs of `network`; their tensors are matched on a few of the pixels.

    Raises:
        DataError: a layer has no counterpart in one of the formats, or a converter has changed the
            order of the outputs.
    """
    tflite, few = to_tflite(network.logits), pixels[:_MATCHED]
    tensors = tflite_tensors(tflite, few)
    _require_order(
        predicted(network.logits, few), [tensors[name] for name in outputs(tflite)], "TFLite"
    )
    return from_tflite(tflite, pixels, network.logits)


def from_tflite(tflite: bytes, pixels: Pixels, origin: keras.Model | None = None) -> FloatGraphs:
    """Return a float TFLite graph with its ONNX counterpart; `origin` serves to name a layer.

    Raises:
        DataError: a layer has no counterpart in ONNX, or its converter has changed the order of the
            outputs.
    """
    onnx, few = to_onnx(tflite, origin), pixels[:_MATCHED]
    tflite_values, onnx_values = tflite_tensors(tflite, few), onnx_tensors(onnx, few)
    output_names = outputs(tflite)
    # The outputs correspond by position, even where values near zero do not show it.
    ends = dict(zip(OUTPUTS, output_names, strict=False))
    _require_order(
        [tflite_values[name] for name in output_names], [onnx_values[name] for name in ends], "ONNX"
    )
    same = {**match_tensors(tflite_values, onnx_values), **ends}
    layers = {} if origin is None else layer_names(origin, tflite)
    return FloatGraphs(tflite, onnx, same, _branch(tflite), layers)


def _require_order(expected: Sequence[Values], actual: Sequence[Values], form: str) -> None:
    """Refuse two outputs that are exchanged."""

    def distance(candidates: Sequence[Values]) -> float:
        pairs = zip(expected, candidates, strict=True)
        return sum(
            float(np.abs(reference.ravel() - values.ravel()).max()) for reference, values in pairs
        )

    if distance(actual[::-1]) < distance(actual):
        problem = f"its {form} converter gives the film logit in place of the decision"
        raise DataError("model", problem, "install the versions in constraints.txt")


def _branch(tflite: bytes) -> frozenset[str]:
    """Return the tensors computed by a TFLite graph that its first output does not depend on."""
    all_operators = operators(tflite)
    needed = {outputs(tflite)[0]}
    for operator in reversed(all_operators):
        if needed.intersection(operator.outputs):
            needed.update(operator.inputs)
    return frozenset(
        name for operator in all_operators for name in operator.outputs if name not in needed
    )
