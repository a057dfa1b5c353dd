"""How long a scan takes of as many films as the studies had, most of them copies, as theirs were.

Augmented copies of the films of the data, in their class, fill a temporary folder. The time is that
of `edge-kit data scan` as a user gives it, from the command to the report; a process that only
decodes every film, as many at a time, is the floor beside it.

    python benchmarks/scan_speed.py --data ../shared/data [--films 17099]
"""

from __future__ import annotations

import argparse
import csv
import resource
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
from augmented_copies import KINDS, patient
from PIL import Image

from edge_kit.data.fingerprints import decode
from edge_kit.data.index import FilmEntry, index_films

EDGE_KIT = str(Path(sys.executable).with_name("edge-kit"))
ORIGINAL = "-original"


def main() -> None:
    """Write the films, scan them, and print what was found and how long it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--films", type=int, default=17_099)
    options = parser.parse_args()
    entries = index_films(options.data)
    with tempfile.TemporaryDirectory() as name:
        root, out = Path(name) / "films", Path(name) / "scan"
        for label in {entry.class_name for entry in entries}:
            (root / label).mkdir(parents=True)
        with ProcessPoolExecutor() as pool:
            write = partial(written, options.data, entries, root)
            paths = list(pool.map(write, range(options.films), chunksize=64))
            floor = timed(lambda: list(pool.map(decoded, paths, chunksize=64)))
        command = [EDGE_KIT, "data", "scan", str(root), "--out", str(out)]
        seconds = timed(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"{len(paths)} films of {len(entries)} originals: {seconds:.0f} s, "
              f"{seconds / floor:.2f} x decoding them alone ({floor:.0f} s), "
              f"largest process {used.ru_maxrss / 1e6:.2f} GB")  # fmt: skip
        print(grouped(out / "groups.csv", entries))


def written(data: Path, entries: Sequence[FilmEntry], root: Path, number: int) -> Path:
    """Write a film as it is, or once all are there, a copy of one of them."""
    turn, index = divmod(number, len(entries))
    entry = entries[index]
    stem = f"{index:05}-{turn:02}" if turn else f"{index:05}{ORIGINAL}"
    path = root / entry.class_name / f"{stem}.png"
    with Image.open(data / entry.name) as film:
        grey = film.convert("L")
    if turn:
        change = list(KINDS.values())[(turn + index) % len(KINDS)]
        grey = change(grey, np.random.default_rng(number))
    grey.save(path, compress_level=1)
    return path


def decoded(path: Path) -> None:
    """Decode a film as the scan does."""
    decode(path)


def grouped(table: Path, entries: Sequence[FilmEntry]) -> str:
    """Return how many copies are in their original's group, and what else was put together."""
    with table.open(encoding="utf-8", newline="") as stream:
        group = {Path(row["path"]).stem: row["group"] for row in csv.DictReader(stream)}
    originals = {name.removesuffix(ORIGINAL): of for name, of in group.items() if ORIGINAL in name}
    counts = Counter(
        group[name] == originals[name.split("-")[0]] for name in group if ORIGINAL not in name
    )
    together = Counter(originals.values())
    shared = sum(together[of] > 1 for of in originals.values())
    patients: defaultdict[str, set[str]] = defaultdict(set)
    for name, of in originals.items():
        patients[of].update({patient(entries[int(name)])} - {""})
    merged = {person for known in patients.values() if len(known) > 1 for person in known}
    return (
        f"{counts[True]} of {counts.total()} copies are in their original's group, "
        f"{shared} of {len(originals)} originals share theirs with another; patients merged with "
        f"others: {len(merged)} of {len(set().union(*patients.values()))}"
    )


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that `work` takes."""
    started = perf_counter()
    work()
    return perf_counter() - started


if __name__ == "__main__":
    main()
