"""Times are compared within a round, so that a machine of uneven speed moves no ratio."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from edge_export.films.pixels import Pixels
from edge_export.graph.artefact import Artefact
from edge_export.proof import latency
from edge_export.proof.latency import Latency, latencies, slower_than_float
from edge_export.statistics.estimates import Estimate
from edge_runtime.errors import DataError
from tiny_graphs import SIDE, onnx_graph, tflite_graph

FLOAT = Artefact("model.f32.tflite", "tflite", "float32", b"float")
INT8 = Artefact("model.int8.tflite", "tflite", "static_wi8_ai8", b"int8")
FLOAT_ONNX = Artefact("model.f32.onnx", "onnx", "float32", b"float")
INT8_ONNX = Artefact("model.int8.onnx", "onnx", "static_wi8_ai8", b"int8")
ALL = (FLOAT, INT8, FLOAT_ONNX, INT8_ONNX)
FILMS = np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1)


@dataclass
class Machine:
    """Runs a graph in `milliseconds(file, round)` of its own time; remembers what was run."""

    milliseconds: Callable[[str, int], float]
    now: float = 0.0
    runs: list[tuple[str, bytes]] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def open(self, artefact: Artefact, _: tuple[int, ...]) -> Engine:
        return Engine(self, artefact.file)


@dataclass
class Engine:
    machine: Machine
    file: str
    name: str = "made up"
    rounds: int = 0

    def logits(self, pixels: bytes) -> tuple[float, ...]:
        self.machine.now += self.machine.milliseconds(self.file, self.rounds) / 1000
        self.machine.runs.append((self.file, pixels))
        self.rounds += 1
        return (0.0,)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return a machine that takes half as long for int8, and in every other round ten times."""

    def milliseconds(file: str, number: int) -> float:
        return (1.0 if "int8" in file else 2.0) * (10 if number % 2 else 1)

    machine = Machine(milliseconds)
    monkeypatch.setattr(latency, "open_artefact", machine.open)
    return machine


def test_a_machine_of_uneven_speed_does_not_move_the_ratio(machine: Machine) -> None:
    found = latencies(ALL, FILMS, rounds=20, clock=machine.clock)
    assert list(found) == [one.file for one in ALL]
    for file, one in found.items():
        expected = 0.5 if "int8" in file else 1.0
        assert (one.ratio.value, one.ratio.low, one.ratio.high) == pytest.approx((expected,) * 3)
        assert one.ratio.n == 20
        assert one.milliseconds == pytest.approx(11 * expected)
        assert (one.low, one.high) == pytest.approx((2 * expected, 20 * expected))


def test_each_format_is_held_against_its_own_float(machine: Machine) -> None:
    times = {FLOAT.file: 4.0, INT8.file: 1.0, FLOAT_ONNX.file: 2.0, INT8_ONNX.file: 3.0}
    machine.milliseconds = lambda file, _: times[file]
    found = latencies(ALL, FILMS, rounds=6, clock=machine.clock)
    assert [one.ratio.value for one in found.values()] == pytest.approx([1, 0.25, 1, 1.5])


def test_the_warm_up_is_not_counted(machine: Machine) -> None:
    machine.milliseconds = lambda _, number: 1000.0 if number < 10 else 1.0
    for one in latencies(ALL, FILMS, rounds=6, clock=machine.clock).values():
        assert one.high == pytest.approx(1.0)


def test_every_graph_has_every_place_in_a_round_and_the_same_film(machine: Machine) -> None:
    latencies(ALL, FILMS, rounds=14, clock=machine.clock)
    rounds = [machine.runs[start : start + 4] for start in range(0, len(machine.runs), 4)]
    assert len(rounds) == 24
    places = Counter((place, file) for one in rounds for place, (file, _) in enumerate(one))
    assert len(places) == 16
    assert set(places.values()) == {6}
    films = [{film for _, film in one} for one in rounds]
    assert films == [{bytes([number % 3])} for number in range(24)]


def test_a_slow_machine_is_not_waited_for(machine: Machine) -> None:
    machine.milliseconds = lambda *_: 500.0
    slow = latencies(ALL, FILMS, clock=machine.clock)
    assert {one.ratio.n for one in slow.values()} == {40}
    machine.milliseconds = lambda *_: 3.0
    fast = latencies(ALL, FILMS, clock=machine.clock)
    assert {one.ratio.n for one in fast.values()} == {200}


def test_the_interval_of_a_median_is_that_of_conover() -> None:
    # Of 20 observations the 6th and the 15th: B(5; 20, 1/2) = 0.0207 (Conover, table A3).
    found = latency._median(np.random.default_rng(0).permutation(np.arange(1.0, 21.0)))
    assert found == Estimate(10.5, 6.0, 15.0, 20)


def test_fewer_than_six_rounds_have_no_interval(machine: Machine) -> None:
    with pytest.raises(ValueError, match="finite"):
        latencies(ALL, FILMS, rounds=5, clock=machine.clock)


def test_real_engines_are_timed_by_the_clock_of_the_machine() -> None:
    artefacts = [
        Artefact("model.f32.tflite", "tflite", "float32", tflite_graph()),
        Artefact("model.f32.onnx", "onnx", "float32", onnx_graph()),
    ]
    found = latencies(artefacts, np.zeros((2, SIDE, SIDE, 1), np.uint8), rounds=6)
    assert all(0 < one.low <= one.milliseconds <= one.high for one in found.values())


BAD = {
    "no film": (ALL, FILMS[:0], "no film"),
    "no float graph": ([INT8], FILMS, r"model\.int8\.tflite: no float tflite graph"),
    "no float graph of this format": (
        [FLOAT, INT8, INT8_ONNX],
        FILMS,
        r"model\.int8\.onnx: no float onnx graph",
    ),
}


@pytest.mark.parametrize(("artefacts", "films", "problem"), BAD.values(), ids=BAD)
def test_without_films_or_a_float_graph_there_is_nothing_to_compare(
    artefacts: list[Artefact], films: Pixels, problem: str
) -> None:
    with pytest.raises(DataError, match=problem):
        latencies(artefacts, films)


WARNED = {
    "faster": ("static_wi8_ai8", 0.4, 0.38, 0.42, False),
    "slower": ("static_wi8_ai8", 1.2, 1.1, 1.3, True),
    "not shown to be faster": ("static_wi8_ai8", 0.97, 0.93, 1.01, True),
    "just as fast": ("dynamic_wi8_afp32", 1.0, 1.0, 1.0, True),
    "float itself": ("float32", 1.0, 1.0, 1.0, False),
    "only stored smaller": ("weight_only_wi8_afp32", 1.0, 0.9, 1.1, False),
}


@pytest.mark.parametrize(("recipe", "value", "low", "high", "warned"), WARNED.values(), ids=WARNED)
def test_a_graph_that_was_not_shown_to_be_faster_is_named(
    recipe: str, value: float, low: float, high: float, warned: bool
) -> None:
    one = Latency("model.tflite", recipe, 1.0, 0.9, 1.1, Estimate(value, low, high, 200))
    lines = slower_than_float({one.file: one})
    assert bool(lines) == warned
    for line in lines:
        assert line == (
            "model.tflite is not faster than float on this machine: "
            f"it takes {value:.2f} ({low:.2f} to {high:.2f}) of the time"
        )
