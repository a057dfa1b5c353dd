from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge_export.artefact import Artefact
from edge_export.film import Film
from edge_export.graph.network import InputRange, Network, network
from edge_export.pixels import Pixels
from edge_export.proof.parity import Budget, probabilities
from edge_export.proof.prove import Proof, Rows, _decision, prove, reference_logits
from edge_runtime.errors import DataError
from edge_runtime.manifest import Calibration
from tiny_network import LOOSE

if TYPE_CHECKING:
    import keras


@pytest.fixture(scope="module")
def rows(films: list[Film], pixels: Pixels) -> Rows:
    held_out = [place for place, film in enumerate(films) if film.split != "train"]
    positive = np.array([films[place].label == "covid" for place in held_out])
    return Rows(pixels[held_out], positive, [films[place].split for place in held_out])


@pytest.fixture(scope="module")
def proof(candidate: Network, artefacts: dict[str, Artefact], rows: Rows) -> Proof:
    return prove(candidate, list(artefacts.values()), rows, LOOSE)


def test_every_artefact_is_held_against_keras_on_all_three_sets_of_rows(
    proof: Proof, artefacts: dict[str, Artefact]
) -> None:
    assert list(proof.comparisons) == ["keras", *artefacts]
    for by_rows in proof.comparisons.values():
        counts = {rows: one.n for rows, one in by_rows.items()}
        assert counts == {"val": 28, "test": 28, "both": 56}
    assert proof.comparisons["keras"]["both"].largest_difference == 0.0
    assert proof.sizes == {file: len(one.graph) for file, one in artefacts.items()}
    assert not proof.failures


def test_float_graphs_answer_like_keras(proof: Proof) -> None:
    for file in ("model.f32.tflite", "model.f32.onnx"):
        assert proof.comparisons[file]["both"].flips == 0
        assert proof.comparisons[file]["both"].largest_difference < 1e-4


def test_the_band_covers_the_widest_difference_seen(
    proof: Proof, candidate: Network, rows: Rows
) -> None:
    calibration = proof.decision.calibration
    seen = [probabilities(reference_logits(candidate, rows.pixels), calibration)]
    seen += [probabilities(one.logits, calibration) for one in proof.measured.values()]
    widest = np.ptp(np.stack(seen), axis=0).max()
    band = proof.decision.uncertain
    assert band.high - proof.decision.threshold >= widest
    assert proof.decision.threshold - band.low >= widest


@pytest.mark.parametrize(
    ("widest", "low", "high"),
    [
        (0.0, 0.49, 0.51),
        (0.01, 0.49, 0.51),
        (0.0101, 0.489, 0.511),
        (0.25, 0.25, 0.75),
        (0.6, 0.0, 1.0),
    ],
)
def test_the_band_is_rounded_outwards_and_never_narrower_than_a_hundredth(
    widest: float, low: float, high: float
) -> None:
    decision = _decision(Calibration(method="none", scale=1.0, offset=0.0), widest)
    assert (decision.uncertain.low, decision.uncertain.high) == (low, high)
    assert decision.threshold == 0.5


def test_the_temperature_is_fitted_on_validation_rows_alone(
    proof: Proof, candidate: Network, artefacts: dict[str, Artefact], rows: Rows
) -> None:
    wrong = np.array(rows.splits) == "test"
    other = prove(
        candidate,
        [artefacts["model.f32.onnx"]],
        replace(rows, positive=rows.positive ^ wrong),
        LOOSE,
    )
    assert other.decision.calibration == proof.decision.calibration
    assert proof.decision.calibration.method == "temperature"


def test_a_constant_answer_over_the_budget_is_named(model: keras.Model, rows: Rows) -> None:
    import keras

    from edge_export.export import convert

    constant = keras.models.clone_model(model)
    constant.set_weights([*model.get_weights()[:-2], np.zeros((8, 1)), np.array([0.25])])
    candidate = network(constant, InputRange())
    proof = prove(candidate, convert(candidate, rows.pixels[:4]), rows, Budget())
    assert [line for line in proof.failures if "answers 0.25 whatever the film" in line]


def test_a_graph_of_another_model_is_over_the_budget(
    artefacts: dict[str, Artefact], rows: Rows
) -> None:
    from tiny_network import tiny_network

    other = network(tiny_network(), InputRange())
    proof = prove(other, [artefacts["model.int8.tflite"]], rows, Budget())
    assert [line for line in proof.failures if "model.int8.tflite" in line]


def test_answers_of_keras_that_are_not_finite_are_an_error(model: keras.Model, rows: Rows) -> None:
    import keras

    broken = keras.models.clone_model(model)
    broken.set_weights([one * np.nan for one in model.get_weights()])
    with pytest.raises(DataError, match="keras: answers with numbers that are not finite"):
        reference_logits(network(broken, InputRange()), rows.pixels[:3])


def test_a_logit_that_does_not_give_back_the_answer_is_an_error(
    candidate: Network, rows: Rows
) -> None:
    with pytest.raises(DataError, match="does not give back its answer"):
        reference_logits(replace(candidate, input_range=InputRange(0, 1)), rows.pixels[:3])


def test_logits_far_out_are_compared_without_overflow(model: keras.Model, rows: Rows) -> None:
    import keras

    loud = keras.models.clone_model(model)
    loud.set_weights([*model.get_weights()[:-2], np.full((8, 1), -1e4), np.zeros(1)])
    logits = reference_logits(network(loud, InputRange()), rows.pixels[:8])
    assert logits.min() < -1000


def test_more_films_than_a_batch_are_answered_in_their_order(
    candidate: Network, pixels: Pixels
) -> None:
    whole = reference_logits(candidate, pixels)
    assert whole[-3:] == pytest.approx(reference_logits(candidate, pixels[-3:]), abs=1e-5)
