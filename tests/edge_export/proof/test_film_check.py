"""A film branch passes films and refuses the rest within its limits, or fails by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_export.graph.artefact import measure
from edge_export.proof.film_check import FilmCheckParity, compare_film_check, film_check_faults
from edge_export.quantize.quantizer import Quantizer
from edge_export.quantize.recipe import Format
from edge_export.remedy.parity_check import ParityCheck
from edge_export.statistics.estimates import Floats
from edge_runtime.bundle.records import FilmGate
from sabotage import int8, scaled, written_by

BOTH = pytest.mark.parametrize("form", ["tflite", "onnx"])


def gate(n: int, refused: int, changed: int) -> FilmCheckParity:
    return FilmCheckParity(n=n, refused=refused, changed=changed, largest_difference=0.5)


def test_films_under_the_threshold_are_refused_and_those_at_it_pass() -> None:
    reference = np.array([-2.0, -1.0, 0.5, 3.0])
    candidate = np.array([-1.0, -1.5, -1.25, 3.0])
    assert compare_film_check(reference, candidate, -1.0) == FilmCheckParity(4, 2, 3, 1.75)
    assert compare_film_check(reference, reference, -1.0) == FilmCheckParity(4, 1, 0, 0.0)


LIMITS: dict[str, tuple[FilmCheckParity, list[str]]] = {
    "the model's own": (gate(300, 4, 0), []),
    "one in a hundred changes": (gate(300, 5, 3), []),
    "more than one in a hundred changes": (gate(300, 5, 4), ["4 of 300 films change sides"]),
    "fewer are refused, as many change": (gate(300, 1, 3), []),
    "two points more are refused": (gate(300, 10, 0), []),
    "more than two points more are refused": (
        gate(300, 11, 7),
        ["7 of 300 films change sides", "refuses 11 of 300 films, the model 4"],
    ),
}


@pytest.mark.parametrize(("found", "problems"), LIMITS.values(), ids=LIMITS)
def test_a_gate_fails_by_name_over_its_limits(found: FilmCheckParity, problems: list[str]) -> None:
    faults = film_check_faults("m.tflite", np.array([1.0, 2.0]), found, gate(300, 4, 0))
    assert [fault.name for fault in faults] == ["film_gate"] * len(problems)
    for fault, problem in zip(faults, problems, strict=True):
        assert fault.line.startswith(f"m.tflite: film_gate: {problem}")


def test_a_film_logit_that_never_changes_is_a_fault_though_it_refuses_nothing() -> None:
    logits: Floats = np.full(300, 1.5)
    (fault,) = film_check_faults("m.onnx", logits, gate(300, 0, 0), gate(300, 0, 0))
    assert fault.line.startswith("m.onnx: film_gate: the film logit is 1.5 whatever the film")


@pytest.fixture(scope="module")
def strict(check: ParityCheck) -> ParityCheck:
    """Return the check with a gate in the widest gap near the middle of the film logits."""
    films = check.reference.film_logits
    assert films is not None
    ordered = np.sort(films)
    place = len(ordered) // 3 + int(np.argmax(np.diff(ordered)[len(ordered) // 3 :]))
    threshold = float(ordered[place : place + 2].mean())
    gate = FilmGate(threshold=threshold)
    return replace(check, reference=replace(check.reference, film_gate=gate))


@BOTH
def test_a_branch_that_quantization_kills_is_caught_by_name_and_the_decision_is_not_blamed(
    form: Format, strict: ParityCheck, quantizer: Quantizer
) -> None:
    (tensor,) = written_by(quantizer.graphs, "CONV_2D", branch=True)
    ranges = quantizer.ranges("min_max")
    sound, ruined = (
        int8(quantizer.graphs, one, form) for one in (ranges, scaled(ranges, tensor, 1e3))
    )
    for artefact, dead in ((sound, False), (ruined, True)):
        proof = strict.prove(strict.run([artefact]))
        reasons = " ".join(proof.evidence[artefact.file].verdict.reasons)
        assert ("film_gate" in reasons) == dead
        assert ("dead_layer: layer 'film_conv'" in reasons) == dead
        assert proof.comparisons[artefact.file]["both"].largest_difference < 0.1
    pixels = strict.held_out.pixels[:4]
    assert measure(sound, pixels).logits == pytest.approx(measure(ruined, pixels).logits)


def test_a_network_without_a_branch_has_no_gate(check: ParityCheck) -> None:
    plain = replace(check, reference=replace(check.reference, film_logits=None, film_gate=None))
    proof = plain.prove(plain.run([]))
    assert (proof.film_gate, proof.film_checks, proof.film_logits) == (None, {}, {})
