from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_export.artefact import Artefact
from edge_export.film import SPLITS, Film
from edge_export.graph.network import InputRange, network
from edge_export.graph.tflite import to_tflite
from edge_export.pixels import Pixels
from edge_export.quantize import ranges
from edge_export.quantize.calibrate import choose_films
from edge_export.quantize.ranges import measure_ranges
from edge_runtime.errors import DataError


def rows(covid: int, noncovid: int) -> list[Film]:
    return [
        Film(Path(f"{split}/{label}/{n}.png"), label, split, f"{n}", f"{hash_of(split, label, n)}")
        for split in SPLITS
        for label, count in (("covid", covid), ("noncovid", noncovid))
        for n in range(count)
    ]


def hash_of(*words: object) -> str:
    return f"{random.Random(repr(words)).getrandbits(256):064x}"


@pytest.mark.parametrize(
    ("covid", "noncovid", "count", "expected"),
    [
        (50, 50, 20, {"covid": 10, "noncovid": 10}),
        (50, 50, 21, {"covid": 11, "noncovid": 10}),
        (3, 50, 20, {"covid": 3, "noncovid": 17}),
        (5, 5, 300, {"covid": 5, "noncovid": 5}),
    ],
)
def test_classes_are_even_as_far_as_they_reach(
    covid: int, noncovid: int, count: int, expected: dict[str, int]
) -> None:
    chosen = choose_films(rows(covid, noncovid), count, seed=0)
    assert Counter(film.label for film in chosen) == expected
    assert {film.split for film in chosen} == {"train"}


def test_the_seed_chooses_and_neither_order_nor_names_do() -> None:
    films = rows(40, 40)
    renamed = [replace(film, path=Path(f"{place}.png")) for place, film in enumerate(films)]
    random.Random(1).shuffle(renamed)

    def digests(found: list[Film]) -> list[str]:
        return [film.sha256 for film in found]

    expected = digests(choose_films(films, 20, seed=3))
    assert digests(choose_films(renamed, 20, seed=3)) == expected
    assert digests(choose_films(films, 20, seed=4)) != expected


@pytest.mark.parametrize(
    "films",
    [[], rows(5, 0), [film for film in rows(5, 5) if film.split != "train"]],
    ids=["none", "one class", "no training rows"],
)
def test_calibration_needs_training_rows_of_two_classes(films: list[Film]) -> None:
    with pytest.raises(DataError, match="two are needed to calibrate"):
        choose_films(films, 10, seed=0)


def test_ranges_are_the_extremes_that_numpy_finds(pixels: Pixels) -> None:
    import keras

    hand_made = keras.Sequential(
        [keras.Input((64, 64, 1)), keras.layers.Flatten(), keras.layers.Dense(2, "relu")]
    )
    hand_made.add(keras.layers.Dense(1))
    rng = np.random.default_rng(0)
    hidden, logit = (rng.normal(size=shape).astype(np.float32) for shape in ((4096, 2), (2, 1)))
    hand_made.set_weights([hidden, np.array([1, -1]), logit, np.array([0.5])])
    graph = to_tflite(network(hand_made, InputRange()).logits)

    flat = pixels[:9].reshape(9, -1).astype(np.float32)
    after = np.maximum(flat @ hidden + [1, -1], 0)
    answer = after @ logit + 0.5
    ranges = measure_ranges(graph, pixels[:9])
    for values in (after, answer):
        assert any(
            limits == pytest.approx((values.min(), values.max()), rel=1e-4)
            for limits in ranges.values()
        )


def test_the_pixels_themselves_always_reach_from_black_to_white(
    artefacts: dict[str, Artefact], pixels: Pixels
) -> None:
    grey = np.full_like(pixels[:2], 100)
    ranges = measure_ranges(artefacts["model.f32.tflite"].graph, grey)
    assert (0.0, 255.0) in ranges.values()
    assert (100.0, 100.0) not in ranges.values()


class Overflowing:
    """Stands for a graph of which one tensor overflows on one film."""

    pixel_tensor = "pixels"

    def __init__(self, graph: bytes) -> None:
        self.bad = np.float32(graph.decode())

    def run(self, film: Pixels) -> Iterator[tuple[str, NDArray[np.float32]]]:
        yield "fine", film.astype(np.float32)
        yield "conv2d", np.array([0, self.bad if film.max() == 3 else 1], np.float32)


@pytest.mark.parametrize("bad", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("film", [0, 1, 4])
def test_a_value_that_is_not_finite_on_any_one_film_is_an_error_that_names_the_tensor(
    bad: str, film: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "TFLiteTensors", Overflowing)
    pixels = np.zeros((5, 2, 2, 1), np.uint8)
    pixels[film] = 3
    with pytest.raises(DataError, match="conv2d: takes values that are not finite"):
        measure_ranges(bad.encode(), pixels)


def test_weights_that_are_not_finite_are_an_error_that_names_the_tensor(
    pixels: Pixels,
) -> None:
    import keras

    from tiny_network import tiny_network

    broken = keras.models.clone_model(tiny_network())
    weights = broken.get_weights()
    weights[0][0, 0, 0, 0] = np.nan
    broken.set_weights(weights)
    graph = to_tflite(network(broken, InputRange()).logits)
    with pytest.raises(DataError, match=r"conv2d.*: takes values that are not finite"):
        measure_ranges(graph, pixels[:2])
