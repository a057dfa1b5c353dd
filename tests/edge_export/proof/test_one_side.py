"""Decisions that are all alike prove nothing; the cure is a threshold, where one would help."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_export.proof.one_side import decision_faults
from edge_export.proof.reference import HeldOut, Reference
from edge_export.proof.threshold import Threshold
from edge_export.statistics.estimates import Floats
from edge_runtime.bundle.records import Calibration

N = 120
RARE = Calibration(method="platt", scale=1.0, offset=6.0)
OWN = Calibration(method="none", scale=1.0, offset=0.0)


@pytest.fixture
def films() -> HeldOut:
    return HeldOut(
        pixels=np.zeros((N, 1, 1, 1), np.uint8),
        positive=np.arange(N) % 2 == 0,
        splits=["val", "test"] * (N // 2),
        digests=[str(place) for place in range(N)],
        classes=("noncovid", "covid"),
    )


def logits(films: HeldOut, sign: float = 1.0, shift: float = -6.0) -> Floats:
    noise = np.random.default_rng(0).normal(scale=0.5, size=N)
    return np.asarray(sign * (films.positive - 0.5) * 2 + noise + shift)


def test_a_model_far_below_one_half_is_told_to_have_a_threshold_chosen(films: HeldOut) -> None:
    (fault,) = decision_faults(Reference(logits(films), OWN), films, asked=False)
    assert fault.name == "one_side"
    assert "all 120 films fall on one side of one half, below it: every one is noncovid" in (
        fault.line
    )
    assert fault.line.endswith("a threshold has to be chosen, add --youden or --sensitivity X")
    assert "input-range" not in fault.line


def test_a_calibration_that_had_to_be_found_does_not_choose_the_threshold(films: HeldOut) -> None:
    reference = Reference(logits(films), RARE)
    assert [one.name for one in decision_faults(reference, films, asked=False)] == ["one_side"]
    assert decision_faults(reference, films, asked=True) == []


def test_a_chosen_threshold_parts_the_films(films: HeldOut) -> None:
    chosen = replace(Reference(logits(films), OWN), threshold=Threshold(value=0.0025))
    assert decision_faults(chosen, films, asked=True) == []
    wrong = replace(chosen, threshold=Threshold(value=0.4))
    (fault,) = decision_faults(wrong, films, asked=True)
    assert "one side of the threshold 0.4" in fault.line


def test_a_model_that_ranks_at_random_or_in_reverse_is_not_sent_for_a_threshold(
    films: HeldOut,
) -> None:
    random = Reference(logits(films, sign=0.0), OWN)
    (fault,) = decision_faults(random, films, asked=False)
    assert "is --input-range or --preprocessing right" in fault.line
    assert "--youden" not in fault.line
    reverse = decision_faults(Reference(logits(films, sign=-1.0), OWN), films, asked=False)
    assert [one.name for one in reverse] == ["one_side", "class_order"]


def test_decisions_of_both_classes_are_no_fault_and_constant_logits_one_of_their_own(
    films: HeldOut,
) -> None:
    assert decision_faults(Reference(logits(films, shift=0.0), OWN), films, asked=False) == []
    assert decision_faults(Reference(np.full(N, -4.0), OWN), films, asked=False) == []
