"""Tensors of both formats are matched by their values, and never by their names."""

from __future__ import annotations

import numpy as np
import pytest

from edge_export.films.pixels import Pixels
from edge_export.graph.artefact import Artefact
from edge_export.graph.tensors import (
    TFLiteTensors,
    match_tensors,
    onnx_tensors,
    tflite_tensors,
)
from edge_export.graph.trace import Values, outputs
from edge_export.quiet import quiet
from edge_runtime.errors import DataError

RNG = np.random.default_rng(0)
A, B = (RNG.normal(size=(2, 3, 4, 5)).astype(np.float32) for _ in range(2))


def test_tensors_are_matched_by_values_whatever_their_layout() -> None:
    other = {"x": A.transpose(0, 3, 1, 2), "y": B.reshape(6, 20), "z": A + np.float32(1e-6)}
    assert match_tensors({"a": A, "b": B}, other) == {"x": "a", "y": "b", "z": "a"}


@pytest.mark.parametrize(
    "stranger",
    [
        RNG.normal(size=A.shape).astype(np.float32),
        A[:, :, :, :4],
        A * np.float32(1.001),
        np.zeros_like(A),
    ],
    ids=["other values", "a part", "scaled", "zeros"],
)
def test_a_tensor_without_a_twin_is_left_out(stranger: Values) -> None:
    assert match_tensors({"a": A, "b": B}, {"x": stranger, "y": B}) == {"y": "b"}


def test_both_formats_hold_the_same_tensors(artefacts: dict[str, Artefact], pixels: Pixels) -> None:
    reference = tflite_tensors(artefacts["model.f32.tflite"].graph, pixels[:3])
    other = onnx_tensors(artefacts["model.f32.onnx"].graph, pixels[:3])
    matches = match_tensors(reference, other)
    ends = outputs(artefacts["model.f32.tflite"].graph)
    assert [matches["logit"], matches["logit_film"]] == ends
    assert set(matches.values()) <= set(reference)
    # All but what lies between a layer and the activation that TFLite fuses into it.
    unmatched = other.keys() - matches.keys()
    assert len(unmatched) <= 5 < len(matches)


def test_a_graph_that_does_not_begin_with_pixels_is_refused() -> None:
    import tensorflow as tf

    floats = tf.TensorSpec((1, 4, 4, 1), tf.float32)
    add = tf.function(lambda x: x + 1.0).get_concrete_function(floats)
    graph = tf.lite.TFLiteConverter.from_concrete_functions([add]).convert()
    with pytest.raises(DataError, match="begins with ADD, not a cast of pixels"), quiet():
        TFLiteTensors(graph)
