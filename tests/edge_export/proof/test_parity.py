"""The table of parity is that computed by hand, for each set of films on its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_export.films.film import Split
from edge_export.proof.parity import (
    Comparison,
    compare,
    compare_by_set,
    probabilities,
    widest_difference,
)
from edge_runtime.bundle.records import Calibration

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
    found = compare_by_set(reference, candidate, positive, splits, threshold=0.5)
    assert {rows: (one.n, one.flips) for rows, one in found.items()} == {
        "val": (4, 1),
        "test": (4, 0),
        "both": (8, 1),
    }


LOGITS = np.linspace(-1, 1, 200)
FINE: Comparison = replace(compare(REFERENCE, REFERENCE, POSITIVE, 0.5), n=200)


def test_probabilities_are_calibrated_as_the_clinic_does() -> None:
    calibration = Calibration(method="temperature", scale=2.0, offset=0.0)
    found = probabilities(np.array([0.0, 1.0, -1000.0, 1000.0]), calibration)
    assert found == pytest.approx([0.5, 1 / (1 + np.exp(-2.0)), 0.0, 1.0])


def test_the_widest_difference_is_between_any_two_on_one_film() -> None:
    candidates = {"a": np.array([0.5, 0.2]), "b": np.array([0.4, 0.2]), "c": np.array([0.7, 0.2])}
    assert widest_difference(candidates) == pytest.approx(0.3)
