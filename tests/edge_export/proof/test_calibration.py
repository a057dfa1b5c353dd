"""A calibration that ends at a bound is never taken: another is, by films left out of the fit."""

from __future__ import annotations

import numpy as np
import pytest

from edge_export.proof.calibration import (
    AUTO,
    CALIBRATIONS,
    NONE,
    PLATT,
    TEMPERATURE,
    calibrate,
    fit_calibration,
    held_out_losses,
)
from edge_export.statistics.calibration import LARGEST_FACTOR, at_bound
from edge_export.statistics.estimates import Bools, Floats
from edge_runtime.errors import DataError

N = 200


def films(shift: float, seed: int = 0) -> tuple[Bools, Floats]:
    """Return labels and logits of a model that is right but for a `shift` of its logits."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=2.0, size=N)
    positive = rng.random(N) < 1 / (1 + np.exp(-logits))
    return positive, logits + shift


def test_a_temperature_that_fits_is_taken_as_ever_and_nothing_is_said() -> None:
    positive, logits = films(0.0)
    found = fit_calibration(positive, logits, AUTO)
    assert found.calibration == calibrate(positive, logits, TEMPERATURE)
    assert (found.note, found.losses) == ("", None)
    assert CALIBRATIONS[0] == AUTO


@pytest.mark.parametrize("shift", [-8.0, 8.0])
def test_a_temperature_at_its_bound_gives_way_to_platt_and_both_losses_are_said(
    shift: float,
) -> None:
    positive, logits = films(shift)
    assert at_bound(calibrate(positive, logits, TEMPERATURE).scale)
    found = fit_calibration(positive, logits, AUTO)
    assert found.calibration == calibrate(positive, logits, PLATT)
    assert found.losses is not None
    assert found.losses[PLATT] < min(found.losses[TEMPERATURE], found.losses[NONE])
    assert found.n == N
    assert "the temperature ends at its bound, a factor of 0.05; platt is taken" in found.note
    for method in (TEMPERATURE, PLATT, NONE):
        assert f"{method} {found.losses[method]:.3g}" in found.note


def test_a_rare_class_keeps_the_temperature_where_that_is_best_on_films_left_out() -> None:
    rng = np.random.default_rng(1)
    logits = np.minimum(rng.normal(-3.5, 1.5, 2000), -0.1)
    positive = rng.random(2000) < 1 / (1 + np.exp(-logits))
    found = fit_calibration(positive, logits, AUTO)
    assert (found.calibration.method, found.note) == (TEMPERATURE, "")
    assert abs(found.calibration.scale - 1) < 0.2


@pytest.mark.parametrize("factor", [1 / 40, 300.0])
def test_logits_of_any_scale_have_a_line_that_fits(factor: float) -> None:
    positive, logits = films(0.0)
    found = fit_calibration(positive, logits * factor, AUTO)
    assert found.factor == pytest.approx(
        LARGEST_FACTOR if factor < 1 else 1 / LARGEST_FACTOR, rel=1e-3
    )
    assert found.calibration.method == PLATT
    assert found.calibration.scale * factor == pytest.approx(1.0, rel=0.3)


def test_where_no_line_fits_probabilities_stay_the_model_s_own() -> None:
    positive, logits = films(0.0)
    found = fit_calibration(~positive, logits, AUTO)  # the wrong way round
    assert found.calibration == calibrate(positive, logits, NONE)
    assert "and so does Platt's: probabilities stay the model's own" in found.note


def test_films_are_left_out_with_their_groups() -> None:
    positive, logits = films(-8.0)
    groups = [str(place // 20) for place in range(N)]
    alone, grouped = held_out_losses(positive, logits), held_out_losses(positive, logits, groups)
    assert alone is not None
    assert grouped is not None
    assert alone != grouped
    one = ["erika" if found else str(place) for place, found in enumerate(positive)]
    assert held_out_losses(positive, logits, one) is None
    told = fit_calibration(positive, logits, AUTO, one)
    assert (told.calibration.method, told.losses) == (PLATT, None)
    assert "too few groups of films to leave any out of the fit" in told.note


@pytest.mark.parametrize("upper", [0.1, 60.0])
def test_classes_separated_at_one_half_keep_the_logits_and_it_is_said(upper: float) -> None:
    positive = np.array([True, False, True, False])
    found = fit_calibration(positive, np.array([upper, -0.1, 2.0, -3.0]), AUTO)
    assert found.calibration.scale == 1.0
    assert "separates the validation films without error" in found.note


@pytest.mark.parametrize("each", [1, 2, 6])
def test_classes_separated_elsewhere_have_a_calibration_that_is_finite(each: int) -> None:
    positive = np.array([True] * each + [False] * each)
    logits = np.where(positive, -3.0, -9.0) + np.linspace(0, 0.1, 2 * each)
    found = fit_calibration(positive, logits, AUTO)
    assert found.note
    assert found.calibration.method in (PLATT, NONE)
    assert not at_bound(found.calibration.scale)


def test_constant_logits_have_a_calibration_within_its_bounds() -> None:
    found = fit_calibration(np.array([True, False] * 5), np.full(10, -2.0), AUTO)
    assert np.isfinite([found.calibration.scale, found.calibration.offset]).all()
    assert found.note


@pytest.mark.parametrize(
    ("method", "shift", "factor"), [(TEMPERATURE, -8.0, 1.0), (PLATT, 0.0, -1.0)]
)
def test_a_method_that_was_asked_for_is_refused_at_its_bound(
    method: str, shift: float, factor: float
) -> None:
    positive, logits = films(shift)
    with pytest.raises(DataError, match=f"--calibration: {method} ends at its bound"):
        fit_calibration(positive, logits * factor, method)


def test_no_calibration_can_be_asked_for() -> None:
    positive, logits = films(-8.0)
    found = fit_calibration(positive, logits, NONE).calibration
    assert (found.method, found.scale, found.offset) == (NONE, 1.0, 0.0)
