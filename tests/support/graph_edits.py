"""Tiny graphs with one thing changed, written by the libraries of their formats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flatbuffers  # type: ignore[import-untyped]
import onnx
from ai_edge_litert import schema_py_generated as tfl

from tiny_graphs import onnx_graph, tflite_graph


def edited_tflite(edit: Callable[[Any], object]) -> memoryview:
    """Return the tiny TFLite graph after `edit` of its model, a `ModelT`."""
    model = tfl.ModelT.InitFromObj(tfl.Model.GetRootAs(tflite_graph()))
    edit(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return memoryview(bytearray(builder.Output()))


def edited_onnx(edit: Callable[[Any], object]) -> memoryview:
    """Return the tiny ONNX graph after `edit` of its model, a `ModelProto`."""
    model = onnx.load_from_string(onnx_graph())
    edit(model)
    return memoryview(bytearray(model.SerializeToString()))
