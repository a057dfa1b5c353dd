"""The float graphs of both formats, and which of their tensors are the same one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_export.graph.network import Network
from edge_export.graph.onnx import to_onnx
from edge_export.graph.tensors import match_tensors, onnx_tensors, tflite_tensors
from edge_export.graph.tflite import to_tflite
from edge_export.pixels import Pixels

if TYPE_CHECKING:
    import keras

# Films by which tensors are told apart: on a single one, two may be zero from end to end.
_MATCHED = 4


@dataclass(frozen=True, slots=True)
class FloatGraphs:
    """One network in both formats; `same` is keyed by ONNX tensor and names its TFLite twin."""

    tflite: bytes
    onnx: bytes
    same: Mapping[str, str]


def float_graphs(network: Network, pixels: Pixels) -> FloatGraphs:
    """Return the float graphs of `network`; a few of the `(n, h, w, c)` pixels match tensors.

    Raises:
        DataError: a layer has no counterpart in one of the formats.
    """
    return from_tflite(to_tflite(network.logits), pixels, network.logits)


def from_tflite(tflite: bytes, pixels: Pixels, origin: keras.Model | None = None) -> FloatGraphs:
    """Return a float TFLite graph with its ONNX twin; `origin` is the model a layer is named by.

    Raises:
        DataError: a layer has no counterpart in ONNX.
    """
    onnx, few = to_onnx(tflite, origin), pixels[:_MATCHED]
    same = match_tensors(tflite_tensors(tflite, few), onnx_tensors(onnx, few))
    return FloatGraphs(tflite, onnx, same)
