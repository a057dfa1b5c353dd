"""Plans of sweeps over drawn films, the command that carries them out, and what it left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from tiny_network import write_tiny_films

NETWORKS = """\
import keras
from keras import layers


def tiny(height, width, channels):
    body = [layers.Rescaling(1 / 255)]
    for _ in range(2):
        body += [layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(4)]
    body += [layers.Flatten(), layers.Dense(8, activation="relu")]
    head = layers.Dense(1, activation="sigmoid")
    return keras.Sequential([keras.Input((height, width, channels)), *body, head])


def blind(height, width, channels):
    body = [layers.Rescaling(0.0), layers.Flatten()]
    head = layers.Dense(1, activation="sigmoid")
    return keras.Sequential([keras.Input((height, width, channels)), *body, head])
"""
"""A network that learns the sign in the tiny films, and one that sees nothing of them."""
PLAN = """\
data = "xray"
models = ["networks.py:tiny", "networks.py:blind"]
folds = 2
recipes = ["static_wi8_ai8", "float16"]
epochs = 5
learning_rate = 0.01
side = 64
film_gate = false
allow_calibration = ["few_films"]
retries = 0

[early_stopping]
grace_epochs = 1
reduction_factor = 2
"""
FAKE = """\
import os, sys
if "edge_kit.sweeping.worker" in " ".join(sys.orig_argv):
    import time
    from edge_export.statistics.estimates import Estimate
    from edge_kit.sweeping import trial, worker
    from edge_kit.sweeping.records import TrialFigures, run_of
    from edge_runtime.bundle.digest import sha256
    from edge_runtime.errors import DataError
    def note(bench, what):
        with (bench.out.parent / "done.txt").open("a") as log:
            print(what, file=log, flush=True)
    def require_run(bench, training):
        if run_of(bench.out, training).exists():
            return
        time.sleep(float(os.environ.get("SLOW", "0")))
        run_of(bench.out, training).mkdir()
        note(bench, training.name)
    def found(bench, one):
        time.sleep(float(os.environ.get("SLOW", "0")) / 2)
        at = f"{one.training.name} {one.configuration.recipe}"
        broken = dict(word.split("=") for word in os.environ.get("BROKEN", "").split())
        if how := broken.get(one.name):
            note(bench, f"tried {one.name}")
            once = bench.out.parent / "once"
            if how == "killed":
                os.kill(os.getpid(), 9)
            if how == "always" or not once.exists():
                once.touch() if how == "once" else None
                raise DataError("graph", "does not convert", "choose another")
        graph = at.encode()
        value = int(sha256(graph)[:4], 16) / 65536
        estimate = Estimate(value, value / 2, (1 + value) / 2, 10)
        return TrialFigures(estimate, estimate, estimate, "pass", (), "model.f16.tflite", "float16",
                     len(graph), sha256(graph), (64, 64, 1), "", 2), graph
    trial.Bench.require_run, trial.Bench.found = require_run, found
    worker.import_tensorflow = lambda: None
"""
"""A `sitecustomize` by which trainings and exports cost a moment: for what is around them.

SLOW are their seconds, BROKEN has TRIAL=HOW of what does not work: `once`, `always`, or `killed`.
"""


class Done(NamedTuple):
    """A plan, the folder of its sweep, what was said, and the networks that a kill left."""

    plan: Path
    out: Path
    stdout: str
    stderr: str
    models: Mapping[Path, int]


def lay_out(folder: Path, *, plan: str = PLAN, films: int = 96) -> Path:
    """Write films, networks and a plan into `folder`; return the plan's file."""
    folder.mkdir(parents=True, exist_ok=True)
    if films:
        write_tiny_films(folder / "xray", count=films)
    (folder / "networks.py").write_text(NETWORKS)
    path = folder / "plan.toml"
    path.write_text(plan)
    return path


def environment(fake: Path | None = None, **changes: str) -> dict[str, str]:
    """Return this environment with `changes`; into the folder `fake` goes a `sitecustomize`."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    if fake:
        fake.mkdir(exist_ok=True)
        (fake / "sitecustomize.py").write_text(FAKE)
        known["PYTHONPATH"] = str(fake)
    return {**known, **changes}


def command(*arguments: object) -> list[str]:
    """Return the command line of `edge-kit sweep` with `arguments`."""
    program = "import sys; from edge_kit.cli import main; sys.argv[0] = 'edge-kit'; main()"
    return [sys.executable, "-c", program, "sweep", *map(str, arguments)]


def run_sweep(
    *arguments: object, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `edge-kit sweep` to its end."""
    return subprocess.run(
        command(*arguments),
        env=env or environment(),
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


def document(out: Path) -> dict[str, Any]:
    """Return the JSON of a sweep's table."""
    content: dict[str, Any] = json.loads((out / "sweep.json").read_bytes())
    return content


def lasting(out: Path) -> dict[str, Any]:
    """Return the table without what differs from run to run: times, commands, what they choose."""
    content = document(out)
    timed = ("latency", "command", "commands", "why_not", "on_front", "winner")
    rows = [{k: v for k, v in row.items() if k not in timed} for row in content["configurations"]]
    return {"configurations": rows, "trials": content["trials"]}


def lines_of(out: Path) -> list[dict[str, Any]]:
    """Return the rows of the Parquet."""
    rows: list[dict[str, Any]] = pq.read_table(out / "sweep.parquet").to_pylist()
    return rows
