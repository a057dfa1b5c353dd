"""Two commands train one run and end where one is lost; TensorFlow exports what they trained."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from edge_kit.training.run import read_config
from films import write_film
from shared_trainings import free_port

pytestmark = pytest.mark.skipif(find_spec("jax") is None, reason="needs the extra jax")
EPOCHS, WAIT = 25, 20
NETWORK = """
import keras
from keras import layers

def tiny(height, width, channels):
    body = [layers.Rescaling(1 / 255), layers.AveragePooling2D(8), layers.Flatten(),
            layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")]
    return keras.Sequential([keras.Input((height, width, channels)), *body])
"""


def command(*words: object) -> list[str]:
    code = "from edge_kit.cli import main; main()"
    return [sys.executable, "-c", code, *map(str, words)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "KERAS_BACKEND": "torch"}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of films that the brightness of their middle shades tells apart."""
    folder = tmp_path_factory.mktemp("shared")
    for number in range(100):
        write_film(folder / "films" / "covid" / f"{number}.png", number, gamma=0.5)
        write_film(folder / "films" / "noncovid" / f"{number}.png", 1000 + number)
    (folder / "tiny.py").write_text(NETWORK, encoding="utf-8")
    return folder


class Pair:
    """The two processes of a training, each with what it has said so far."""

    def __init__(self, films: Path, *words: object) -> None:
        port = free_port()
        self.said = [films / f"said-{process}" for process in (0, 1)]
        self.processes = []
        for process, path in enumerate(self.said):
            line = command(
                *("train", "--data", films / "films", "--model", f"{films}/tiny.py:tiny"),
                *("--side", 64, "--batch-size", 16, "--epochs", EPOCHS, "--learning-rate", 0.01),
                *("--modality", "xray", "--no-film-gate", "--no-cache", "--out", films / "run"),
                *("--coordinator", f"127.0.0.1:{port}", "--processes", 2, "--process", process),
                *("--wait", WAIT, *words),
            )
            with path.open("wb") as stream:
                self.processes.append(
                    subprocess.Popen(line, env=environment(), stdout=stream, stderr=stream)
                )

    def ended(self) -> list[tuple[int, str]]:
        """Return status and last line of both, once they have ended."""
        try:
            statuses = [process.wait(timeout=900) for process in self.processes]
        finally:
            for process in self.processes:
                process.kill()
                process.wait()
        lines = [path.read_text("utf-8").splitlines()[-1] for path in self.said]
        return list(zip(statuses, lines, strict=True))


def member(process: subprocess.Popen[bytes]) -> int:
    """Return the process that `process` supervises."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("utf-8")
    return int(children.split()[0])


@pytest.fixture(scope="module")
def lost(films: Path) -> tuple[int, str, float]:
    """Return status, last line and seconds of a process whose only other one stands still."""
    pair = Pair(films)
    while "epoch 2/" not in pair.said[1].read_text("utf-8"):
        assert pair.processes[1].poll() is None, pair.said[1].read_text("utf-8")
        time.sleep(0.05)
    still = member(pair.processes[1])
    os.kill(still, signal.SIGSTOP)
    began = time.monotonic()
    status = pair.processes[0].wait(timeout=300)
    seconds = time.monotonic() - began
    pair.processes[1].kill()  # whose member reads of it
    os.kill(still, signal.SIGCONT)
    pair.processes[1].wait()
    return status, pair.said[0].read_text("utf-8").splitlines()[-1], seconds


@pytest.fixture(scope="module")
def run(films: Path, lost: object) -> Path:
    """Return the run that both processes ended after one had stood still."""
    del lost
    (status, line), (other_status, other_line) = Pair(films, "--resume").ended()
    assert (status, other_status) == (0, 0), (line, other_line)
    assert "continues after epoch " in (films / "said-1").read_text("utf-8")
    assert other_line == "process 1 of 2: has done its part; process 0 writes the run"
    return films / "run"


@pytest.mark.slow
def test_a_process_whose_other_one_stands_still_ends_with_a_line_within_its_time(
    lost: tuple[int, str, float],
) -> None:
    status, line, seconds = lost
    assert status == 1
    assert line.startswith("edge-kit: process 0 of 2: another process did not come, has ended, or ")
    assert "with --resume" in line
    assert seconds < 3 * WAIT


@pytest.mark.slow
def test_a_run_says_that_it_was_trained_by_several_processes_of_jax(run: Path) -> None:
    config = read_config(run)
    assert config.device == "JAX in 2 processes, 2 x cpu, float32"
    assert {"jax", "jaxlib", "keras", "tensorflow"} <= set(config.tools)
    assert config.epochs == EPOCHS
    record = json.loads((run / "record.json").read_text("utf-8"))
    assert record["packages"]["jax"] == config.tools["jax"]
    assert not (run.parent / ".run.partial").exists()


@pytest.mark.slow
def test_what_jax_trained_tensorflow_exports_and_proves(run: Path) -> None:
    bundle = run.parent / "shared.edge"
    done = subprocess.run(
        command(
            *("export", run, "--data", run.parent / "films", "--int8", "--recipe", "float32"),
            *("--out", bundle, "--max-uncertain", 1, "--format", "json"),
            *("--allow-calibration", "noise", "--max-flips", 0.05),
        ),
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["verdict"]["answer"] != "fail"
    assert bundle.is_file()
    plain = [part["rows"]["both"] for name, part in report["artefacts"].items() if ".f32." in name]
    assert len(plain) == 2
    for figures in plain:
        assert (figures["flips"], figures["n"]) == (0, 60)
        assert figures["largest_difference"] < 1e-4
