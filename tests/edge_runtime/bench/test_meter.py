"""The meter measures processes in turn, without the memory of whoever started it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from edge_runtime.bench.meter import in_turn, measure, rehearse, rotated
from edge_runtime.isolation import child

QUICK = [sys.executable, "-S", "-c", "pass"]


def test_everybody_begins_in_turn() -> None:
    assert [rotated(["a", "b", "c"], turn)[0] for turn in range(-1, 4)] == list("cabca")
    assert sorted(rotated(["a", "b", "c"], 1)) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("pass", ""),
        ("raise SystemExit(5)", ""),  # a refused film is a measured one
        ("raise SystemExit('no numpy')", "left with status 1: no numpy"),
        ("raise SystemExit(6)", "left with status 6: without a word"),
    ],
)
def test_what_fails_is_not_measured_and_says_why(script: str, problem: str) -> None:
    assert rehearse([sys.executable, "-S", "-c", script]) == problem


def test_what_cannot_be_started_says_why() -> None:
    found = in_turn({"none": ["/nonexistent"], "quick": QUICK}, 2)
    assert found["failed"] == {"none": "cannot be started (No such file or directory)"}
    assert len(found["runs"]["quick"]) == 2  # type: ignore[index]


@pytest.mark.skipif(sys.platform == "win32", reason="memory is not measured there")
def test_a_process_is_measured_without_the_memory_of_its_maker() -> None:
    ballast = bytearray(b"x" * (200 << 20))  # in this process
    sixty = [sys.executable, "-S", "-c", "x = b'x' * (60 << 20)"]
    done = subprocess.run(
        child.module_command("bench.meter"),
        input=json.dumps(
            {"commands": {"quick": QUICK, "sixty": sixty}, "rounds": 1,
             "environment": child.environment()}
        ).encode(),
        env=child.own_environment(),
        stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    ((_, _, quick),), ((_, _, most),) = json.loads(done.stdout)["runs"].values()
    assert len(ballast) == 200 << 20
    # How much a Python takes by itself depends on its version, the system and the processor.
    assert quick is None or quick < 100
    assert 60 < most < 160


def test_wall_time_is_in_milliseconds() -> None:
    wall, _, _ = measure([sys.executable, "-S", "-c", "import time; time.sleep(0.1)"])
    assert 100 <= wall < 60_000
