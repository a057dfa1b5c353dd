"""Engines that answer alike are compared by a clock, and a clear gain alone chooses another."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edge_runtime.bundle import Bundle
from edge_runtime.engines import EngineUnavailable
from edge_runtime.errors import NoEngine
from edge_runtime.isolation import child
from edge_runtime.machine.engine_trial import AT_ONCE, FILMS, ROUNDS, fastest, trial
from tiny_bundle import TFLITE

if TYPE_CHECKING:
    from edge_runtime.engines import Engine


class Clock:
    """A clock that moves only when an engine says how long a film took."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: dict[str, int] = {}

    def __call__(self) -> float:
        return self.now


class Timed:
    """An engine of stated durations, that answers the golden films as stated."""

    def __init__(
        self, name: str, clock: Clock, durations: Callable[[int], float], logits: tuple[float, ...]
    ) -> None:
        self.name = name
        self._clock, self._durations, self._logits = clock, durations, logits
        clock.calls.setdefault(name, 0)
        self.is_closed = False

    def logits(self, pixels: bytes) -> tuple[float, ...]:
        assert pixels
        if not self._logits:
            raise EngineUnavailable("broke")
        self._clock.calls[self.name] += 1
        self._clock.now += self._durations(self._clock.calls[self.name])
        return self._logits

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def golden(bundle: Bundle) -> tuple[float, ...]:
    return bundle.manifest.golden.films[0].logits[TFLITE]


def outcome(
    bundle: Bundle,
    durations: Mapping[str, Callable[[int], float]],
    logits: Mapping[str, tuple[float, ...]],
    threads: int = 1,
) -> tuple[Any, list[Timed]]:
    """Return the choice among engines of stated durations, all others missing, and the engines."""
    clock, opened = Clock(), list[Timed]()

    def start(_: Bundle, name: str) -> Engine:
        if name not in durations:
            raise NoEngine("m.edge", "not installed")
        opened.append(Timed(name, clock, durations[name], logits[name]))
        return opened[-1]

    return trial(bundle, threads, clock, start), opened


def steady(seconds: float) -> Callable[[int], float]:
    return lambda _: seconds


@pytest.mark.parametrize(
    ("seconds", "chosen"),
    [(0.010, "onnxruntime"), (0.0179, "onnxruntime"), (0.0181, "litert"), (0.02, "litert"),
     (0.5, "litert")],
)  # fmt: skip
def test_another_engine_is_chosen_for_a_tenth_of_the_time_and_no_less(
    seconds: float, chosen: str, bundle: Bundle, golden: tuple[float, ...]
) -> None:
    logits = dict.fromkeys(("litert", "onnxruntime"), golden)
    durations = {"litert": steady(0.02), "onnxruntime": steady(seconds)}
    choice, opened = outcome(bundle, durations, logits)
    assert (choice.engine, choice.default, choice.challenger) == (chosen, "litert", "onnxruntime")
    assert choice.ratio.median == pytest.approx(seconds / 0.02)
    assert choice.ratio.n == ROUNDS
    assert choice.milliseconds == pytest.approx({"litert": 20, "onnxruntime": 1000 * seconds})
    assert all(engine.is_closed for engine in opened)


def test_a_round_that_something_else_slowed_decides_nothing(
    bundle: Bundle, golden: tuple[float, ...]
) -> None:
    def disturbed(call: int) -> float:
        return 5.0 if call in (9, 14) else 0.01

    logits = dict.fromkeys(("litert", "onnxruntime"), golden)
    for durations, chosen in (
        ({"litert": steady(0.02), "onnxruntime": disturbed}, "onnxruntime"),
        ({"litert": disturbed, "onnxruntime": steady(0.0099)}, "litert"),
    ):
        assert outcome(bundle, durations, logits)[0].engine == chosen


def test_where_rounds_contradict_each_other_the_default_stays() -> None:
    slow, fast = [20.0] * ROUNDS, [10.0] * 5 + [30.0] * (ROUNDS - 5)
    choice = fastest({"litert": slow, "onnxruntime": fast}, "litert")
    assert choice.ratio is not None
    assert choice.ratio.median == 0.5
    assert choice.engine == "litert"


def test_the_fastest_of_several_is_chosen() -> None:
    times = {"litert": [20.0, 22.0], "tflite-runtime": [15.0, 15.0], "onnxruntime": [14.0, 13.0]}
    assert fastest(times, "litert").engine == "onnxruntime"


@pytest.mark.parametrize("away", [0.9e-3, 1.1e-3, math.nan, math.inf])
def test_an_engine_that_answers_otherwise_is_not_used_however_fast(
    away: float, bundle: Bundle, golden: tuple[float, ...]
) -> None:
    logits = {"litert": golden, "onnxruntime": (golden[0] + away,)}
    durations = {"litert": steady(1), "onnxruntime": steady(0.1)}
    choice, _ = outcome(bundle, durations, logits)
    agrees = away < 1e-3
    assert choice.engine == ("onnxruntime" if agrees else "litert")
    assert ("onnxruntime does not answer as litert does" in choice.words) is not agrees


