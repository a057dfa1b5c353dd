"""Does a training that is killed end as one that was left alone?

Trains a small network with dropout on generated films, undisturbed; then again, with `kill -9` at
random moments from the start of the process to its end, and `--resume` after each. A training that
is finished before all kills are spent is followed by another. All files of the run have to be the
same, byte for byte, but the record of its time.

    python benchmarks/kill.py [--kills 10] [--epochs 150] [--seed 0]
"""

from __future__ import annotations

import argparse
import csv
import random
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from edge_export.films.phantom_set import write_phantoms

EDGE_KIT = str(Path(sys.executable).with_name("edge-kit"))
SAME = ("model.keras", "history.csv", "metrics.json", "splits.csv", "config.json", "curves.png")
NETWORK = """
def small(height, width, channels):
    from keras import Input, Sequential, layers
    return Sequential([
        Input((height, width, channels)),
        layers.Rescaling(1 / 255),
        layers.AveragePooling2D(4),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(4),
        layers.Flatten(),
        layers.Dropout(0.25),
        layers.Dense(16, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    ])
"""


def main() -> None:
    """Print a line for each kill, and the verdict; exit 1 unless all is the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_phantoms(folder / "films", count=28, seed=options.seed)
        (folder / "network.py").write_text(NETWORK, "utf-8")
        command = train(folder, options.epochs)
        subprocess.run([*command, folder / "warm"], check=True, capture_output=True)
        started = perf_counter()
        subprocess.run([*command, folder / "alone"], check=True, capture_output=True)
        seconds = perf_counter() - started
        print(f"undisturbed: {options.epochs} epochs, {seconds:.1f} s in all", flush=True)
        runs = killed(command, folder, options.kills, random.Random(options.seed), seconds)
        failed = [run for run in runs if not same(folder / "alone", run, options.epochs)]
        left = sorted(path.name for path in folder.iterdir() if path.name.startswith("."))
        print(
            f"{options.kills} kills, {len(runs)} trainings, {len(failed)} differ, left over: {left}"
        )
        raise SystemExit(bool(failed or left))


def train(folder: Path, epochs: int) -> list[str]:
    """Return the command line of the training, all but the folder it is written to."""
    return [
        *(EDGE_KIT, "train", "--data", str(folder / "films"), "--epochs", str(epochs)),
        *("--model", f"{folder / 'network.py'}:small", "--cache", str(folder / "cache")),
        *("--batch-size", "8", "--resume", "--out"),
    ]


def killed(
    command: list[str], folder: Path, kills: int, draw: random.Random, most: float
) -> list[Path]:
    """Kill trainings at random moments and resume them; return the runs that are finished.

    A moment that comes after the end of a training is no kill, and is drawn again.
    """
    runs, done = [folder / "killed-1"], 0
    while done < kills:
        if runs[-1].exists():
            runs.append(folder / f"killed-{len(runs) + 1}")
        seconds = draw.uniform(0, most)
        process = subprocess.Popen(
            [*command, runs[-1]], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        _, said = process.communicate()
        epochs = [line.split(":")[0] for line in said.splitlines() if line.startswith("epoch ")]
        told = f"{epochs[0]} to {epochs[-1]}" if epochs else "no epoch"
        done += process.returncode == -signal.SIGKILL
        what = f"kill {done}" if process.returncode < 0 else f"ended, status {process.returncode}"
        print(f"after {seconds:.1f} s: {what}, {told}", flush=True)
    subprocess.run([*command, runs[-1]], check=True, capture_output=True)
    return runs


def same(alone: Path, run: Path, epochs: int) -> bool:
    """Tell whether a run is that of the undisturbed training, with every epoch once."""
    with (run / "history.csv").open(encoding="utf-8", newline="") as stream:
        once = [row["epoch"] for row in csv.DictReader(stream)]
    return once == [str(epoch) for epoch in range(1, epochs + 1)] and all(
        (alone / name).read_bytes() == (run / name).read_bytes() for name in SAME
    )


if __name__ == "__main__":
    main()
