"""Whatever ends a sweep, resuming it ends with each trial once, and trains nothing twice.

Trainings and exports take a moment here (`sweeps.FAKE`); driver, processes and files are real.
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from sweeps import command, document, environment, lasting, lay_out, lines_of, run_sweep

PLAN = """\
data = "xray"
models = ["model3"]
folds = 2
recipes = ["static_wi8_ai8", "float16"]
latency = false
retries = 1
side = 64
"""


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plan of a sweep that was carried out without an interruption."""
    plan = lay_out(tmp_path_factory.mktemp("films"), plan=PLAN, films=72)
    done = whole(plan, environment(plan.parent / "fake"))
    assert done.returncode == 0, done.stderr
    return plan


@pytest.fixture
def plan(straight: Path, tmp_path: Path) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(PLAN.replace('"xray"', f'"{straight.parent / "xray"}"'))
    return path


def begun(plan: Path) -> list[str]:
    done = plan.parent / "done.txt"
    return done.read_text().splitlines() if done.exists() else []


def whole(plan: Path, env: Mapping[str, str], *more: str) -> subprocess.CompletedProcess[str]:
    return run_sweep(plan, "--out", plan.parent / "out", "--workers", 2, *more, env=env)


def test_a_driver_killed_at_random_moments_loses_what_runs_at_most(
    plan: Path, straight: Path
) -> None:
    env = environment(plan.parent / "fake", SLOW="0.8")
    out, moments, kills = plan.parent / "out", random.Random(7), 0
    for _ in range(3):
        process = subprocess.Popen(
            command(plan, "--out", out, "--workers", 2, "--resume"),
            env=env,
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            process.wait(moments.uniform(2.5, 6.0))
        except subprocess.TimeoutExpired:
            kills += 1
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert kills
    done = whole(plan, env, "--resume")
    assert done.returncode == 0, done.stderr
    assert sorted(begun(plan)) == ["m1-fold1-seed0", "m1-fold2-seed0"]
    assert lasting(out) == lasting(straight.parent / "out")
    assert len({row["name"] for row in lines_of(out)}) == len(lines_of(out)) == 4


def test_what_fails_is_tried_again_and_then_told(plan: Path, straight: Path) -> None:
    broken = {
        "m1-fold1-seed0-float16": "always",
        "m1-fold2-seed0-float16": "killed",
        "m1-fold2-seed0-static_wi8_ai8-min_max": "once",
    }
    words = " ".join(f"{name}={how}" for name, how in broken.items())
    done, out = whole(plan, environment(plan.parent / "fake", BROKEN=words)), plan.parent / "out"
    assert done.returncode == 9
    assert "2 of 4 trials failed" in done.stderr.splitlines()[-1]
    tried = {row["name"]: (row["outcome"], row["tries"], row["reason"]) for row in lines_of(out)}
    first, second, third = (tried.pop(name) for name in broken)
    assert first[:2] == second[:2] == ("failed", 2)
    assert "graph: does not convert" in first[2]
    assert second[2] == "its process crashed (SIGKILL)"
    assert third == ("done", 2, "")
    assert list(tried.values()) == [("done", 1, "")]
    assert [begun(plan).count(f"tried {name}") for name in broken] == [2, 2, 2]
    page = (out / "sweep.html").read_text()
    assert "its process crashed (SIGKILL)" in page
    off = document(out)["configurations"][1]
    assert (off["on_front"], off["why_not"]) == (False, "2 of 2 trials failed")
    again = whole(plan, environment(plan.parent / "fake"), "--resume", "--again")
    assert again.returncode == 0, again.stderr
    assert sorted(begun(plan))[:2] == ["m1-fold1-seed0", "m1-fold2-seed0"]
    assert len(lines_of(out)) == 4
    assert {row["auc"] for row in lines_of(out)} == {
        row["auc"] for row in lines_of(straight.parent / "out")
    }


def test_damage_is_noticed_and_another_plan_refused(plan: Path, straight: Path) -> None:
    env, out = environment(plan.parent / "fake"), plan.parent / "out"
    shutil.copytree(straight.parent / "out", out)
    record, graph = sorted(out.glob("trials/*.json"))[0], sorted(out.glob("trials/*.graph"))[-1]
    record.write_bytes(record.read_bytes().replace(b"0.", b"1.", 1))
    graph.write_bytes(b"x" + graph.read_bytes()[1:])
    done = whole(plan, env, "--resume")
    assert done.returncode == 0, done.stderr
    assert f"{record}: is not the record that was written" in done.stderr
    assert f"{graph}: is not the graph that was written" in done.stderr
    assert "2 of them done before" in done.stderr
    assert lasting(out) == lasting(straight.parent / "out")
    fresh = whole(plan, env)
    assert (fresh.returncode, "holds a sweep already" in fresh.stderr) == (10, True)
    plan.write_text(plan.read_text().replace("folds = 2", "folds = 3"))
    other = whole(plan, env, "--resume")
    assert other.returncode == 2
    assert other.stderr.splitlines()[-1].startswith(
        f"edge-kit: {out}: was begun by another plan (other: folds)"
    )


def test_an_interruption_is_one_line_and_leaves_no_process(plan: Path) -> None:
    env = environment(plan.parent / "fake", SLOW="60")
    out = plan.parent / "out"
    process = subprocess.Popen(
        command(plan, "--out", out, "--workers", 2), env=env, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while len(list(out.glob("runs/*.lock"))) < 2:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "edge-kit: interrupted"
    assert "Traceback" not in said
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
            where = (path.parent / "environ").read_bytes()
        except OSError:
            continue
        assert b"sweeping.worker" not in words or str(plan.parent).encode() not in where
