"""Named faults that logits and metrics show, each with its cure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edge_export.proof.parity import REFERENCE
from edge_export.statistics.estimates import Estimate, Floats

FaultName = Literal[
    "constant", "one_side", "class_order", "chance", "preprocessing", "dead_layer", "film_gate"
]

CONSTANT = 1e-5
"""Logits that span less count as equal: float32 rounds a logit of 30 as coarsely."""

SAME_ACCURACY = 0.01
"""One film in a hundred may change sides when a run made on one machine is measured on another."""


PREPARED = "is --input-range or --preprocessing right?"
"""The cure where answers tell nothing."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault with its name, and a line that names the subject, the fault and the cure."""

    name: FaultName
    line: str


def logit_faults(subject: str, logits: Floats) -> list[Fault]:
    """Return what is wrong with the finite logits `(n,)` of `subject`: `constant`, or nothing."""
    if len(logits) > 1 and np.ptp(logits) < CONSTANT:
        problem = f"answers {logits[0]:.6g} whatever the film"
        cure = "train again" if subject == REFERENCE else "train again, or choose another recipe"
        return [_fault("constant", subject, problem, cure)]
    return []


def area_faults(subject: str, area: Estimate) -> list[Fault]:
    """Return what the AUC of `subject` tells: `class_order` or `chance`."""
    problem = f"its AUC is {area}"
    if area.high < 0.5:
        problem += ", wholly below 0.5: it ranks the classes the wrong way round"
        return [_fault("class_order", subject, problem, "swap the names given to --classes")]
    if area.low <= 0.5:
        problem += ": no better than chance on these films"
        return [_fault("chance", subject, problem, PREPARED)]
    return []


def accuracy_faults(subject: str, accuracy: Estimate, recorded: float) -> list[Fault]:
    """Return `preprocessing` if `accuracy` is not the one `recorded` when the model was trained.

    Both on the same films, and of the same graph in floating point; one film may differ.
    """
    if abs(accuracy.value - recorded) <= max(SAME_ACCURACY, 1.5 / accuracy.n):
        return []
    problem = (
        f"its accuracy is {accuracy.value:.3f} on {accuracy.n} films, its run says {recorded:.3f}"
    )
    cure = "prepare films as in training, and give the films that it was tested on"
    return [_fault("preprocessing", subject, problem, cure)]


def expected_accuracy_faults(
    subject: str, accuracy: Estimate, expected: float, others: Mapping[str, Estimate]
) -> list[Fault]:
    """Return `preprocessing` if the interval of `accuracy` leaves out the one `expected`.

    `others` are the accuracies with other ways to prepare films, by option; the one that is closest
    is named if it fits.
    """
    if accuracy.low <= expected <= accuracy.high:
        return []
    problem = f"its accuracy is {accuracy}, its author reports {expected:g}"
    if accuracy.value > expected:  # no other way is better for being worse
        cure = "was it trained on some of these films? give those that it was tested on"
        return [_fault("preprocessing", subject, problem, cure)]
    fitting = {
        option: abs(other.value - expected)
        for option, other in others.items()
        if other.low <= expected <= other.high
    }
    cure = "prepare films as its author did, and give the films that it was tested on"
    if fitting:
        best = min(fitting, key=fitting.__getitem__)
        cure = f"give {best}, with which it is {others[best]}"
    return [_fault("preprocessing", subject, problem, cure)]


def transform_faults(subject: str, used: str, areas: Mapping[str, Estimate]) -> list[Fault]:
    """Return `preprocessing` if another way to prepare films than `used` is clearly better.

    `areas` are the AUCs by way, written as the options that order it. Clearly means that the
    intervals do not overlap.

    Raises:
        ValueError: there is no area for the way that is used.
    """
    if used not in areas:
        raise ValueError(f"no AUC with {used}")
    best = max(areas, key=lambda option: areas[option].value)
    if areas[best].low <= areas[used].high:
        return []
    problem = f"its AUC is {areas[used]} with {used}, {areas[best]} with {best}"
    return [_fault("preprocessing", subject, problem, f"give {best}")]


def _fault(name: FaultName, subject: str, problem: str, cure: str) -> Fault:
    return Fault(name, f"{subject}: {name}: {problem}; {cure}")
