"""Mutants of graphs that know the structure: what is accepted has to be survived by every engine.

    python tests/fuzz/graphs.py FILE... --count 100000 [--minutes 30] [--seed 1] [--kept FOLDER]

A file is a graph (`.tflite`, `.onnx`) or a bundle, of which all graphs are taken.

A mutant changes one to three of the places that a reader looks at: fields of tables, offsets,
layouts, elements of vectors, tags and lengths, and constants that hold indices. Each goes through
the runtime's own check; what is accepted is opened and run in a child by each engine that is
installed. Signals, more than 2 s of processor time and more than 300 MiB over what the child began
with are faults; the mutants are kept in a folder.
"""

# The folders are told before what lies in them is imported.
# ruff: noqa: E402

from __future__ import annotations

import argparse
import math
import os
import resource
import struct
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path[:0] = [
        str(HERE.parent),
        str(HERE.parent / "support"),
        str(HERE.parents[1] / "runtime"),
    ]

from edge_runtime.bundle import open_bundle
from edge_runtime.engines import ENGINES, EngineUnavailable
from edge_runtime.engines.select import _load
from edge_runtime.errors import NotABundle
from edge_runtime.graphs import require_sound
from fuzz.graph_places import Place, onnx_places, pixels_of, tflite_places

MOST_SECONDS, MOST_MEMORY = 2, 300 << 20
NUMBERS = (0, 1, 2, 3, 4, 5, 7, 8, 16, 32, 64, 127, 128, 255, 256, 1000, 4096, 65535, 65536,
           1 << 20, 1 << 24, (1 << 31) - 1,
           1 << 31, (1 << 32) - 1, (1 << 32) - 2, 1 << 62)  # fmt: skip


@dataclass(frozen=True)
class Seed:
    """A graph that is right: its format, its bytes, its places and the pixels it takes."""

    name: str
    form: str
    data: bytes
    places: list[Place]
    pixels: tuple[int, ...]


def seeds_of(paths: list[Path]) -> list[Seed]:
    """Return the graphs in files, or in bundles, as seeds."""
    seeds = []
    for path in paths:
        if path.suffix != ".edge":
            seeds.append(seed(path.name, path.read_bytes()))
            continue
        with open_bundle(path) as bundle:
            files = [graph.file for graph in bundle.manifest.graphs]
            seeds += [seed(file, bytes(bundle.read(file))) for file in files]
    return seeds


def seed(name: str, data: bytes) -> Seed:
    """Return a graph, whose `name` ends with its format, as a seed."""
    form = name.rpartition(".")[2]
    places = tflite_places(data) if form == "tflite" else onnx_places(data)
    return Seed(name, form, data, places, pixels_of(data, form))


def mutant(seed: Seed, chance: Random) -> list[tuple[int, bytes]]:
    """Return the changes that make one mutant: where, and by which bytes."""
    changes = []
    for _ in range(chance.choice((1, 1, 1, 1, 2, 3))):
        if chance.random() < 0.04:
            at = chance.randrange(len(seed.data))
            changes.append((at, bytes([seed.data[at] ^ 1 << chance.randrange(8)])))
            continue
        at, size = chance.choice(seed.places)
        old = int.from_bytes(seed.data[at : at + size], "little")
        deed = chance.random()
        if deed < 0.25:
            new = old ^ 1 << chance.randrange(8 * size)
        elif deed < 0.5:
            new = old + chance.choice((-4, -2, -1, 1, 1, 2, 4))
        elif deed < 0.75:
            new = chance.choice(NUMBERS)
        elif deed < 0.95:
            other, length = chance.choice(seed.places)
            new = int.from_bytes(seed.data[other : other + min(size, length)], "little")
        else:
            new = int.from_bytes(
                struct.pack("<f", chance.choice((0.0, -1.0, 1e-40, 1e30))), "little"
            )
        changes.append((at, (new % (1 << 8 * size)).to_bytes(size, "little")))
    return changes


