"""What an export costs as the network, its input or the held-out films grow: time and memory.

    python benchmarks/export_scale.py network [PARAMETERS...]     default 10, 30 and 100 million
    python benchmarks/export_scale.py input [SIDE...]             default 256, 512 and 1024 pixels
    python benchmarks/export_scale.py films [COUNT...]            default 1000, 10000 and 100000

Each row is one `edge-kit export --int8` in a process of its own, of films that are drawn here, each
of them another. The networks are random but for their last layer, which is fitted to these films,
so that they decide, and what int8 may lose is left open: what an export costs does not depend on
weights, but remedies, which are tried where int8 fails, would. Seconds are those of the clock and
of the processor. Memory is the peak of what the process holds (`held`), and with the pages of files
that it has mapped, which the system takes back when it needs them (`with files`).
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

TRAINED, HELD_OUT = 300, 400
SIDE = 64  # of films, and of the input where that is not what grows
COLUMNS = ("path", "label", "split", "patient_id", "modality")
CLASSES = "noncovid", "covid"
# So that networks that nobody trained come to their end; the costs of remedies are another matter.
ALLOWED = (
    *("--max-flips", "1", "--max-auc-difference", "1", "--max-uncertain", "1", "--margin", "0.99"),
)
SIZES = {
    "network": (10_000_000, 30_000_000, 100_000_000),
    "input": (256, 512, 1024),
    "films": (1000, 10_000, 100_000),
}


def main() -> None:
    """Print one row for each size."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("what", choices=SIZES)
    options.add_argument("sizes", nargs="*", type=int)
    chosen = options.parse_args()
    print("| what | size | result | s, clock | s, processor | MiB held | MiB with files |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for size in chosen.sizes or SIZES[chosen.what]:
        with tempfile.TemporaryDirectory(prefix="edge-export-") as name:
            for row in measured(Path(name), chosen.what, size):
                print(row, flush=True)


def measured(folder: Path, what: str, size: int) -> list[str]:
    """Return a row for the export of one size, and one for its bundle in `edge-run`."""
    side = size if what == "input" else SIDE
    width = width_for(size) if what == "network" else 64
    held_out = size if what == "films" else HELD_OUT
    # In a process of its own, so that the memory of TensorFlow is free again.
    with ProcessPoolExecutor(1) as process:
        process.submit(draw, folder / "films", held_out, side).result()
        parameters = process.submit(build, folder / "model.keras", width, side, folder).result()
    label = f"{parameters / 1e6:.1f} M parameters" if what == "network" else f"{size:,}"
    bundle = folder / "model.edge"
    exported = peak(
        [*program("edge_kit.cli"), "export", folder / "model.keras", "--int8", "--out", bundle,
         "--classes", ",".join(CLASSES), "--input-range", "0,255", "--data", folder / "films",
         "--cache", folder / "cache", *ALLOWED],
        folder / "said",
    )  # fmt: skip
    film = next((folder / "films").glob("*/*.png"))
    rows = [f"| export, {what} | {label} | {exported} |"]
    if bundle.exists():
        answered = peak(
            [*program("edge_runtime.cli"), "classify", film, "--bundle", bundle], folder / "said"
        )
        mib = bundle.stat().st_size / 2**20
        rows.append(f"| edge-run classify of its bundle, {mib:.1f} MiB | {label} | {answered} |")
    return rows


def program(module: str) -> list[str]:
    """Return the command of a program of ours."""
    return [sys.executable, "-c", f"from {module} import main; main()"]


def width_for(parameters: int) -> int:
    """Return the width of the dense layers of a network of so many parameters."""
    # Flattened 16 x 16 x 16 values, then three layers: w * (4096 + 2 w) parameters, about.
    return int((-4096 + (4096**2 + 8 * parameters) ** 0.5) / 4)


def draw(folder: Path, held_out: int, side: int) -> None:
    """Write films of `side` pixels, each another, with their manifest."""
    generator = np.random.default_rng(0)
    with (folder_of(folder) / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        manifest = csv.writer(stream)
        manifest.writerow(COLUMNS)
        for number in range(TRAINED + held_out):
            positive = number % 2
            if number % 1000 == 0:
                folder_of(folder / f"{number // 1000:03}")
            path = f"{number // 1000:03}/{number:06}.png"
            drawn(generator, side, positive=bool(positive)).save(folder / path, compress_level=1)
            split = "train" if number < TRAINED else ("val", "test")[number // 2 % 2]
            manifest.writerow((path, CLASSES[positive], split, f"p{number}", "xray"))


def folder_of(path: Path) -> Path:
    """Make a folder, and return it."""
    path.mkdir(parents=True, exist_ok=True)
    return path


def drawn(generator: np.random.Generator, side: int, *, positive: bool) -> Image.Image:
    """Return a film: bright in the middle, soft shades of its own, and a spot if `positive`."""
    coarse = generator.integers(0, 80, (9, 9), np.uint8)
    soft = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    levels = np.asarray(soft, np.float32) + 120 * np.sin(np.pi * x) * np.sin(np.pi * y)
    levels += generator.normal(0, 3, (side, side)).astype(np.float32)
    if positive:
        levels += 60 * np.exp(-((x - 0.3) ** 2 + (y - 0.3) ** 2) / 0.01)
    return Image.fromarray(levels.clip(0, 255).astype(np.uint8))


def build(path: Path, width: int, side: int, folder: Path) -> int:
    """Write a network of `side` x `side` pixels, and return how many parameters it has."""
    from edge_export.quiet import import_tensorflow

    import_tensorflow()
    import keras

    keras.utils.set_random_seed(0)
    layers, image = keras.layers, keras.Input((side, side, 1))
    x, left = layers.Rescaling(1 / 255)(image), side
    while left > 16:
        x, left = layers.Conv2D(16, 3, 2, "same", activation="relu")(x), left // 2
    x = layers.Flatten()(x)
    for _ in range(3):
        x = layers.Dense(width, activation="relu")(x)
    body = keras.Model(image, x)
    head = layers.Dense(1, activation="sigmoid")
    model = keras.Model(image, head(x))
    head.set_weights(fitted(body, folder / "films", side))
    model.save(path)
    return int(model.count_params())


def fitted(body: Any, folder: Path, side: int) -> list[NDArray[np.float32]]:
    """Return weights and bias of the layer that tells the training films apart, by least squares.

    By ridge regression in its dual form, which inverts a matrix of the films.
    """
    from edge_runtime.film.preprocess import film_pixels, standard

    with (folder / "manifest.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["split"] == "train"]
    recipe = standard(side, side, 1)
    films = b"".join(film_pixels(str(folder / row["path"]), recipe) for row in rows)
    pixels = np.frombuffer(films, np.uint8).reshape(-1, side, side, 1).astype(np.float32)
    answers = np.array([3.0 if row["label"] == CLASSES[1] else -3.0 for row in rows])
    features = np.concatenate([body.predict(part, verbose=0) for part in np.split(pixels, 30)])
    mean, spread = features.mean(0), features.std(0) + 1e-6
    scaled = (features - mean) / spread / len(mean) ** 0.5
    dual = np.linalg.solve(scaled @ scaled.T + 0.1 * np.eye(len(scaled)), answers)
    weights = scaled.T @ dual / spread / len(mean) ** 0.5
    return [weights[:, None].astype(np.float32), np.array([-(mean @ weights)], np.float32)]


def peak(command: list[Any], said: Path) -> str:
    """Run a command, and return its outcome, its seconds and its peaks as cells of a table."""
    began, before, held, all_of_it = monotonic(), os.times(), 0, 0
    with said.open("wb") as stream:
        process = subprocess.Popen([*map(str, command)], stdout=stream, stderr=stream)
        while process.poll() is None:
            now = status(process.pid)
            held = max(held, now.get("RssAnon", 0))
            all_of_it = max(all_of_it, now.get("VmHWM", 0))
            sleep(0.01)
    after = os.times()
    processor = after[2] + after[3] - before[2] - before[3]  # of children that have ended
    lines = said.read_text(encoding="utf-8", errors="replace").splitlines() or ["nothing said"]
    outcome = "done" if process.returncode == 0 else f"status {process.returncode}: {lines[-1]}"
    seconds = f"{monotonic() - began:.1f} | {processor:.1f}"
    return f"{outcome} | {seconds} | {held >> 10} | {all_of_it >> 10}"


def status(pid: int) -> dict[str, int]:
    """Return the sizes in KiB that the system tells of a process; none where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines if line.endswith(" kB"))
    return {name: int(value.split()[0]) for name, _, value in pairs}


if __name__ == "__main__":
    main()
