"""Net benefit and predictive values are those published, and their intervals hold the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from edge_export.statistics.estimates import Estimate
from edge_export.statistics.utility import net_benefit, predictive_values

# Zhang et al., Cancer Manag. Res. 12 (2020), table 4 (PMC6993280): what treating everybody gains
# where 30 % have the disease.
PUBLISHED = {0.03: 0.278, 0.05: 0.263, 0.08: 0.239, 0.1: 0.222, 0.2: 0.125, 0.3: 0.0, 0.4: -0.167,
             0.5: -0.4, 0.6: -0.75, 0.7: -1.333, 0.8: -2.5, 0.9: -6.0, 0.96: -16.5}  # fmt: skip


@pytest.mark.parametrize("threshold", PUBLISHED)
def test_treating_everybody_gains_what_was_published(threshold: float) -> None:
    found = net_benefit(np.arange(1000) < 300, np.zeros(1000), threshold)
    assert round(found.treat_all, 3) == PUBLISHED[threshold]
    assert found.model.value == 0.0  # nobody is treated


def test_a_net_benefit_is_true_positives_less_false_ones_at_their_odds() -> None:
    # Of 10 films 4 are positive; at 0.2 three of them and two others are treated.
    positive = np.arange(10) < 4
    probability = np.array([0.9, 0.5, 0.2, 0.1, 0.3, 0.25, 0.1, 0.0, 0.0, 0.0])
    found = net_benefit(positive, probability, 0.2)
    assert found.model.value == pytest.approx((3 - 2 * 0.25) / 10)
    assert found.treat_all == pytest.approx((4 - 6 * 0.25) / 10)


def test_the_interval_of_a_net_benefit_holds_it_95_times_in_100() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        logit = rng.normal(size=200)
        positive = rng.random(200) < 1 / (1 + np.exp(-logit))
        found = net_benefit(positive, 1 / (1 + np.exp(-logit)), 0.4).model
        held += found.low <= 0.24226 <= found.high
    assert 368 <= held <= 392


@pytest.mark.parametrize(("films", "threshold"), [(10, 0.0), (10, 1.0), (10, np.nan), (1, 0.5)])
def test_a_net_benefit_needs_films_and_odds(films: int, threshold: float) -> None:
    with pytest.raises(ValueError, match=r"threshold|two films"):
        net_benefit(np.ones(films, np.bool_), np.ones(films), threshold)


@dataclass
class Both:
    positive: Estimate
    negative: Estimate


def both(found: tuple[int, int], cleared: tuple[int, int], prevalence: float) -> Both:
    """Return both predictive values, of answers that were given."""
    values = predictive_values(found, cleared, prevalence)
    assert values.positive
    assert values.negative
    return Both(values.positive, values.negative)


def test_an_answer_that_was_never_given_has_no_predictive_value() -> None:
    always = predictive_values((5, 5), (0, 6), 0.01)
    assert always.negative is None
    assert always.positive
    assert always.positive.value == pytest.approx(0.01)
    assert predictive_values((0, 5), (6, 6), 0.01).positive is None


def test_predictive_values_and_their_logit_intervals_are_those_computed_by_hand() -> None:
    # Apolipoprotein E4 and Alzheimer's disease: the table of Mercaldo, Lau and Zhou (2007).
    found = both((240, 418), (288, 375), 0.03)
    sensitivity, specificity = 240 / 418, 288 / 375
    assert found.positive.value == pytest.approx(
        sensitivity * 0.03 / (sensitivity * 0.03 + (1 - specificity) * 0.97)
    )
    assert (round(found.positive.value, 3), round(found.negative.value, 3)) == (0.071, 0.983)
    error = np.sqrt((1 - sensitivity) / 240 + specificity / 87)
    odds = found.positive.value / (1 - found.positive.value)
    for end, sign in ((found.positive.low, -1), (found.positive.high, 1)):
        assert end / (1 - end) == pytest.approx(odds * np.exp(sign * 1.959964 * error), rel=1e-5)
    error = np.sqrt(sensitivity / 178 + (1 - specificity) / 288)
    odds = found.negative.value / (1 - found.negative.value)
    for end, sign in ((found.negative.low, -1), (found.negative.high, 1)):
        assert end / (1 - end) == pytest.approx(odds * np.exp(sign * 1.959964 * error), rel=1e-5)


def test_predictive_values_at_the_prevalence_of_the_films_are_shares_of_answers() -> None:
    found = both((30, 40), (50, 60), 0.4)
    assert found.positive.value == pytest.approx(30 / 40)
    assert found.negative.value == pytest.approx(50 / 60)


@pytest.mark.parametrize(
    ("found", "cleared"), [((0, 5), (0, 6)), ((5, 5), (6, 6)), ((2, 5), (0, 6)), ((2, 5), (6, 6))]
)
def test_without_a_single_error_predictive_values_still_have_intervals(
    found: tuple[int, int], cleared: tuple[int, int]
) -> None:
    values = both(found, cleared, 0.1)
    for one in (values.positive, values.negative):
        assert 0 <= one.low <= one.value <= one.high <= 1
        assert one.low < one.high


@pytest.mark.parametrize(
    ("found", "cleared", "prevalence"),
    [((1, 2), (1, 2), 0.0), ((1, 2), (1, 2), 1.0), ((0, 0), (1, 2), 0.5), ((1, 2), (0, 0), 0.5)],
)
def test_predictive_values_need_both_classes_and_a_prevalence(
    found: tuple[int, int], cleared: tuple[int, int], prevalence: float
) -> None:
    with pytest.raises(ValueError, match=r"prevalence|both classes"):
        predictive_values(found, cleared, prevalence)
