from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_export.artefact import Artefact, measure
from edge_export.pixels import Pixels
from edge_export.quantize.correct import shift_onnx, shift_tflite
from tiny_graphs import tflite_graph

SHIFT = 0.25
SHIFTS = {"tflite": shift_tflite, "onnx": shift_onnx}


@pytest.mark.parametrize("file", ["model.int8.tflite", "model.int8.onnx"])
def test_every_logit_moves_by_the_shift(
    artefacts: dict[str, Artefact], pixels: Pixels, file: str
) -> None:
    before = artefacts[file]
    after = replace(before, graph=SHIFTS[before.format](before.graph, SHIFT))
    moved = measure(after, pixels[:6]).logits - measure(before, pixels[:6]).logits
    assert moved == pytest.approx(np.full(6, SHIFT), abs=1e-5)


def test_of_a_tflite_graph_four_bytes_change_and_no_more(artefacts: dict[str, Artefact]) -> None:
    graph = artefacts["model.int8.tflite"].graph
    shifted = shift_tflite(graph, SHIFT)
    changed = [place for place, (a, b) in enumerate(zip(graph, shifted, strict=True)) if a != b]
    assert 1 <= len(changed) <= 4
    assert changed[-1] - changed[0] < 4


def test_a_graph_whose_last_layer_has_no_bias_is_left_alone() -> None:
    graph = tflite_graph()  # ends in an addition, not in a dense layer
    assert shift_tflite(graph, SHIFT) == graph
