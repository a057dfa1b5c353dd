"""Each graph is compared with Keras on every set of films, and what is wrong with it is named."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.special import expit

from edge_export.graph.artefact import Artefact
from edge_export.graph.float_graphs import float_graphs
from edge_export.graph.network import InputRange, Network, network
from edge_export.proof.parity import Budget, probabilities
from edge_export.proof.prove import Proof
from edge_export.proof.reference import HeldOut, refer, reference_outputs
from edge_export.proof.threshold import Rule, Threshold, choose_threshold
from edge_export.remedy.parity_check import MeasuredGraphs, ParityCheck
from edge_export.statistics.calibration import calibration_error, fit_platt
from tiny_network import constant

if TYPE_CHECKING:
    import keras


@pytest.fixture(scope="module")
def measured(check: ParityCheck, artefacts: dict[str, Artefact]) -> MeasuredGraphs:
    return check.run(list(artefacts.values()))


@pytest.fixture(scope="module")
def proof(check: ParityCheck, measured: MeasuredGraphs) -> Proof:
    return check.prove(measured)


def test_every_artefact_is_held_against_keras_on_all_three_sets_of_rows(
    proof: Proof, artefacts: dict[str, Artefact]
) -> None:
    assert list(proof.comparisons) == ["keras", *artefacts]
    for by_rows in proof.comparisons.values():
        counts = {held_out: one.n for held_out, one in by_rows.items()}
        assert counts == {"val": 28, "test": 28, "both": 56}
    assert proof.comparisons["keras"]["both"].largest_difference == 0.0
    assert list(proof.evidence) == list(artefacts)
    assert {one.verdict.answer for one in proof.evidence.values()} == {"pass"}
    assert not proof.located


def test_float_graphs_answer_like_keras(proof: Proof) -> None:
    for file in ("model.f32.tflite", "model.f32.onnx"):
        assert proof.comparisons[file]["both"].flips == 0
        assert proof.comparisons[file]["both"].largest_difference < 1e-4


def test_the_band_covers_the_widest_difference_seen(
    proof: Proof, candidate: Network, held_out: HeldOut
) -> None:
    calibration = proof.decision.calibration
    seen = [probabilities(reference_outputs(candidate, held_out.pixels)[:, 0], calibration)]
    seen += [probabilities(one, calibration) for one in proof.logits.values()]
    widest = np.ptp(np.stack(seen), axis=0).max()
    band = proof.decision.uncertain
    assert band.high - proof.decision.threshold >= widest
    assert proof.decision.threshold - band.low >= widest


def test_calibration_errors_are_those_of_the_test_rows_before_and_after(
    proof: Proof, held_out: HeldOut
) -> None:
    test = np.array(held_out.splits) == "test"
    for file, errors in proof.calibration_errors.items():
        raw, calibrated = expit(proof.logits[file]), proof.probabilities[file]
        assert errors["before"] == calibration_error(held_out.positive[test], raw[test])
        assert errors["after"] == calibration_error(held_out.positive[test], calibrated[test])


def test_the_films_that_flip_are_found_by_their_place(proof: Proof) -> None:
    file = "model.int8.tflite"
    films = proof.probabilities[file].copy()
    films[[3, 7]] = 1 - proof.probabilities["keras"][[3, 7]].round()
    changed = replace(proof, probabilities={**proof.probabilities, file: films})
    assert {3, 7} <= set(changed.flipped(file).tolist())


@pytest.fixture(scope="module")
def chosen(candidate: Network, held_out: HeldOut, check: ParityCheck) -> ParityCheck:
    """Return the check of an export that is to find three quarters of the positive films."""
    reference = refer(
        candidate, held_out, check.reference.film_gate, method="platt", rule=Rule(0.75)
    )
    return replace(check, reference=reference)


def test_threshold_and_platts_line_are_those_of_the_validation_rows(
    chosen: ParityCheck, held_out: HeldOut
) -> None:
    validation, reference = np.array(held_out.splits) == "val", chosen.reference
    positive, logits = held_out.positive[validation], reference.logits[validation]
    line = (reference.calibration.scale, reference.calibration.offset)
    assert reference.calibration.method == "platt"
    assert line == fit_platt(positive, logits)
    answers = probabilities(logits, reference.calibration)
    assert reference.threshold == choose_threshold(positive, answers, Rule(0.75))
    assert (answers[positive] >= reference.threshold.value).mean() >= 0.75
    wrong = replace(held_out, positive=held_out.positive ^ ~validation)
    assert reference.threshold.value != 0.5
    assert choose_threshold(wrong.positive[validation], answers, Rule(0.75)) == reference.threshold


def test_flips_losses_and_matrix_are_counted_at_the_chosen_threshold(
    chosen: ParityCheck, measured: MeasuredGraphs, held_out: HeldOut
) -> None:
    threshold = chosen.reference.threshold.value
    # As if every graph were off by a third of the spread of the logits.
    off = float(chosen.reference.logits.std()) / 3
    shifted = {
        file: replace(one, outputs=one.outputs - off) for file, one in measured.answers.items()
    }
    measured = replace(measured, answers=shifted)
    proof = chosen.prove(measured)
    decided = {file: one >= threshold for file, one in proof.probabilities.items()}
    assert proof.decision.threshold == threshold
    assert proof.decision.chosen == chosen.reference.threshold.chosen
    for file in proof.evidence:
        flips = decided["keras"] != decided[file]
        assert proof.flipped(file).tolist() == np.flatnonzero(flips).tolist()
        assert proof.comparisons[file]["both"].flips == flips.sum()
        assert proof.matrix["keras", file].flips == flips.sum()
        lost = (decided["keras"] & ~decided[file] & held_out.positive).sum()
        assert proof.evidence[file].losses["sensitivity"].lost == lost > 0
    # At another threshold the same answers flip otherwise.
    moved = replace(chosen, reference=replace(chosen.reference, threshold=Threshold(0.999)))
    assert moved.prove(measured).decision.threshold == 0.999


def test_a_constant_model_is_named(model: keras.Model, held_out: HeldOut) -> None:
    candidate = network(constant(model), InputRange())
    graphs = float_graphs(candidate, np.asarray(held_out.pixels))
    check = ParityCheck(graphs, refer(candidate, held_out), held_out, Budget())
    proof = check.prove(check.run([]))
    assert {fault.name for fault in proof.faults} >= {"constant", "chance"}


def test_a_graph_of_another_model_fails(artefacts: dict[str, Artefact], check: ParityCheck) -> None:
    from tiny_network import tiny_network

    other = refer(network(tiny_network(), InputRange()), check.held_out)
    measured = check.run([artefacts["model.f32.tflite"]])
    verdict = replace(check, reference=other, budget=Budget()).prove(measured).evidence
    assert verdict["model.f32.tflite"].verdict.answer == "fail"


def test_a_dead_layer_fails_by_name(measured: MeasuredGraphs, check: ParityCheck) -> None:
    file = "model.int8.onnx"
    one, *others = measured.layers[file]
    dead = replace(measured, layers={**measured.layers, file: [replace(one, dead=True), *others]})
    verdict = check.prove(dead).evidence[file].verdict
    assert verdict.answer == "fail"
    assert [reason for reason in verdict.reasons if f"dead_layer: tensor {one.tensor}" in reason]


def test_classes_in_the_wrong_order_are_named(check: ParityCheck) -> None:
    swapped = replace(check, held_out=replace(check.held_out, positive=~check.held_out.positive))
    faults = swapped.prove(swapped.run([])).faults
    assert [fault.name for fault in faults] == ["class_order"]
    assert "wholly below 0.5" in faults[0].line
