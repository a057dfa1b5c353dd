"""A network that quantization ruins gets the cheapest remedy that holds; any other gets none."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge_export.films.film import Film
from edge_export.films.pixels import Pixels
from edge_export.graph.float_graphs import float_graphs
from edge_export.graph.network import InputRange, network
from edge_export.proof.parity import Budget
from edge_export.proof.reference import HeldOut, refer
from edge_export.quantize.quantizer import Quantizer
from edge_export.quantize.recipe import INT8, INT16, Setting
from edge_export.remedy.ladder import Attempt, attempts, try_remedies
from edge_export.remedy.parity_check import ParityCheck
from unequal_channels import multiplications, unequal

if TYPE_CHECKING:
    import keras

# Of the point budgets alone; 28 films of a class are too few for the ordinary margin.
STRICT = Budget(flips=0.01, auc=0.005, margin=0.5)


@pytest.fixture(scope="module")
def hard(
    model: keras.Model, films: list[Film], pixels: Pixels, held_out: HeldOut
) -> tuple[ParityCheck, Quantizer]:
    """Return the tiny network with one channel a thousand times as loud as another."""
    training = pixels[[place for place, film in enumerate(films) if film.split == "train"]]
    candidate = network(unequal(model, 1000, seed=4), InputRange())
    graphs = float_graphs(candidate, training)
    return ParityCheck(graphs, refer(candidate, held_out), held_out, STRICT), Quantizer(
        graphs, training
    )


def test_unequal_channels_are_the_same_function(model: keras.Model, pixels: Pixels) -> None:
    films = pixels[:16].astype(np.float32)
    expected = model.predict_on_batch(films)
    found = unequal(model, 1000).predict_on_batch(films)
    assert np.abs(found - expected).max() < 1e-5


def test_the_ladder_rescues_a_network_that_static_int8_ruins(
    hard: tuple[ParityCheck, Quantizer],
) -> None:
    check, quantizer = hard
    said: list[str] = []
    attempt, measured, results = try_remedies(check, quantizer, Setting(), said.append)
    assert results[0].answer == "fail"
    assert results[0].flips > 0.2 * results[0].n
    assert [result.answer for result in results[1:-1]] == ["fail"] * (len(results) - 2)
    assert results[-1].answer == "pass"
    assert results[-1].flips <= 0.01 * results[-1].n
    assert attempt.step == "layers back to float"
    assert [one.recipe for one in attempt.artefacts] == [INT8.name] * 2
    assert {one.format for one in measured.artefacts} == {"tflite", "onnx"}
    assert len(said) == len(results)


def test_most_multiplications_of_the_rescued_network_are_still_in_integers(
    hard: tuple[ParityCheck, Quantizer],
) -> None:
    check, quantizer = hard
    attempt, _, _ = try_remedies(check, quantizer, Setting(), lambda _: None)
    ordered = next(attempts(quantizer, Setting()))
    before = multiplications(ordered.artefacts[0].graph)
    after = multiplications(attempt.artefacts[0].graph)
    assert sum(before.values()) == sum(after.values())
    # So at least half of the time that integers save is still saved.
    assert after["INT8"] > 0.5 * before["INT8"]


def test_a_network_that_is_fine_gets_no_remedy(check: ParityCheck, quantizer: Quantizer) -> None:
    said: list[str] = []
    attempt, _, results = try_remedies(check, quantizer, Setting(), said.append)
    assert (attempt.step, len(results), said) == ("as ordered", 1, [])
    assert results[0].answer == "pass"


def test_where_no_rung_holds_what_was_ordered_is_returned_with_the_whole_ladder(
    check: ParityCheck, quantizer: Quantizer
) -> None:
    impossible = replace(check, reference=replace(check.reference, logits=-check.reference.logits))
    attempt, _, results = try_remedies(impossible, quantizer, Setting(), lambda _: None)
    assert attempt.step == "as ordered"
    assert {result.answer for result in results} == {"fail"}
    assert results[-1].step == "int16 activations"


def test_rungs_come_from_the_cheapest_to_the_dearest_and_only_the_last_has_16_bits(
    hard: tuple[ParityCheck, Quantizer],
) -> None:
    found: list[Attempt] = list(attempts(hard[1], Setting()))
    steps = list(dict.fromkeys(one.step for one in found))
    assert steps[0] == "as ordered"
    assert steps[-2:] == ["layers back to float", "int16 activations"]
    assert {one.recipe for one in found[-1].artefacts} == {INT16.name}
    kept = [one.setting.keep_float for one in found if one.step == "layers back to float"]
    assert all(few < more for few, more in pairwise(kept))


def test_a_method_is_chosen_by_its_error_on_the_calibration_films(
    hard: tuple[ParityCheck, Quantizer],
) -> None:
    ordered, *others = attempts(hard[1], Setting())
    errors = [hard[1].artefacts(INT8, Setting(method))[1] for method in ("percentile", "mse")]
    chosen = [one.root_mean_square for one in others if one.step == "calibration method"]
    assert chosen == [min(errors)] * (min(errors) < ordered.root_mean_square)


def test_layers_go_back_to_float_from_the_better_of_two_methods(
    hard: tuple[ParityCheck, Quantizer],
) -> None:
    floats = [one for one in attempts(hard[1], Setting()) if one.step == "layers back to float"]
    for one in floats:
        as_ordered = replace(one.setting, method="min_max")
        assert one.root_mean_square <= hard[1].artefacts(INT8, as_ordered)[1] + 1e-9


def test_rows_are_those_that_judge(hard: tuple[ParityCheck, Quantizer], held_out: HeldOut) -> None:
    check, quantizer = hard
    digests = {film.tobytes() for film in quantizer.calibration}
    assert not digests & {film.tobytes() for film in held_out.pixels}
    assert check.held_out is held_out


def test_a_graph_with_every_weight_in_float_is_no_rung(
    hard: tuple[ParityCheck, Quantizer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_export.remedy.ladder._KEPT", (1, 99))
    found = [one for one in attempts(hard[1], Setting()) if one.step == "layers back to float"]
    assert [one.changed.split(", ")[1] for one in found] == ["1 worst in float"]
