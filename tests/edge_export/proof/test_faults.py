"""A model that decides nothing, or the wrong way round, is named with its cure; no other is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edge_export.proof.faults import (
    accuracy_faults,
    area_faults,
    logit_faults,
    transform_faults,
)
from edge_export.statistics.estimates import Estimate, auc, proportion

FILE = "model.int8.tflite"
BYTES, UNIT, SIGNED = "--input-range 0,255", "--input-range 0,1", "--preprocessing tf"


@pytest.mark.parametrize(
    ("logits", "says"),
    [
        ([-2.5, -2.5, -2.5], "answers -2.5 whatever the film"),
        ([-24.0, -24.000002, -24.0], "answers -24 whatever the film"),
    ],
)
def test_logits_that_decide_nothing_are_named(logits: list[float], says: str) -> None:
    (fault,) = logit_faults(FILE, np.array(logits))
    assert fault.name == "constant"
    assert fault.line.startswith(f"{FILE}: constant: {says}")
    assert "; " in fault.line  # and then the cure


@pytest.mark.parametrize("logits", [[0.1, 0.2, 0.3], [-24.0, -24.001, -24.0], [3.0], []])
def test_logits_that_may_decide_are_no_fault(logits: list[float]) -> None:
    assert logit_faults(FILE, np.array(logits)) == []


@pytest.mark.parametrize(
    ("direction", "names"), [(1.0, []), (0.0, ["chance"]), (-1.0, ["class_order"])]
)
def test_the_auc_tells_skill_from_chance_and_from_swapped_classes(
    direction: float, names: list[str]
) -> None:
    rng = np.random.default_rng(0)
    positive = np.arange(200) < 90
    area = auc(positive, 2 * direction * positive + rng.normal(size=200))
    found = area_faults(FILE, area)
    assert [fault.name for fault in found] == names
    assert all(str(area) in fault.line for fault in found)


@pytest.mark.parametrize(
    ("low", "high", "names"),
    [
        (0.4, 0.4999, ["class_order"]),
        (0.4, 0.5, ["chance"]),
        (0.5, 0.6, ["chance"]),
        (0.5001, 0.6, []),
    ],
)
def test_the_interval_decides_and_one_half_is_chance(
    low: float, high: float, names: list[str]
) -> None:
    found = area_faults(FILE, Estimate((low + high) / 2, low, high, 50))
    assert [fault.name for fault in found] == names


def test_swapped_classes_and_chance_name_the_option_that_cures_them() -> None:
    swapped = area_faults(FILE, Estimate(0.1, 0.05, 0.15, 50))
    chance = area_faults(FILE, Estimate(0.5, 0.4, 0.6, 50))
    assert "--classes" in swapped[0].line
    assert "--input-range" in chance[0].line


@pytest.mark.parametrize(
    ("right", "n", "recorded", "fault"),
    [
        (155, 174, 155 / 174, False),
        (154, 174, 155 / 174, False),  # one film
        (152, 174, 155 / 174, True),
        (158, 174, 155 / 174, True),  # better is not what it recorded either
        (9, 10, 1.0, False),  # one film of few
        (8, 10, 1.0, True),
        (155, 174, math.nan, True),
    ],
)
def test_another_accuracy_than_the_run_recorded_is_a_fault_of_preprocessing(
    right: int, n: int, recorded: float, fault: bool
) -> None:
    found = accuracy_faults("keras", proportion(right, n), recorded)
    assert [one.name for one in found] == ["preprocessing"] * fault


def test_an_input_range_with_a_clearly_better_auc_is_named() -> None:
    used, better, no_better = (
        Estimate(0.6, 0.5, 0.7, 174),
        Estimate(0.9, 0.85, 0.95, 174),
        Estimate(0.75, 0.65, 0.85, 174),
    )
    (fault,) = transform_faults("keras", BYTES, {BYTES: used, UNIT: better, SIGNED: used})
    assert fault.name == "preprocessing"
    assert fault.line.endswith("; give --input-range 0,1")
    assert transform_faults("keras", BYTES, {BYTES: used, UNIT: no_better}) == []
    assert transform_faults("keras", UNIT, {BYTES: used, UNIT: better}) == []


def test_an_input_range_without_its_auc_is_refused() -> None:
    with pytest.raises(ValueError, match="0,2"):
        transform_faults("keras", "0,2", {"0,1": Estimate(0.9, 0.8, 1.0, 9)})
