"""A quantized TFLite graph takes bytes, computes in int8 and answers in floats."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from edge_export.films.pixels import Pixels
from edge_export.graph.artefact import Artefact, measure
from edge_export.quantize.ranges import measure_ranges
from edge_export.quantize.tflite import quantize_tflite
from edge_runtime.errors import DataError


def opened(artefact: Artefact) -> tuple[Any, dict[int, dict[str, Any]]]:
    interpreter = Interpreter(model_content=artefact.graph)
    return interpreter, {one["index"]: one for one in interpreter.get_tensor_details()}


def operators(artefact: Artefact) -> list[tuple[str, list[dict[str, Any]], dict[str, Any]]]:
    """Return name, inputs and output of every operator."""
    interpreter, tensors = opened(artefact)
    return [
        (one["op_name"], [tensors[i] for i in one["inputs"] if i >= 0], tensors[one["outputs"][0]])
        for one in interpreter._get_ops_details()
    ]


def test_pixels_come_in_as_bytes_and_both_logits_leave_as_floats(
    artefacts: dict[str, Artefact],
) -> None:
    interpreter, _ = opened(artefacts["model.int8.tflite"])
    (taken,), given = interpreter.get_input_details(), interpreter.get_output_details()
    assert (taken["shape"].tolist(), taken["dtype"]) == ([1, 64, 64, 1], np.uint8)
    assert [(one["shape"].tolist(), one["dtype"]) for one in given] == [([1, 1], np.float32)] * 2


def test_the_body_is_int8_with_a_scale_for_every_channel(artefacts: dict[str, Artefact]) -> None:
    layers = [one for one in operators(artefacts["model.int8.tflite"]) if one[0] == "CONV_2D"]
    assert len(layers) == 3
    for _, (image, weights, bias), output in layers:
        assert (image["dtype"], weights["dtype"], output["dtype"]) == (np.int8,) * 3
        assert bias["dtype"] == np.int32
        assert len(weights["quantization_parameters"]["scales"]) == weights["shape"][0]
        assert not weights["quantization_parameters"]["zero_points"].any()
        assert len(output["quantization_parameters"]["scales"]) == 1


def test_the_last_dense_layers_alone_stay_float(artefacts: dict[str, Artefact]) -> None:
    dense = [
        one for one in operators(artefacts["model.int8.tflite"]) if one[0] == "FULLY_CONNECTED"
    ]
    interpreter, _ = opened(artefacts["model.int8.tflite"])
    ends = {one["index"] for one in interpreter.get_output_details()}
    for _, inputs, output in dense:
        kinds = {one["dtype"] for one in (*inputs[:2], output)}
        assert kinds == {np.float32 if output["index"] in ends else np.int8}
    assert len(dense) == 4


def test_one_grey_level_is_one_step_of_the_pixels(artefacts: dict[str, Artefact]) -> None:
    quantize = next(
        one for one in operators(artefacts["model.int8.tflite"]) if one[0] == "QUANTIZE"
    )
    parameters = quantize[2]["quantization_parameters"]
    assert (parameters["scales"].tolist(), parameters["zero_points"].tolist()) == ([1.0], [-128])


def test_logits_are_finer_than_int8(artefacts: dict[str, Artefact], pixels: Pixels) -> None:
    measured = measure(artefacts["model.int8.tflite"], pixels)
    reference = measure(artefacts["model.f32.tflite"], pixels)
    assert np.abs(measured.logits - reference.logits).max() < 0.1 * np.ptp(reference.logits)
    assert len(np.unique(measured.logits)) > 0.8 * len(pixels)


def test_a_tensor_without_a_range_is_an_error_that_names_it(
    artefacts: dict[str, Artefact], pixels: Pixels
) -> None:
    graph = artefacts["model.f32.tflite"].graph
    ranges = measure_ranges(graph, pixels[:2])
    missing = next(name for name in ranges if "conv2d" in name)
    del ranges[missing]
    with pytest.raises(DataError, match=r"conv2d.*: cannot be quantized "):
        quantize_tflite(graph, ranges)


def test_a_graph_that_does_not_end_in_a_dense_layer_is_refused() -> None:
    import tensorflow as tf

    pixels = tf.TensorSpec((1, 4, 4, 1), tf.uint8)
    mean = tf.function(lambda x: tf.reduce_mean(tf.cast(x, tf.float32), axis=(1, 2)))
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [mean.get_concrete_function(pixels)]
    )
    with pytest.raises(DataError, match="ends in MEAN, not in a dense layer"):
        quantize_tflite(converter.convert(), {})
