"""What does mixed precision cost in accuracy, and what does it buy in time?

Trains a network from the same seeds in float32 and in the precision that this device gains by, and
prints AUC on validation and test films, their differences, and the ratio of the seconds.

    python benchmarks/precision.py --data ../shared/data [--model model3] [--seeds 3]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from time import perf_counter

from edge_export.films.film import HELD_OUT, SPLITS
from edge_export.films.labels import are_positive
from edge_export.quiet import import_tensorflow
from edge_kit.data.cache import default_cache
from edge_kit.data.dataset import Dataset, load_dataset
from edge_kit.data.reader import FilmReader
from edge_kit.models.registry import architecture
from edge_runtime.film.preprocess import standard


def main() -> None:
    """Print a line for each seed, and the differences."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--modality", default="xray")
    parser.add_argument("--model", default="model3")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    import_tensorflow()
    from edge_kit.training.device import FLOAT32, find_device

    fast = find_device().precision
    if fast == FLOAT32:
        raise SystemExit("this device trains in float32; there is nothing to compare")
    rows: list[tuple[float, ...]] = []
    for seed in range(options.seeds):
        dataset = load_dataset(options.data, modality=options.modality, seed=seed)
        slow, quick = (
            trained(dataset, options.model, seed, precision) for precision in (FLOAT32, fast)
        )
        for name, (seconds, *areas) in ((FLOAT32, slow), (fast, quick)):
            told = ", ".join(f"{s} {a:.4f}" for s, a in zip(HELD_OUT, areas, strict=True))
            print(f"seed {seed}, {name}: AUC {told}; {seconds:.0f} s", flush=True)
        rows.append(
            (slow[0] / quick[0], *(b - a for a, b in zip(slow[1:], quick[1:], strict=True)))
        )
    for name, values in zip(("seconds, ratio", *HELD_OUT), zip(*rows, strict=True), strict=True):
        every = ", ".join(f"{value:+.4f}" for value in values)
        print(f"{name}: median {statistics.median(values):+.4f} ({every})")


def trained(dataset: Dataset, name: str, seed: int, precision: str) -> tuple[float, ...]:
    """Return the seconds of a training, and the AUC on each held-out split."""
    import keras

    from edge_export.statistics.estimates import auc
    from edge_kit.training.device import find_device
    from edge_kit.training.feed import LabelledPixels
    from edge_kit.training.fit import fit
    from edge_kit.training.watch import predict

    network = architecture(name)
    size, rows = standard(channels=network.channels), {}
    for split in SPLITS:
        films = [film for film in dataset.films if film.split == split]
        positive = are_positive(films, dataset.positive)
        rows[split] = LabelledPixels(FilmReader(default_cache(), print).read(films, size), positive)
    keras.utils.set_random_seed(seed)
    model = network.build(size.height, size.width, size.channels)
    with tempfile.TemporaryDirectory() as folder:
        started = perf_counter()
        fit(
            *(model, rows["train"], rows["val"], network.recipe, {"model": name, "seed": seed}),
            device=find_device(precision),
            checkpoint=Path(folder) / "checkpoint.npz",
            out=Path(folder),
            say=lambda _: None,
        )
        seconds = perf_counter() - started
    areas = (
        auc(rows[split].positive, predict(model, rows[split].pixels)).value for split in HELD_OUT
    )
    return seconds, *areas


if __name__ == "__main__":
    main()
