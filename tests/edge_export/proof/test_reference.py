"""Keras's own answers are the reference, calibrated on the validation rows alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge_export.films.pixels import Pixels
from edge_export.graph.network import InputRange, Network, network
from edge_export.proof.reference import HeldOut, refer, reference_outputs
from edge_export.remedy.parity_check import ParityCheck
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import keras


def test_the_temperature_is_fitted_on_validation_rows_alone(
    candidate: Network, held_out: HeldOut, check: ParityCheck
) -> None:
    wrong = np.array(held_out.splits) == "test"
    other = refer(candidate, replace(held_out, positive=held_out.positive ^ wrong))
    assert other.calibration == check.reference.calibration
    assert other.calibration.method == "temperature"


def test_answers_of_keras_that_are_not_finite_are_an_error(
    model: keras.Model, held_out: HeldOut
) -> None:
    import keras

    broken = keras.models.clone_model(model)
    broken.set_weights([np.full_like(one, 3e38) for one in model.get_weights()])
    with pytest.raises(DataError, match="keras: answers with numbers that are not finite"):
        reference_outputs(network(broken, InputRange()), held_out.pixels[:3])


def test_a_logit_that_does_not_give_back_the_answer_is_an_error(
    candidate: Network, held_out: HeldOut
) -> None:
    with pytest.raises(DataError, match="does not give back its answer"):
        reference_outputs(replace(candidate, input_range=InputRange(0, 1)), held_out.pixels[:3])


def test_logits_far_out_are_compared_without_overflow(
    model: keras.Model, held_out: HeldOut
) -> None:
    import keras

    loud = keras.models.clone_model(model)
    loud.set_weights([*model.get_weights()[:-2], np.full((8, 1), -1e4), np.zeros(1)])
    logits = reference_outputs(network(loud, InputRange()), held_out.pixels[:8])
    assert logits.min() < -1000


def test_more_films_than_a_batch_are_answered_in_their_order(
    candidate: Network, pixels: Pixels
) -> None:
    whole = reference_outputs(candidate, pixels)
    assert whole[-3:] == pytest.approx(reference_outputs(candidate, pixels[-3:]), abs=1e-5)
