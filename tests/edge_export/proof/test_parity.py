from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edge_export import artefact
from edge_export.artefact import Artefact, Measured, measure
from edge_export.film import Split
from edge_export.pixels import Pixels
from edge_export.proof.parity import (
    Budget,
    Comparison,
    compare,
    compare_by_rows,
    failures,
    probabilities,
    widest_difference,
)
from edge_runtime.errors import DataError, NoEngine
from edge_runtime.manifest import Calibration

POSITIVE = np.array([True, True, False, False])
REFERENCE = np.array([0.9, 0.6, 0.5, 0.1])


def test_a_comparison_is_the_table_computed_by_hand() -> None:
    # 0.6 -> 0.4 and 0.5 -> 0.49 change sides; 0.4 falls below 0.49, so one pair of four is lost.
    found = compare(REFERENCE, np.array([0.9, 0.4, 0.49, 0.2]), POSITIVE, threshold=0.5)
    assert (found.n, found.flips) == (4, 2)
    assert found.largest_difference == pytest.approx(0.2)
    assert found.mean_difference == pytest.approx((0.0 + 0.2 + 0.01 + 0.1) / 4)
    assert found.auc_difference == pytest.approx(0.75 - 1.0)
    assert found.metrics.accuracy.value == 0.75


def test_a_model_does_not_differ_from_itself() -> None:
    found = compare(REFERENCE, REFERENCE, POSITIVE, threshold=0.5)
    assert (found.flips, found.largest_difference, found.auc_difference) == (0, 0.0, 0.0)


def test_val_test_and_both_are_rows_of_their_own() -> None:
    positive = np.tile(POSITIVE, 3)
    reference = np.tile(REFERENCE, 3)
    candidate = reference.copy()
    candidate[1] = 0.4  # a validation row
    rows: tuple[Split, ...] = ("val", "test", "train")
    splits = [split for split in rows for _ in range(4)]
    found = compare_by_rows(reference, candidate, positive, splits, threshold=0.5)
    assert {rows: (one.n, one.flips) for rows, one in found.items()} == {
        "val": (4, 1),
        "test": (4, 0),
        "both": (8, 1),
    }


LOGITS = np.linspace(-1, 1, 200)
FINE: Comparison = replace(compare(REFERENCE, REFERENCE, POSITIVE, 0.5), n=200)


@pytest.mark.parametrize(
    ("logits", "both", "lines"),
    [
        (LOGITS, FINE, []),
        (LOGITS, replace(FINE, flips=2), []),
        (LOGITS, replace(FINE, flips=3), ["g flips 3 of 200 decisions (1.5%, at most 1.0%)"]),
        (LOGITS, replace(FINE, auc_difference=-0.005), []),
        (
            LOGITS,
            replace(FINE, auc_difference=-0.0051),
            ["g moves the AUC by -0.0051 (at most 0.005)"],
        ),
        (
            LOGITS,
            replace(FINE, auc_difference=0.02),
            ["g moves the AUC by +0.0200 (at most 0.005)"],
        ),
        (np.full(200, -0.25), FINE, ["g answers -0.25 whatever the film"]),
    ],
    ids=["same", "1 % flips", "more flips", "auc on budget", "auc down", "auc up", "constant"],
)
def test_every_way_over_the_budget_is_named(
    logits: np.ndarray[Any, Any], both: Comparison, lines: list[str]
) -> None:
    assert failures("g", logits, both, Budget()) == lines


def test_several_ways_are_all_named() -> None:
    worst = replace(FINE, flips=100, auc_difference=-0.4)
    assert len(failures("g", np.zeros(200), worst, Budget())) == 3


def test_probabilities_are_calibrated_as_the_clinic_does() -> None:
    calibration = Calibration(method="temperature", scale=2.0, offset=0.0)
    found = probabilities(np.array([0.0, 1.0, -1000.0, 1000.0]), calibration)
    assert found == pytest.approx([0.5, 1 / (1 + np.exp(-2.0)), 0.0, 1.0])


def test_the_widest_difference_is_between_any_two_on_one_film() -> None:
    candidates = {"a": np.array([0.5, 0.2]), "b": np.array([0.4, 0.2]), "c": np.array([0.7, 0.2])}
    assert widest_difference(candidates) == pytest.approx(0.3)


def test_both_formats_are_measured_through_the_engines_of_a_clinic(
    artefacts: dict[str, Artefact], pixels: Pixels
) -> None:
    found = {file: measure(one, pixels[:5]) for file, one in artefacts.items()}
    assert [one.logits.shape for one in found.values()] == [(5,)] * 4
    assert all(one.milliseconds > 0 for one in found.values())
    assert found["model.int8.onnx"].engine == "onnxruntime"
    assert found["model.int8.tflite"].engine in ("litert", "litert-python")
    again: Measured = measure(artefacts["model.int8.tflite"], pixels[:5])
    assert (again.logits == found["model.int8.tflite"].logits).all()


@pytest.mark.parametrize("answer", [np.nan, np.inf, -np.inf])
def test_an_answer_that_is_not_finite_is_an_error(
    answer: float, pixels: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Engine:
        name = "broken"

        def logits(self, film: bytes) -> tuple[float, ...]:
            return (answer if film == pixels[2].tobytes() else 1.0,)

    monkeypatch.setattr(artefact, "first_engine", lambda *_: Engine())
    with pytest.raises(DataError, match=r"g\.tflite: answers with numbers that are not finite"):
        measure(Artefact("g.tflite", "tflite", "float32", b""), pixels[:4])


def test_bytes_that_are_no_graph_have_no_engine(pixels: Pixels) -> None:
    with pytest.raises(NoEngine, match=r"g\.onnx: no engine"):
        measure(Artefact("g.onnx", "onnx", "float32", b"no graph"), pixels[:1])
