"""How far ranges depend on the films that were chosen is measured on two disjoint halves."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from edge_export.films.film import Film
from edge_export.films.pixels import Pixels
from edge_export.graph.artefact import Artefact
from edge_export.quantize.ranges import Range, measure_ranges
from edge_export.quantize.stability import Stability, halves, ranges_of_halves, stability
from edge_runtime.errors import DataError

NONE = np.zeros(0)


def labelled(labels: str) -> list[Film]:
    return [
        Film(Path("film"), label, "train", str(place), str(place))
        for place, label in enumerate(labels)
    ]


@pytest.mark.parametrize("labels", ["cn" * 6, "c" * 7 + "n" * 4, "nc", "cccnccn", "n" * 5])
def test_halves_are_disjoint_complete_and_balanced(labels: str) -> None:
    first, second = halves(labelled(labels))
    assert sorted(first + second) == list(range(len(labels)))
    assert abs(len(first) - len(second)) <= 1
    counts = [Counter(labels[index] for index in half) for half in (first, second)]
    assert all(abs(counts[0][label] - counts[1][label]) <= 1 for label in labels)


@pytest.mark.parametrize("labels", ["", "c"])
def test_fewer_than_two_films_cannot_be_halved(labels: str) -> None:
    with pytest.raises(DataError, match=f"{len(labels)} films cannot be halved"):
        halves(labelled(labels))


@pytest.mark.parametrize("method", ["min_max", "mse"])
def test_the_ranges_of_halves_are_those_measured_one_by_one(
    artefacts: dict[str, Artefact], films: list[Film], pixels: Pixels, method: str
) -> None:
    graph = artefacts["model.f32.tflite"].graph
    parts = halves(films[:10])
    found = ranges_of_halves(graph, pixels[:10], parts, method)
    taken = (pixels[:10], *(pixels[part] for part in parts))
    assert found == tuple(measure_ranges(graph, some, method) for some in taken)
    assert found[1] != found[2]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((0, 2), (0, 1), 2),
        ((0, 1), (0, 2), 2),
        ((-1, 1), (-2, 1), 1.5),
        ((4, 5), (0, 5), 1),  # int8 holds zero whatever the films do
        ((0, 0), (0, 0), 1),
        ((0, 0), (0, 3), 255),
        ((0, 1e-9), (0, 3), 255),
    ],
)
def test_a_ratio_is_the_wider_range_over_the_narrower(
    one: Range, other: Range, expected: float
) -> None:
    found = stability({"a": one}, {"a": other}, NONE, NONE, 0.5)
    assert found.largest_ratio == pytest.approx(expected)


def test_stability_names_the_worst_tensor_and_counts_the_flips() -> None:
    first: dict[str, Range] = {"a": (0, 1), "b": (0, 3), "c": (0, 1), "first alone": (0, 9)}
    second: dict[str, Range] = {"a": (0, 1), "b": (0, 1), "c": (0, 1.5)}
    one, other = np.array([[0.125, 0.5, 0.75, 0.9], [0.25, 0.49, 0.25, 0.9]])
    assert stability(first, second, one, other, 0.5) == Stability(
        tensors=3,
        median_ratio=1.5,
        largest_ratio=3.0,
        tensor="b",
        flips=2,
        n=4,
        largest_difference=0.5,
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("half", [0, 1])
def test_answers_that_are_not_finite_are_an_error(bad: float, half: int) -> None:
    answers = np.zeros((2, 3))
    answers[half, 1] = bad
    with pytest.raises(DataError, match="not finite"):
        stability({"a": (0, 1)}, {"a": (0, 1)}, answers[0], answers[1], 0.5)


def test_tables_without_a_common_tensor_are_an_error() -> None:
    with pytest.raises(DataError, match="no tensor has a range in both halves"):
        stability({"a": (0, 1)}, {"b": (0, 1)}, NONE, NONE, 0.5)
