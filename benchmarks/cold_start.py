"""Cold start of `edge-run classify` on one film, whole process, from shell to answer.

Three commands in turn, A B C A B C ..., so that a slow moment of the machine hits all three:

    edge-run   edge-run classify FILM --bundle BUNDLE
    floor      Python and Pillow: decode and resize the film, nothing else
    customary  numpy, Pillow and ai_edge_litert.interpreter on the same int8 graph

Reported are the medians, and the median over rounds of the ratio within a round. The graph of the
customary script lies on the disk already unpacked, and it checks no digest.

A process starts with the memory of the one that made it, as far as the kernel's peak is concerned,
so this one stays small: films and graph are prepared by processes of their own.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FLOOR = """\
import sys
from PIL import Image
image = Image.open(sys.argv[1]).convert("L").resize((224, 224), Image.Resampling.BILINEAR)
image.tobytes()
"""
CUSTOMARY = """\
import sys
import numpy as np
from PIL import Image
from ai_edge_litert.interpreter import Interpreter
image = Image.open(sys.argv[1]).convert("L").resize((224, 224), Image.Resampling.BILINEAR)
interpreter = Interpreter(sys.argv[2])
interpreter.allocate_tensors()
pixels = np.asarray(image, np.uint8).reshape(1, 224, 224, 1)
interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pixels)
interpreter.invoke()
print(1 / (1 + np.exp(-interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))))
"""
EXTRACT = """\
import sys
from edge_runtime.bundle import open_bundle
open(sys.argv[2], "wb").write(open_bundle(sys.argv[1]).read("model.int8.tflite"))
"""
DRAW = """\
import sys
from PIL import Image, ImageFilter
for side, name in ((1024, "film-1024.png"), (2000, "film-2000.jpg")):
    grain = Image.effect_noise((side, side), 24).filter(ImageFilter.GaussianBlur(1))
    shape = Image.radial_gradient("L").resize((side, side))
    Image.blend(shape, grain, 0.3).save(f"{sys.argv[1]}/{name}")
"""
DEFAULT_BUNDLE = "models/model3-xray-0.1.0.edge"


@dataclass(frozen=True, slots=True)
class Run:
    """One process: wall and processor time in milliseconds, peak resident memory in MiB."""

    wall: float
    cpu: float
    peak: float


def main() -> None:
    """Print a table for each film."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--bundle", default=DEFAULT_BUNDLE)
    options.add_argument("--rounds", type=int, default=31)
    options.add_argument("film", nargs="*", help="default: a PNG of 1024 and a JPEG of 2000 pixels")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "model.tflite"
        python(EXTRACT, given.bundle, str(graph))
        films = given.film
        if not films:
            python(DRAW, folder)
            films = [str(Path(folder) / name) for name in ("film-1024.png", "film-2000.jpg")]
        for film in films:
            report(film, commands(film, given.bundle, graph), given.rounds)


def python(script: str, *arguments: str) -> None:
    """Run `script` in a process of its own."""
    subprocess.run([sys.executable, "-c", script, *arguments], check=True)


def commands(film: str, bundle: str, graph: Path) -> dict[str, list[str]]:
    """Return the three commands for one film."""
    edge_run = str(Path(sys.executable).with_name("edge-run"))
    return {
        "edge-run": [edge_run, "classify", film, "--bundle", bundle],
        "floor": [sys.executable, "-c", FLOOR, film],
        "customary": [sys.executable, "-c", CUSTOMARY, film, str(graph)],
    }


def report(film: str, by_name: dict[str, list[str]], rounds: int) -> None:
    """Run the commands in turn and print medians and ratios."""
    runs: dict[str, list[Run]] = {name: [] for name in by_name}
    for warm_up in range(-2, rounds):
        for name, command in by_name.items():
            run = measure(command)
            if warm_up >= 0:
                runs[name].append(run)
    print(f"{Path(film).name}, {rounds} rounds")
    print(f"{'':<10} {'wall ms':>8} {'cpu ms':>8} {'peak MiB':>9}  edge-run / this (wall, cpu)")
    for name, mine in runs.items():
        wall, cpu = (
            statistics.median(getattr(ours, what) / getattr(other, what)
                              for ours, other in zip(runs["edge-run"], mine, strict=True))
            for what in ("wall", "cpu")
        )  # fmt: skip
        print(
            f"{name:<10} {middle(mine, 'wall'):8.1f} {middle(mine, 'cpu'):8.1f} "
            f"{middle(mine, 'peak'):9.1f}  {wall:.2f}, {cpu:.2f}"
        )


def middle(runs: Sequence[Run], what: str) -> float:
    """Return the median of one figure."""
    return statistics.median(getattr(run, what) for run in runs)


def measure(command: Sequence[str]) -> Run:
    """Run a command to its end and return what the operating system says of it."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} left with status {process.returncode}")
    cpu = usage.ru_utime + usage.ru_stime
    return Run(1000 * wall, 1000 * cpu, usage.ru_maxrss / 1024)


if __name__ == "__main__":
    main()
