"""A threshold follows from its rule and the validation films alone, with no film on it."""

from __future__ import annotations

import numpy as np
import pytest

from edge_export.proof.threshold import Rule, Threshold, choose_threshold
from edge_export.statistics.estimates import proportion
from edge_runtime.errors import DataError

POSITIVE = np.array([True] * 5 + [False] * 5)
PROBABILITY = np.array([0.9, 0.8, 0.7, 0.6, 0.2, 0.65, 0.4, 0.3, 0.1, 0.05])


@pytest.mark.parametrize(
    ("wanted", "value"),
    [
        (0.2, 0.85), (0.3, 0.75), (0.4, 0.75), (0.6, 0.675), (0.61, 0.5), (0.8, 0.5), (0.9, 0.15),
    ],
)  # fmt: skip
def test_the_highest_cut_that_reaches_a_sensitivity_is_taken_midway_to_the_next_film(
    wanted: float, value: float
) -> None:
    found = choose_threshold(POSITIVE, PROBABILITY, Rule(wanted))
    assert found.value == pytest.approx(value)
    decided = np.greater_equal(PROBABILITY, found.value)
    hits = int((decided & POSITIVE).sum())
    assert found.sensitivity == proportion(hits, 5)
    assert found.specificity == proportion(int((~decided & ~POSITIVE).sum()), 5)
    assert hits / 5 >= wanted > (hits - 1) / 5
    assert found.chosen is not None
    assert (found.chosen.rule, found.chosen.sensitivity) == ("sensitivity", wanted)
    assert (found.chosen.positive, found.chosen.negative) == (5, 5)


def test_no_higher_threshold_reaches_the_sensitivity() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        positive = np.arange(60) < rng.integers(2, 58)
        probability = np.round(rng.random(60), 1)  # with ties
        wanted = float(rng.uniform(0.05, 0.99))
        try:
            found = choose_threshold(positive, probability, Rule(wanted))
        except DataError:  # every film would be positive
            found = Threshold(float(probability.min()))
        higher = probability[probability >= found.value].min() + 1e-9
        assert (probability[positive] >= found.value).mean() >= wanted - 1e-12
        assert (probability[positive] >= higher).mean() < wanted


def test_shares_that_are_no_binary_numbers_are_counted_in_films() -> None:
    positive = np.array([True] * 25 + [False])
    probability = np.append(np.linspace(0.9, 0.1, 25), 0.0)
    found = choose_threshold(positive, probability, Rule(0.56))
    assert 0.56 * 25 > 14
    assert found.sensitivity == proportion(14, 25)


def test_youdens_cut_has_the_largest_sum_and_of_equals_the_highest_sensitivity() -> None:
    found = choose_threshold(POSITIVE, PROBABILITY, Rule(None))
    # Cuts under 0.7 (0.6 + 1) and under 0.6 (0.8 + 0.8) sum up to the same.
    assert found.value == pytest.approx(0.5)
    assert found.chosen is not None
    assert (found.chosen.rule, found.chosen.sensitivity) == ("youden", None)


def test_without_a_rule_it_is_one_half_and_nothing_was_chosen() -> None:
    assert choose_threshold(POSITIVE, PROBABILITY, None) == Threshold(0.5)
    assert str(Threshold()) == "0.5"


def test_no_film_lies_on_the_threshold_even_where_six_digits_are_too_few() -> None:
    probability = np.array([0.5 + 1e-9, 0.5, 0.1])
    found = choose_threshold(np.array([True, False, False]), probability, Rule(0.9))
    assert 0.5 < found.value <= 0.5 + 1e-9


def test_a_threshold_says_how_it_was_chosen_with_intervals() -> None:
    text = str(choose_threshold(POSITIVE, PROBABILITY, Rule(0.8)))
    assert text.startswith(
        "0.5, the highest with a sensitivity of at least 0.8 on 5 positive and 5"
    )
    assert "sensitivity 0.800 (0.376 to 0.964, n 5)" in text


@pytest.mark.parametrize(
    ("positive", "probability", "rule", "problem"),
    [
        ([True, True], [0.1, 0.2], Rule(0.9), "2 of 2 films"),
        ([False, False], [0.1, 0.2], Rule(None), "0 of 2 films"),
        ([True, False], [0.1, np.nan], Rule(0.9), "finite"),
        ([True, False], [0.1, 0.2], Rule(0.9), "takes every film for positive"),
        ([True, False], [0.3, 0.3], Rule(None), "positive"),
    ],
)
def test_a_threshold_that_cannot_be_chosen_is_one_line(
    positive: list[bool], probability: list[float], rule: Rule, problem: str
) -> None:
    with pytest.raises(DataError) as caught:
        choose_threshold(np.array(positive), np.array(probability), rule)
    assert problem in str(caught.value)
    assert caught.value.cure
