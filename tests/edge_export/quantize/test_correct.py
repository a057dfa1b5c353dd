from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_export.artefact import Artefact, measure
from edge_export.pixels import Pixels
from edge_export.quantize.correct import mean_shift, shift_onnx, shift_tflite
from edge_export.quantize.ranges import measure_ranges
from edge_export.quantize.tflite import quantize_tflite
from tiny_graphs import SIDE, tflite_graph

SHIFT = 0.25
SHIFTS = {"tflite": shift_tflite, "onnx": shift_onnx}


@pytest.fixture(scope="module")
def raw(artefacts: dict[str, Artefact], pixels: Pixels) -> Artefact:
    """Return the int8 graph before its correction."""
    reference = artefacts["model.f32.tflite"]
    graph = quantize_tflite(reference.graph, measure_ranges(reference.graph, pixels))
    return replace(artefacts["model.int8.tflite"], graph=graph)


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


def test_after_the_correction_the_mean_is_gone_on_the_films_it_was_measured_on(
    artefacts: dict[str, Artefact], pixels: Pixels, raw: Artefact
) -> None:
    reference = artefacts["model.f32.tflite"]
    shift = mean_shift(reference, raw, pixels)
    corrected = replace(raw, graph=shift_tflite(raw.graph, shift))
    assert mean_shift(reference, corrected, pixels) == pytest.approx(0, abs=1e-5)


def test_the_shift_is_the_reference_less_the_quantized() -> None:
    films = np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE, 1), np.uint8)
    reference = Artefact("a", "tflite", "float32", tflite_graph(scale=0.5))
    quantized = Artefact("b", "tflite", "float32", tflite_graph(scale=0.25))
    expected = 0.25 * films.mean(axis=(1, 2, 3)).mean()
    assert mean_shift(reference, quantized, films) == pytest.approx(expected, rel=1e-5)


def test_a_graph_whose_last_layer_has_no_bias_is_left_alone() -> None:
    graph = tflite_graph()  # ends in an addition, not in a dense layer
    assert shift_tflite(graph, SHIFT) == graph
