"""Ranges are those that numpy finds in all values, whatever the order of the films."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_export.films.pixels import Pixels
from edge_export.graph.artefact import Artefact
from edge_export.graph.network import InputRange, network
from edge_export.graph.tensors import TFLiteTensors, tflite_tensors
from edge_export.graph.tflite import to_tflite
from edge_export.graph.trace import operators, outputs
from edge_export.quantize import ranges
from edge_export.quantize.ranges import METHODS, Range, measure_ranges, merge_ranges
from edge_runtime.errors import DataError

HISTOGRAMS = METHODS[1:]
Floats = NDArray[np.float32]


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


@pytest.mark.parametrize("method", ["min_max", "mse"])
def test_the_pixels_themselves_always_reach_from_black_to_white(
    artefacts: dict[str, Artefact], pixels: Pixels, method: str
) -> None:
    grey = np.full_like(pixels[:2], 100)
    ranges = measure_ranges(artefacts["model.f32.tflite"].graph, grey, method)
    tensors = TFLiteTensors(artefacts["model.f32.tflite"].graph)
    assert ranges[tensors.pixel_tensor] == (0.0, 255.0)


@pytest.fixture(scope="module")
def tables(artefacts: dict[str, Artefact], pixels: Pixels) -> dict[str, dict[str, Range]]:
    graph = artefacts["model.f32.tflite"].graph
    return {method: measure_ranges(graph, pixels[:20], method) for method in METHODS}


@pytest.fixture(scope="module")
def held(artefacts: dict[str, Artefact], pixels: Pixels) -> dict[str, Floats]:
    return tflite_tensors(artefacts["model.f32.tflite"].graph, pixels[:20])


@pytest.mark.parametrize("method", HISTOGRAMS)
def test_a_clipped_range_holds_zero_and_lies_within_the_extremes(
    tables: dict[str, dict[str, Range]], method: str
) -> None:
    assert tables[method].keys() == tables["min_max"].keys()
    clipped = {
        name: limits for name, limits in tables[method].items() if limits != tables["min_max"][name]
    }
    assert clipped or method == "entropy"  # which keeps what is as even as this
    for name, (low, high) in clipped.items():
        lowest, highest = tables["min_max"][name]
        assert min(lowest, 0) <= low <= 0 <= high <= highest
        assert low < high


def test_what_the_float_head_reads_and_writes_is_never_clipped(
    artefacts: dict[str, Artefact],
    held: dict[str, Floats],
    tables: dict[str, dict[str, Range]],
) -> None:
    graph = artefacts["model.f32.tflite"].graph
    ends = outputs(graph)
    read = [one.inputs[0] for end in ends for one in operators(graph) if end in one.outputs]
    assert [held[name].shape[1:] for name in (*ends, *read)] == [(1, 1), (1, 1), (1, 8), (1, 4)]
    for method in METHODS:
        for name in (*ends, *read):
            assert tables[method][name] == (held[name].min(), held[name].max())


def test_percentile_cuts_one_value_in_two_hundred_thousand_off_each_side() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=1_000_000)
    counts, edges = np.histogram(values, ranges._BINS, (-6, 6))
    expected = np.percentile(values, [0.0005, 99.9995])
    found = ranges._percentile(counts, edges)
    # Within a few bins: there are five values beyond either end.
    assert found == pytest.approx(tuple(expected), abs=0.02)
    assert found[1] < values.max()


def rounding_error(values: NDArray[np.float64], limits: Range) -> float:
    """Return the mean square of what 255 steps between the limits do to `values`."""
    step = (limits[1] - limits[0]) / 255
    kept = np.clip(np.rint(values / step), round(limits[0] / step), round(limits[1] / step)) * step
    return float(((values - kept) ** 2).mean())


@pytest.mark.parametrize("kind", ["two sides", "one side", "rectified"])
def test_mse_is_within_a_per_cent_of_the_best_range_that_trying_finds(kind: str) -> None:
    values = np.random.default_rng(1).laplace(size=200_000)
    values = {
        "two sides": values,
        "one side": np.abs(values),
        "rectified": np.maximum(values, 0),
    }[kind]
    reach = float(np.abs(values).max())
    counts, edges = np.histogram(values, ranges._BINS, (-reach, reach))
    limits = ranges._mse(counts, edges)
    low, high = max(limits[0], values.min()), limits[1]
    tried = np.linspace(0.4, 1.0, 25) * reach
    lows = [0.0] if kind != "two sides" else -tried
    best = min(rounding_error(values, pair) for pair in itertools.product(lows, tried))
    assert rounding_error(values, (low, high)) <= 1.01 * best
    assert high < reach
    assert best < rounding_error(values, (values.min(), reach))


def test_entropy_cuts_off_the_one_value_far_from_all_others() -> None:
    values = np.append(np.random.default_rng(2).normal(size=50_000), 40.0)
    counts, edges = np.histogram(values, ranges._BINS, (-40, 40))
    low, high = ranges._entropy(counts, edges)
    assert -7 < low < -2
    assert 2 < high < 7


@pytest.mark.parametrize("shape", [(1, 222, 222, 32), (1, 97, 97, 88), (1, 9, 9, 4), (1, 10**6)])
def test_counted_values_leave_no_channel_out_and_are_bounded(shape: tuple[int, ...]) -> None:
    channels = np.broadcast_to(np.arange(shape[-1]), shape)
    counted = channels.ravel()[:: ranges._stride(channels.astype(np.float32))]
    assert len(counted) <= 2**18
    assert len(np.unique(counted)) == min(shape[-1], len(counted))


class Streaming:
    """Stands for a graph; counts how often it ran and what each film gave it."""

    pixel_tensor = "pixels"
    runs = 0

    def __init__(self, graph: bytes) -> None:
        self.bad = np.float32(graph.decode())

    def run(self, film: Pixels) -> Iterator[tuple[str, NDArray[np.float32]]]:
        type(self).runs += 1
        yield "fine", film.astype(np.float32)
        yield "conv2d", np.array([0, self.bad if film.max() == 3 else 1], np.float32)
        yield "signed", np.array([-4, 1], np.float32)
        yield "positive", np.array([2, 3], np.float32)
        yield "dead", np.zeros(4, np.float32)
        yield "tiny", np.array([0, 1e-42], np.float32)


@pytest.mark.parametrize(("method", "passes"), [("min_max", 1), ("mse", 2), ("percentile", 2)])
def test_each_pass_runs_each_film_once_and_no_kind_of_tensor_is_lost(
    method: str, passes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "TFLiteTensors", Streaming)
    monkeypatch.setattr(ranges, "_head", lambda _: set())
    monkeypatch.setattr(Streaming, "runs", 0)
    table = measure_ranges(b"7", np.full((5, 2, 2, 1), 3, np.uint8), method)
    assert Streaming.runs == 5 * passes
    assert table["conv2d"] == pytest.approx((0, 7), abs=0.01)
    assert table["signed"] == pytest.approx((-4, 1), abs=0.01)
    assert table["positive"] == pytest.approx((2 if method == "min_max" else 0, 3), abs=0.01)
    assert table["dead"] == (0, 0)
    assert table["tiny"] == (0, float(np.float32(1e-42)))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bad", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("film", [0, 1, 4])
def test_a_value_that_is_not_finite_on_any_one_film_is_an_error_that_names_the_tensor(
    method: str, bad: str, film: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "TFLiteTensors", Streaming)
    pixels = np.zeros((5, 2, 2, 1), np.uint8)
    pixels[film] = 3
    with pytest.raises(DataError, match="conv2d: takes values that are not finite"):
        measure_ranges(bad.encode(), pixels, method)


def test_sums_that_are_not_finite_are_an_error_that_names_the_tensor(
    pixels: Pixels,
) -> None:
    import keras

    from tiny_network import tiny_network

    broken = keras.models.clone_model(tiny_network())
    broken.set_weights([np.full_like(one, 3e38) for one in broken.get_weights()])
    graph = to_tflite(network(broken, InputRange()).logits)
    with pytest.raises(DataError, match=r"conv2d.*: takes values that are not finite"):
        measure_ranges(graph, pixels[:2])


def test_an_unknown_method_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'max', choose from min_max, percentile, entropy, mse"):
        measure_ranges(b"", np.zeros((1, 2, 2, 1), np.uint8), "max")


def test_the_same_films_give_the_same_table_in_any_order(
    artefacts: dict[str, Artefact], pixels: Pixels, tables: dict[str, dict[str, Range]]
) -> None:
    backwards = pixels[:20][::-1]
    for method in ("min_max", "percentile", "mse"):
        graph = artefacts["model.f32.tflite"].graph
        assert measure_ranges(graph, backwards, method) == tables[method]


def test_merged_ranges_reach_as_far_as_any_of_them() -> None:
    tables: list[dict[str, Range]] = [{"a": (0, 2), "b": (1, 1)}, {"a": (-1, 1)}, {"a": (0, 1)}]
    assert merge_ranges(tables) == {"a": (-1, 2), "b": (1, 1)}
