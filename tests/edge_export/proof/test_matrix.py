"""Every two graphs are compared once, and what rounding cannot explain is a disagreement."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from edge_export.proof.matrix import (
    KERAS,
    Agreement,
    GraphKind,
    locate,
    parity_matrix,
)
from edge_export.proof.parity import REFERENCE
from edge_export.statistics.estimates import Floats

KINDS = {
    REFERENCE: KERAS,
    "model.f32.tflite": GraphKind("float32", "tflite"),
    "model.int8.tflite": GraphKind("static_wi8_ai8", "tflite"),
    "model.f32.onnx": GraphKind("float32", "onnx"),
    "model.int8.onnx": GraphKind("static_wi8_ai8", "onnx"),
}
TRUTH = np.array([0.05, 0.3, 0.6, 0.95])


def answers(**moved: float) -> dict[str, Floats]:
    """The probabilities of every artefact, all the same but where `stem_format` is moved by."""
    names = {file.removeprefix("model.").replace(".", "_"): file for file in KINDS}
    shifts = {names[short]: shift for short, shift in moved.items()}
    film = np.array([0, 0, 1, 0])
    return {file: TRUTH - film * shifts.get(file, 0.0) for file in KINDS}


def located(**moved: float) -> list[tuple[str, tuple[str, str]]]:
    matrix = parity_matrix(answers(**moved), threshold=0.5)
    return [(found.place, found.pair) for found in locate(matrix, KINDS)]


def test_every_pair_is_compared_once() -> None:
    matrix = parity_matrix(answers(), threshold=0.5)
    assert list(matrix) == list(combinations(KINDS, 2))
    assert set(matrix.values()) == {Agreement(0, 0.0, 0.0)}


def test_an_agreement_is_counted_by_hand() -> None:
    matrix = parity_matrix(
        {"a": np.array([0.5, 0.4, 0.9]), "b": np.array([0.4, 0.5, 0.9])}, threshold=0.5
    )
    found = matrix["a", "b"]
    assert found.flips == 2  # a film on the threshold is positive
    assert found.largest_difference == pytest.approx(0.1)
    assert found.mean_difference == pytest.approx(0.2 / 3)


@pytest.mark.parametrize("bad", [[], [math.nan], [math.inf]])
def test_answers_that_are_none_are_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="b: "):
        parity_matrix({"a": np.array([0.5]), "b": np.array(bad)}, threshold=0.5)


def test_answers_to_other_films_are_refused() -> None:
    with pytest.raises(ValueError, match="films"):
        parity_matrix({"a": np.array([0.5]), "b": np.array([0.5, 0.6])}, threshold=0.5)


def test_what_rounding_explains_is_no_disagreement() -> None:
    assert located(f32_tflite=9e-5, f32_onnx=9e-5, int8_tflite=0.09, int8_onnx=0.08) == []


def test_a_converter_that_is_wrong_shows_between_keras_and_its_float_graph() -> None:
    # The int8 graph is made from it and agrees with it; the other format is right.
    found = located(f32_tflite=0.2, int8_tflite=0.2)
    assert found[0] == ("conversion", (REFERENCE, "model.f32.tflite"))
    assert (REFERENCE, "model.f32.onnx") not in [pair for _, pair in found]
    assert "quantization" not in [place for place, _ in found]


def test_a_fault_in_the_common_float_graph_shows_in_both_formats_and_nowhere_else() -> None:
    found = located(f32_tflite=0.2, int8_tflite=0.2, f32_onnx=0.2, int8_onnx=0.2)
    assert [place for place, _ in found] == ["conversion", "conversion"]


def test_ranges_that_are_wrong_show_between_float_and_int8_of_both_formats() -> None:
    found = located(int8_tflite=0.3, int8_onnx=0.3)
    assert found == [
        ("quantization", ("model.f32.tflite", "model.int8.tflite")),
        ("quantization", ("model.f32.onnx", "model.int8.onnx")),
    ]


def test_a_kernel_that_saturates_shows_between_the_formats_of_one_recipe() -> None:
    assert located(int8_onnx=0.05) == [("kernel", ("model.int8.tflite", "model.int8.onnx"))]


def test_two_graphs_from_one_source_say_nothing_of_the_place() -> None:
    kinds = dict.fromkeys(("a", "b"), GraphKind("static_wi8_ai8", "tflite"))
    assert locate(parity_matrix({"a": TRUTH, "b": TRUTH / 2}, threshold=0.5), kinds) == []


def test_a_disagreement_is_one_line_with_its_figures() -> None:
    (found,) = locate(parity_matrix(answers(int8_onnx=0.09), threshold=0.52), KINDS)
    assert str(found) == (
        "kernel: model.int8.tflite and model.int8.onnx differ by up to 0.09 in probability "
        "(at most 0.02) and in 1 decisions"
    )


def test_an_artefact_without_a_source_is_an_error() -> None:
    with pytest.raises(KeyError):
        locate(parity_matrix({"a": TRUTH, "b": TRUTH}, threshold=0.5), KINDS)
