"""AUCs within strata: no difference between strata can help, weights are counts alone."""

from __future__ import annotations

import numpy as np
import pytest

from edge_export.statistics.clustered import grouped_auc, grouped_auc_difference
from edge_export.statistics.estimates import Bools, Estimate, Floats, auc
from edge_export.statistics.paired import auc_difference
from edge_export.statistics.stratified import differences_within, mean, weights, within

Films = tuple[Bools, Floats, list[str], list[str]]


def by_source_alone(seed: int = 0) -> Films:
    """Return films whose score tells two sources of unequal prevalence apart, and nothing else."""
    draw = np.random.default_rng(seed)
    source = np.repeat([0, 1], 200)
    positive = draw.random(400) < np.where(source == 1, 0.9, 0.1)
    score = 3.0 * source + draw.normal(size=400)
    return positive, score, [f"g{n}" for n in range(400)], [f"s{one}" for one in source]


def weighted(positive: Bools, areas: dict[str, Estimate], strata: list[str]) -> Estimate:
    return mean(areas, weights(positive, strata, list(areas)))


def test_what_tells_sources_apart_alone_is_chance_within_them() -> None:
    positive, score, groups, strata = by_source_alone()
    assert auc(positive, score).value > 0.85
    found = weighted(positive, within(positive, score, groups, strata), strata)
    assert found.low < 0.5 < found.high
    assert abs(found.value - 0.5) < 0.06


def test_no_shift_of_a_stratum_changes_the_mean() -> None:
    positive, score, groups, strata = by_source_alone()
    shifted = score + 1000.0 * (np.array(strata) == "s0")
    assert within(positive, score, groups, strata) == within(positive, shifted, groups, strata)


def test_the_interval_covers_at_chance_as_often_as_it_says() -> None:
    hits = 0
    for seed in range(200):
        positive, score, groups, strata = by_source_alone(seed)
        found = weighted(positive, within(positive, score, groups, strata), strata)
        hits += found.low <= 0.5 <= found.high
    assert 0.90 <= hits / 200 <= 0.99


def test_weights_are_van_elterens() -> None:
    strata = ["a"] * 6 + ["b"] * 3
    positive = np.array([1, 1, 1, 0, 0, 0, 1, 0, 0], np.bool_)
    assert weights(positive, strata, ["a", "b"]) == {"a": 9 / 7, "b": 2 / 4}


def test_one_stratum_is_its_own_mean() -> None:
    positive, score, groups, _ = by_source_alone()
    strata = ["only"] * len(score)
    (area,) = within(positive, score, groups, strata).values()
    assert area == grouped_auc(positive, score, groups)
    found = weighted(positive, {"only": area}, strata)
    assert (found.value, found.low, found.high) == pytest.approx((area.value, area.low, area.high))


def test_a_stratum_of_too_few_films_of_a_class_has_no_area_and_unnamed_films_are_in_none() -> None:
    positive = np.array([1, 1, 0, 0, 1, 0, 0, 1, 1, 0, 0], np.bool_)
    strata = ["a"] * 4 + ["b"] * 3 + [""] * 4
    found = within(positive, np.arange(11.0), [f"g{n}" for n in range(11)], strata)
    assert list(found) == ["a"]
    with pytest.raises(ValueError, match="no estimates"):
        mean({}, {})


def test_a_difference_by_groups_of_one_film_is_delongs() -> None:
    draw = np.random.default_rng(3)
    positive = np.arange(60) % 2 == 0
    first, second = draw.normal(size=60) + positive, draw.normal(size=60) + 0.5 * positive
    alone = [f"g{n}" for n in range(60)]
    plain = auc_difference(positive, first, second)
    found = grouped_auc_difference(positive, first, second, alone)
    assert (found.value, found.low, found.high) == pytest.approx(
        (plain.value, plain.low, plain.high)
    )
    # Films of the same ten patients tell less.
    few = grouped_auc_difference(positive, first, second, [f"g{n // 6}" for n in range(60)])
    assert few.value == pytest.approx(plain.value)
    one = grouped_auc_difference(positive, first, second, ["g"] * 60)
    assert (one.low, one.high) == (-1.0, 1.0)


def test_equal_scores_differ_by_nothing_within_any_stratum() -> None:
    positive, score, groups, strata = by_source_alone()
    found = differences_within(positive, score, score, groups, strata)
    assert {(one.value, one.low, one.high) for one in found.values()} == {(0.0, 0.0, 0.0)}