def accepted(seed: Seed, data: memoryview) -> bool:
    """Tell whether the runtime takes a graph."""
    try:
        require_sound(seed.form, data, seed.pixels, "a mutant")
    except NotABundle as error:
        assert "\n" not in str(error)
        return False
    return True


def installed(form: str) -> list[str]:
    """Return the engines for a format that are here, loaded so that a child need not."""
    found = []
    for name, (_, own, _) in ENGINES.items():
        if own == form:
            with suppress(ImportError, EngineUnavailable):
                with suppress(EngineUnavailable):
                    _load(name, memoryview(bytearray(64)), (1, 8, 8, 1))
                found.append(name)
    return found


def ran(engine: str, seed: Seed, data: bytes) -> str:
    """Return what became of a child that opened a mutant in an engine and ran it."""
    child = os.fork()
    if not child:
        status = 3
        with suppress(BaseException):
            resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS + 1))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            status = _answer(engine, seed, data)
            more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - begun) << 10
            status = 4 if more > MOST_MEMORY else status
        os._exit(status)
    _, ended = os.waitpid(child, 0)
    if os.WIFSIGNALED(ended):
        return f"signal {os.WTERMSIG(ended)}"
    return ("answered", "refused", "?", "foreign", "memory")[os.WEXITSTATUS(ended)]


def _answer(engine: str, seed: Seed, data: bytes) -> int:
    """Return 0 where an engine answers, 1 where it refuses."""
    pixels = bytes(seed.pixels[1] * seed.pixels[2] * seed.pixels[3])
    try:
        opened = _load(engine, memoryview(bytearray(data)), seed.pixels)
        opened.logits(pixels)
    except (EngineUnavailable, RuntimeError, OSError):
        return 1
    return 0


def run(
    seeds: list[Seed], count: int, chance: Random, kept: Path | None = None, most: float = math.inf
) -> Counter[str]:
    """Return how many mutants of `seeds` there were of each outcome, up to `most` seconds."""
    started = time.monotonic()
    outcomes: Counter[str] = Counter()
    engines = {form: installed(form) for form in {seed.form for seed in seeds}}
    copies = [bytearray(seed.data) for seed in seeds]
    for number in range(count):
        if time.monotonic() - started > most:
            break
        which = chance.randrange(len(seeds))
        one, data = seeds[which], copies[which]
        changes = mutant(one, chance)
        for at, new in changes:
            data[at : at + len(new)] = new
        taken = accepted(one, memoryview(data))
        outcomes[f"{one.form}: {'accepted' if taken else 'refused'}"] += 1
        for engine in engines[one.form] if taken and data != one.data else ():
            outcome = ran(engine, one, bytes(data))
            outcomes[f"{engine}: {outcome}"] += 1
            if outcome not in ("answered", "refused") and kept:
                kept.mkdir(parents=True, exist_ok=True)
                name = f"{outcome.replace(' ', '-')}.{engine}.{number}.{one.name}"
                (kept / name).write_bytes(data)
                sys.stderr.write(f"{name} {changes}\n")
        for at, new in changes:
            data[at : at + len(new)] = one.data[at : at + len(new)]
    return outcomes


def main() -> int:
    """Carry out the command line, and return 1 if anything was found."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("graphs", nargs="+", type=Path)
    options.add_argument("--count", type=int, default=1000)
    options.add_argument("--seed", default="1")
    options.add_argument("--minutes", type=float, default=math.inf, help="stop after so many")
    options.add_argument("--kept", type=Path, default=Path("fuzz-corpus"))
    given = options.parse_args()
    outcomes = run(
        seeds_of(given.graphs), given.count, Random(given.seed), given.kept, 60 * given.minutes
    )
    for name, number in sorted(outcomes.items()):
        sys.stdout.write(f"{number:8} {name}\n")
    bad = [name for name in outcomes if not name.endswith(("answered", "refused", "accepted"))]
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