def test_two_engines_that_miss_on_different_sides_do_not_agree(
    bundle: Bundle, golden: tuple[float, ...]
) -> None:
    logits = {"litert": (golden[0] - 0.9e-3,), "onnxruntime": (golden[0] + 0.9e-3,)}
    durations = {"litert": steady(1), "onnxruntime": steady(0.1)}
    assert outcome(bundle, durations, logits)[0].engine == "litert"


def test_a_default_that_is_wrong_itself_is_replaced_by_nothing(
    bundle: Bundle, golden: tuple[float, ...]
) -> None:
    logits = {"litert": (9.0,), "onnxruntime": golden}
    choice, _ = outcome(bundle, {name: steady(1) for name in logits}, logits)
    assert (choice.engine, choice.ratio) == ("litert", None)
    assert "litert does not answer the golden films as their maker's did" in choice.words


@pytest.mark.parametrize(("threads", "each"), [(1, 1), (3, 3), (64, AT_ONCE)])
def test_as_many_run_at_once_as_films_will_but_not_without_bound(
    threads: int, each: int, bundle: Bundle, golden: tuple[float, ...]
) -> None:
    logits = dict.fromkeys(("litert", "onnxruntime"), golden)
    durations = {name: steady(0.01) for name in logits}
    _, opened = outcome(bundle, durations, logits, threads)
    assert [engine.name for engine in opened] == ["litert"] * each + ["onnxruntime"] * each


def test_of_two_engines_of_one_package_only_the_first_is_timed(
    bundle: Bundle, golden: tuple[float, ...]
) -> None:
    names = ("litert", "litert-python", "onnxruntime")
    _, opened = outcome(bundle, dict.fromkeys(names, steady(1)), dict.fromkeys(names, golden))
    assert [engine.name for engine in opened] == ["litert", "onnxruntime"]
    _, opened = outcome(
        bundle, dict.fromkeys(names[1:], steady(1)), dict.fromkeys(names[1:], golden)
    )
    assert [engine.name for engine in opened] == ["litert-python", "onnxruntime"]


def test_one_engine_alone_is_kept_and_none_at_all_is_an_error(
    bundle: Bundle, golden: tuple[float, ...]
) -> None:
    choice, _ = outcome(bundle, {"litert": steady(1)}, {"litert": golden})
    assert choice.words == "litert: no other engine opens here"
    with pytest.raises(NoEngine):
        outcome(bundle, {}, {})


def test_an_engine_that_breaks_is_an_error_of_the_trial(
    bundle: Bundle, golden: tuple[float, ...]
) -> None:
    logits = {"litert": golden, "onnxruntime": ()}
    with pytest.raises(NoEngine, match="broke"):
        outcome(bundle, {name: steady(1) for name in logits}, logits)


def test_who_begins_a_round_changes(bundle: Bundle, golden: tuple[float, ...]) -> None:
    order, ticks = list[str](), count()

    def noted(name: str) -> Callable[[int], float]:
        def duration(_: int) -> float:
            order.append(name)
            return float(next(ticks))

        return duration

    names = ("litert", "onnxruntime")
    outcome(bundle, {name: noted(name) for name in names}, dict.fromkeys(names, golden))
    rounds = order[2 * len(bundle.manifest.golden.films) :: FILMS]
    assert rounds[:6] in (
        ["litert", "onnxruntime", "onnxruntime", "litert", "litert", "onnxruntime"],
        ["onnxruntime", "litert", "litert", "onnxruntime", "onnxruntime", "litert"],
    )


def test_real_engines_agree_and_are_compared_in_a_process_of_their_own(tiny: Path) -> None:
    done = child.module("machine.engine_trial", str(tiny), "2", seconds=60)
    assert (done.returncode, done.stderr) == (0, b"")
    said = json.loads(done.stdout)
    assert (said["default"], said["challenger"], said["ratio"]["n"]) == (
        "litert", "onnxruntime", ROUNDS,
    )  # fmt: skip
    assert said["engine"] in ("litert", "onnxruntime")


def test_what_is_no_bundle_is_a_choice_of_nothing(tmp_path: Path) -> None:
    done = child.module("machine.engine_trial", str(tmp_path / "none.edge"), "1", seconds=60)
    assert done.returncode == 0
    said = json.loads(done.stdout)
    assert said["engine"] == "auto"
    assert "it could not be measured" in said["why"]


def test_a_child_loads_nothing_from_the_folder_it_is_started_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('a film on a stick ran')")
    monkeypatch.chdir(tmp_path)
    done = subprocess.run(
        child.module_command("machine.engine_trial", "none.edge", "1"),
        env=child.own_environment(), capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
