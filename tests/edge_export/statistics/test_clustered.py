"""Films of one patient count as what they tell: copies make no interval narrower."""

from __future__ import annotations

import numpy as np
import pytest

from edge_export.statistics.clustered import grouped_auc, grouped_proportion
from edge_export.statistics.estimates import Bools, Floats, auc, proportion

N = 80


def films(seed: int = 0) -> tuple[Bools, Floats]:
    rng = np.random.default_rng(seed)
    positive = np.arange(N) < N // 2
    return positive, rng.normal(size=N) + positive


def names(count: int) -> list[str]:
    return [f"patient {one}" for one in range(count)]


def width(found: object) -> float:
    return float(found.high - found.low)  # type: ignore[attr-defined]


def test_of_one_film_a_group_the_area_has_delongs_interval() -> None:
    positive, score = films()
    found, plain = grouped_auc(positive, score, names(N)), auc(positive, score)
    assert found.value == plain.value
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high))


@pytest.mark.parametrize("copies", [2, 5])
def test_copies_of_films_in_their_groups_tell_no_more_than_the_films(copies: int) -> None:
    positive, score = films()
    many = [np.repeat(one, copies) for one in (positive, score, np.array(names(N)))]
    found = grouped_auc(many[0], many[1], many[2].tolist())
    once = auc(positive, score)
    assert (found.low, found.high) == pytest.approx((once.low, once.high), abs=1e-9)
    # Taken for films of their own they would seem to.
    assert width(auc(many[0], many[1])) < 0.8 * width(found)


def test_groups_of_a_film_of_each_class_count_their_covariance() -> None:
    rng = np.random.default_rng(3)
    habit = rng.normal(scale=3.0, size=N // 2)  # a patient's films are all high, or all low
    positive = np.arange(N) < N // 2
    score = np.tile(habit, 2) + positive + rng.normal(scale=0.1, size=N)
    paired = grouped_auc(positive, score, names(N // 2) * 2)
    assert width(paired) < 0.7 * width(auc(positive, score))


def test_of_one_patient_nothing_follows() -> None:
    positive, score = films()
    found = grouped_auc(positive, score, ["one"] * N)
    assert (found.low, found.high) == (0.0, 1.0)


def test_classes_separated_without_error_keep_their_exact_interval() -> None:
    positive = np.arange(10) < 5
    perfect = np.where(positive, 1.0, 0.0)
    assert grouped_auc(positive, perfect, names(10)) == auc(positive, perfect)


@pytest.mark.parametrize("hits", [0, 7, 40])
def test_of_one_film_a_group_a_share_has_wilsons_interval(hits: int) -> None:
    assert grouped_proportion(np.arange(40) < hits, names(40)) == proportion(hits, 40)


@pytest.mark.parametrize("hits", [7, 20])
def test_groups_that_agree_within_count_as_one_film_each(hits: int) -> None:
    success, groups = np.repeat(np.arange(40) < hits, 5), np.repeat(names(40), 5).tolist()
    found, once = grouped_proportion(success, groups), proportion(hits, 40)
    assert found.n == 200
    assert (found.low, found.high) == pytest.approx((once.low, once.high), abs=0.005)


def test_where_all_films_agree_groups_are_what_counts() -> None:
    found = grouped_proportion(np.ones(40, np.bool_), np.repeat(names(8), 5).tolist())
    assert (found.value, found.n) == (1.0, 40)
    assert found.low == pytest.approx(proportion(8, 8).low)


def test_films_are_never_worth_more_than_films() -> None:
    # Each group has one hit and one miss: less variance between groups than chance would give.
    success = np.tile([True, False], 20)
    found = grouped_proportion(success, np.repeat(names(20), 2).tolist())
    assert (found.low, found.high) == pytest.approx(
        (proportion(20, 40).low, proportion(20, 40).high)
    )
