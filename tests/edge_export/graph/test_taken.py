"""What `edge-run` would refuse is refused when it is made, by a line that names the operator."""

from __future__ import annotations

from typing import Any

import pytest

from edge_export.graph.taken import require_taken
from edge_runtime.errors import DataError
from graph_edits import edited_onnx, edited_tflite
from tiny_graphs import SHAPE, onnx_graph, tflite_graph


def test_graphs_of_ours_are_taken() -> None:
    require_taken("model.f32.tflite", "tflite", tflite_graph(), SHAPE)
    require_taken("model.f32.onnx", "onnx", onnx_graph(), SHAPE)


def unknown(model: Any) -> None:
    """Let the mean be a FLOOR_DIV, which is not in the list."""
    vars(model.operatorCodes[1]).update(builtinCode=90, deprecatedBuiltinCode=90)


def test_an_operator_that_is_not_in_the_list_is_named_with_what_it_computes() -> None:
    with pytest.raises(DataError) as caught:
        require_taken("model.f32.tflite", "tflite", bytes(edited_tflite(unknown)), SHAPE)
    line = "model.f32.tflite: edge-run would not take it (operator 1: number 90 is none that "
    assert str(caught.value).startswith(line)
    assert "which computes mean" in str(caught.value)
    assert str(caught.value).endswith("replace that layer, or choose another recipe")


def test_a_recurrent_layer_is_told_to_be_unrolled() -> None:
    def looped(model: Any) -> None:
        model.subgraphs.append(model.subgraphs[0])

    with pytest.raises(DataError, match=r"as a loop has.*unroll=True"):
        require_taken("model.f32.tflite", "tflite", bytes(edited_tflite(looped)), SHAPE)


def test_an_operator_of_onnx_is_named() -> None:
    def other(model: Any) -> None:
        model.graph.node[2].op_type = "Mod"

    with pytest.raises(DataError, match=r"model.f32.onnx: .*operator 'Mod' is none"):
        require_taken("model.f32.onnx", "onnx", bytes(edited_onnx(other)), SHAPE)
