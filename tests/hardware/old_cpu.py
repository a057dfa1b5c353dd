"""A bundle's int8 graphs on an old x86 processor: do they decide as they do on this machine?

The same films go through the runtime twice, natively and under an emulated processor that has AVX2
and no VNNI, where pairs of int8 products are added in 16 bits unless one takes care. ONNX Runtime
is run as edge_runtime sets it up, and once more by its defaults, to show what that saves us from.

Exit statuses: 0 no decision moved and no probability by 1e-3 or more, 1 otherwise, 2 there is no
emulator or nothing to run.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from unittest.mock import patch

from edge_runtime.bundle import open_bundle
from edge_runtime.decide import calibrated
from edge_runtime.digest import sha256
from edge_runtime.engines import onnx_runtime, open_engine
from edge_runtime.manifest import Decision
from edge_runtime.preprocess import film_pixels
from edge_runtime.processor import features

ROOT = Path(__file__).resolve().parent.parent.parent
EMULATOR = "qemu-x86_64-static"
LARGEST = 1e-3  # difference of probability
VNNI = {"avx512_vnni", "avx_vnni"}
# What is run -> the engine; by its defaults, ONNX Runtime takes no precaution.
DEFAULTS = "onnxruntime by its defaults"
RUNS = {"litert": "litert", "onnxruntime": "onnxruntime", DEFAULTS: "onnxruntime"}


@dataclass(frozen=True, slots=True)
class Answers:
    """A processor's features, the digests of the films' pixels, and their logits by run."""

    features: list[str]
    pixels: list[str]
    logits: dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Difference:
    """Decisions that moved, and the largest differences of probability and logit."""

    flips: int
    probability: float
    logit: float

    def __str__(self) -> str:
        return f"{self.flips} | {self.probability:.2g} | {self.logit:.2g}"


def answers(path: Path, films: Sequence[str]) -> Answers:
    """Return what the processor of this process makes of `films`."""
    logits = {}
    with open_bundle(path) as bundle:
        pixels = [film_pixels(film, bundle.manifest.preprocess) for film in films]
        for run, name in RUNS.items():
            careless = patch.object(onnx_runtime, "_may_saturate", return_value=False)
            with careless if run == DEFAULTS else nullcontext():
                engine = open_engine(bundle, name)
            logits[run] = [engine.logits(one)[0] for one in pixels]
    return Answers(sorted(features() or ()), [sha256(one) for one in pixels], logits)


def answers_of(processor: Sequence[str], bundle: Path, films: Sequence[Path]) -> Answers:
    """Return what a process makes of `films` whose command line begins with `processor`."""
    # OpenBLAS dies when it is told to use a processor that is not there.
    kept = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    made = subprocess.run(
        [*processor, sys.executable, __file__, "--worker", "--bundle", str(bundle)],
        input="\n".join(map(str, films)), capture_output=True, text=True, check=False, env=kept,
    )  # fmt: skip
    if made.returncode:
        sys.exit(f"{made.stderr}it ended with status {made.returncode}: {' '.join(processor)}")
    return Answers(**json.loads(made.stdout))


def difference(one: Sequence[float], other: Sequence[float], decision: Decision) -> Difference:
    """Return how far the logits `other` are from `one`, film by film."""
    pairs = list(zip(one, other, strict=True))
    mapped = [[calibrated(logit, decision.calibration) for logit in pair] for pair in pairs]
    return Difference(
        flips=sum((a >= decision.threshold) != (b >= decision.threshold) for a, b in mapped),
        probability=max(abs(a - b) for a, b in mapped),
        logit=max(abs(a - b) for a, b in pairs),
    )


def real_films(folder: Path, modality: str) -> Iterator[Path]:
    """Yield the test films of `modality` that `manifest.csv` of `folder` lists, if it is there."""
    if (folder / "manifest.csv").is_file():
        with (folder / "manifest.csv").open(encoding="utf-8", newline="") as table:
            for row in csv.DictReader(table):
                if row["split"] == "test" and Path(row["path"]).parts[0] == modality:
                    yield folder / row["path"]


def draw_films(folder: Path, count: int) -> Iterator[Path]:
    """Draw `count` films that belong to nobody into `folder`."""
    from edge_export.phantom import phantom

    for seed in range(count):
        path = folder / f"{seed}.png"
        phantom(seed, positive=bool(seed % 2), size=(320, 256)).save(path)
        yield path


def main() -> int:
    """Print a table of what moved, and return the exit status."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--bundle", type=Path, default=ROOT / "models/model3-xray-0.1.0.edge")
    options.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    options.add_argument("--films", type=int, default=174, help="at most so many")
    options.add_argument("--cpu", default="Haswell", help=f"one of `{EMULATOR} -cpu help`")
    options.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.worker:
        json.dump(asdict(answers(given.bundle, sys.stdin.read().splitlines())), sys.stdout)
        return 0
    if shutil.which(EMULATOR) is None:
        sys.stderr.write(f"{EMULATOR} is missing: apt install qemu-user-static\n")
        return 2
    with open_bundle(given.bundle) as bundle, tempfile.TemporaryDirectory() as folder:
        decision, modality = bundle.manifest.decision, bundle.manifest.modality
        found = list(real_films(given.data, modality))[: given.films]
        films = found or list(draw_films(Path(folder), given.films))
        kind = f"{'real' if found else 'generated'} films"
        sys.stderr.write(f"{len(films)} {kind}, here and under -cpu {given.cpu}: minutes ...\n")
        here, started = answers_of([], given.bundle, films), time.monotonic()
        old = answers_of([EMULATOR, "-cpu", given.cpu], given.bundle, films)
        seconds = time.monotonic() - started
    found_differences = {
        # By its defaults it is held against the careful run: what does the default cost?
        run: difference(here.logits[name], old.logits[run], decision)
        for run, name in RUNS.items()
    }
    same = sum(a == b for a, b in zip(here.pixels, old.pixels, strict=True))
    sys.stdout.write(
        f"{len(films)} {kind}; here: {', '.join(here.features)}; emulated {given.cpu}: "
        f"{', '.join(old.features) or 'none of these'} ({seconds:.0f} s)\n\n"
        "| emulated against here | n | flips | largest dp | largest dlogit |\n"
        "|---|---|---|---|---|\n"
        f"| preprocessing | {len(films)} | {len(films) - same} films with other pixels | | |\n"
    )
    for run, one in found_differences.items():
        sys.stdout.write(f"| {run} | {len(films)} | {one} |\n")
    if VNNI.intersection(old.features):
        sys.stderr.write("the emulated processor has VNNI: this proves nothing\n")
        return 1
    kept = [one for run, one in found_differences.items() if run != DEFAULTS]
    right = all(not one.flips and one.probability < LARGEST for one in kept)
    return 0 if right and same == len(films) else 1


if __name__ == "__main__":
    sys.exit(main())
