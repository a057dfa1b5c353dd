"""A bundle's band covers what its graphs differ by, at any threshold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logit

from edge_export.proof.decision import covering_decision, require_certain, uncertain_share
from edge_export.proof.threshold import Threshold
from edge_runtime.bundle.records import Calibration, Decision, Uncertain
from edge_runtime.errors import ParityFailed


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
    calibration = Calibration(method="none", scale=1.0, offset=0.0)
    found = {"keras": np.array([widest]), "other": np.array([0.0])}
    decision = covering_decision(calibration, Threshold(), found)
    assert (decision.uncertain.low, decision.uncertain.high) == (low, high)
    assert decision.threshold == 0.5


@pytest.mark.parametrize("threshold", [0.02, 0.5, 0.9])
def test_the_band_is_as_wide_in_logits_wherever_the_threshold_is(threshold: float) -> None:
    calibration = Calibration(method="none", scale=1.0, offset=0.0)
    found = {"keras": np.array([0.5]), "other": np.array([0.4])}  # neither side of 0.02 and 0.9
    decision = covering_decision(calibration, Threshold(threshold), found)
    low, high = (logit(edge) for edge in (decision.uncertain.low, decision.uncertain.high))
    reach = logit(0.6)
    assert low == pytest.approx(logit(threshold) - reach, abs=1e-4)
    assert high == pytest.approx(logit(threshold) + reach, abs=1e-4)


def test_a_film_that_two_graphs_decide_otherwise_is_uncertain() -> None:
    calibration = Calibration(method="none", scale=1.0, offset=0.0)
    found = {"keras": np.array([0.0001, 0.5]), "other": np.array([0.06, 0.5])}
    band = covering_decision(calibration, Threshold(0.02), found).uncertain
    assert band.low <= 0.0001
    assert band.high >= 0.06


def test_the_uncertain_share_is_counted_as_the_clinic_does_and_refused_above_its_limit() -> None:
    calibration = Calibration(method="none", scale=1.0, offset=0.0)
    decision = covering_decision(calibration, Threshold(), {"keras": np.array([0.5])})
    probability = np.array([0.49, 0.5, 0.505, 0.9])  # the band of 0.49 to 0.51 is closed
    share = uncertain_share(decision, probability)
    assert (share.value, share.n) == (0.75, 4)
    require_certain("m.edge", decision, share, 0.75, "train longer")
    with pytest.raises(ParityFailed) as caught:
        require_certain("m.edge", decision, share, 0.5, "train longer")
    assert str(caught.value) == (
        "m.edge: 75% of 4 films would be uncertain, those with a probability of 0.49 to 0.51 (at "
        "most 50%); train longer; --max-uncertain 1 writes it nevertheless"
    )


def test_a_band_without_width_calls_nothing_uncertain() -> None:
    calibration = Calibration(method="none", scale=1.0, offset=0.0)
    point = Decision(
        calibration=calibration, threshold=0.5, uncertain=Uncertain(low=0.5, high=0.5), chosen=None
    )
    assert uncertain_share(point, np.full(3, 0.5)).value == 0.0
