"""Damaged and hostile films and bundles by the thousand: each gets an answer or an error of ours.

    python tests/fuzz/run.py films --count 50000 --seed 1
    python tests/fuzz/run.py structures --count 20000 --seed 1
    python tests/fuzz/run.py bundles --count 20000 --seed 1
    python tests/fuzz/run.py audit --count 20000 --seed 1
    python tests/fuzz/run.py dicom --count 20000 --seed 1
    python tests/fuzz/run.py http --count 20000 --seed 1
    python tests/fuzz/run.py receipts --count 20000 --seed 1
    python tests/fuzz/run.py repositories --count 5000 --seed 1
    python tests/fuzz/run.py models --count 1000 --seed 1

Cases run in processes of their own. Counted are crashes, exceptions that are not ours, cases over
2 s of processor time, and processes over 300 MiB; for models, which are exported by TensorFlow,
60 s and 3 GiB. Whatever is found lies in `--corpus` afterwards,
one file each. The same seed gives the same cases.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from random import Random
from typing import cast

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path[:0] = [
        str(HERE.parent / "support"), str(HERE.parent), str(HERE.parents[1] / "runtime"),
        str(HERE.parents[1] / "export"),
    ]  # fmt: skip

MOST_SECONDS, MOST_MEMORY = 2.0, 300 << 20
PATIENCE = 120  # seconds of wall time without a word before a worker is taken for hung
RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes that ru_maxrss counts by
LIMITS = 4 << 30  # address space, so that this machine survives what it finds

Case = Callable[[Random], tuple[bytes, Callable[[bytes], str]]]


def film_case() -> Case:
    """Return what damages films and runs them through the preprocessing."""
    from edge_runtime.bundle.records import IntendedUse
    from edge_runtime.errors import FilmError, Refusal
    from edge_runtime.film.preprocess import film_pixels, standard
    from fuzz.mutate import damaged, film_mutators
    from fuzz.seeds import dicoms, pictures
    from sample_bundle import sample_fields

    seeds = [*pictures(), *dicoms()]
    recipe = type(standard())(**{**standard().to_json(), "min_side": 8})
    use = IntendedUse(**sample_fields()["intended_use"])

    def judge(data: bytes) -> str:
        try:
            pixels = film_pixels(data, recipe, use)
        except Refusal as error:
            _one_line(error)
            return error.reason
        except FilmError as error:
            _one_line(error)
            return "error"
        assert len(pixels) == recipe.height * recipe.width * recipe.channels
        return "answered"

    def case(chance: Random) -> tuple[bytes, Callable[[bytes], str]]:
        seed = chance.choice(seeds)
        return bytes(damaged(seed, chance, seeds, film_mutators(seed))), judge

    return case


def structure_case() -> Case:
    """Return what writes films by the grammar of their format, and runs them likewise."""
    from fuzz.grammar import bmp, dicom, jpeg, png, pnm, tiff, webp

    _, judge = film_case()(Random(0))
    formats = (bmp, dicom, dicom, jpeg, png, pnm, tiff, tiff, webp)
    return lambda chance: (chance.choice(formats).file(chance), judge)


def bundle_case() -> Case:
    """Return what damages signed bundles and verifies them, as files, with their signatures."""
    from edge_runtime.bundle import verify_all
    from edge_runtime.errors import IntegrityError, NotABundle
    from edge_runtime.trust import require_signatures
    from fuzz.seeds import bundle
    from fuzz.signatures import damaged_signed_bundle

    seed = bundle()
    path = Path(tempfile.mkdtemp(prefix="fuzz-")) / "m.edge"

    def judge(data: bytes) -> str:
        path.write_bytes(data)
        try:
            found = verify_all(path)
            require_signatures(found)
        except (NotABundle, IntegrityError) as error:
            _one_line(error)
            return type(error).__name__
        # What is accepted is one encoding of what it holds: nothing was overlooked.
        found.manifest.to_bytes()
        return "accepted"

    return lambda chance: (damaged_signed_bundle(seed, chance), judge)


def elsewhere(module: str, function: str) -> Callable[[], Case]:
    """Return what gets a kind of case from another file of `fuzz`, once it is asked for."""
    return lambda: cast("Case", getattr(import_module(f"fuzz.{module}"), function)())


KINDS: dict[str, Callable[[], Case]] = {
    "archives": elsewhere("models", "archive_case"),
    "audit": elsewhere("trails", "trail_case"),
    "bundles": bundle_case,
    "dicom": elsewhere("nodes", "node_case"),
    "films": film_case,
    "http": elsewhere("pages", "page_case"),
    "models": elsewhere("models", "model_case"),
    "receipts": elsewhere("receipts", "receipt_case"),
    "repositories": elsewhere("repositories", "repository_case"),
    "structures": structure_case,
}
# TensorFlow's converter takes seconds, and its libraries much of the address space.
ALLOWANCE = {"models": 30, "archives": 30}


def _one_line(error: Exception) -> None:
    assert "\n" not in str(error), f"more than one line: {error!r}"
    assert len(str(error)) < 2000, "a line nobody reads to its end"


def work(kind: str, seed: str, start: int, step: int, count: int) -> None:
    """Run each `step`-th case from `start` on, and write a line before and after each."""
    room = LIMITS * ALLOWANCE.get(kind, 1)
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    case = KINDS[kind]()
    for index in range(start, count, step):
        data, judge = case(Random(f"{seed}:{index}"))
        _tell(index, "begun")
        found, seconds = watched(data, judge, MOST_SECONDS * ALLOWANCE.get(kind, 1))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT
        if memory > (MOST_MEMORY * 10 if kind in ALLOWANCE else MOST_MEMORY):
            _tell(index, f"memory: {memory >> 20} MiB, {found}", seconds, memory)
            return  # the peak of a process never falls again
        _tell(index, found, seconds, memory)


def watched(
    data: bytes, judge: Callable[[bytes], str], most: float | None = None
) -> tuple[str, float]:
    """Return what is said of one case and the seconds of processor time that took.

    Over `most` seconds, `MOST_SECONDS` where nothing is said, it hangs.
    """
    before = time.process_time()
    try:
        found = judge(data)
    except BaseException:
        found = "foreign: " + traceback.format_exc(limit=-3)
    seconds = time.process_time() - before
    hangs = seconds > (MOST_SECONDS if most is None else most)
    return (f"hang: {seconds:.1f} s, then {found}" if hangs else found), seconds


def _tell(*said: object) -> None:
    os.write(1, (json.dumps(said) + "\n").encode())


class Tally:
    """What came of all cases, and the finds among them."""

    def __init__(self, corpus: Path, kind: str, seed: str) -> None:
        self.outcomes: Counter[str] = Counter()
        self.finds: list[tuple[int, str]] = []
        self.slowest = 0.0
        self.memory = 0
        self._lock = threading.Lock()
        self._corpus, self._kind, self._seed = corpus, kind, seed
        self._case = KINDS[kind]()

    def add(self, index: int, found: str, seconds: float = 0.0, memory: int = 0) -> None:
        """Count one case; what should not be is written to the corpus."""
        kind = found.partition(":")[0]
        with self._lock:
            self.outcomes[kind] += 1
            self.slowest = max(self.slowest, seconds)
            self.memory = max(self.memory, memory)
            if kind in ("foreign", "hang", "memory", "crash"):
                self.finds.append((index, found))
                data, _ = self._case(Random(f"{self._seed}:{index}"))
                self._corpus.mkdir(parents=True, exist_ok=True)
                name = f"{self._kind}-{kind}-{self._seed}-{index}"
                (self._corpus / name).write_bytes(data)


def drive(tally: Tally, kind: str, seed: str, start: int, step: int, count: int) -> None:
    """Run a worker to its end, and a new one after each that crashed, hung or grew too large."""
    while start < count:
        line = [sys.executable, __file__, kind, "--seed", seed, "--count", str(count)]
        process = subprocess.Popen(
            [*line, "--worker", str(start), str(step)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        begun, silent = None, threading.Timer(PATIENCE, process.kill)
        silent.start()
        assert process.stdout is not None
        for said in map(json.loads, process.stdout):
            silent.cancel()
            silent = threading.Timer(PATIENCE, process.kill)
            silent.start()
            if said[1] == "begun":
                begun = said[0]
            else:
                tally.add(*said)
                start, begun = said[0] + step, None
        silent.cancel()
        status = process.wait()
        if begun is not None:
            tally.add(begun, f"crash: left with status {status}")
            start = begun + step
        elif status:
            raise SystemExit(f"a worker left with status {status} before its first case")


def main() -> int:
    """Carry out the command line, and return 1 if anything was found."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("kind", choices=KINDS)
    options.add_argument("--count", type=int, default=1000)
    options.add_argument("--seed", default="1")
    options.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options.add_argument("--corpus", type=Path, default=Path("fuzz-corpus"))
    options.add_argument("--worker", type=int, nargs=2, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.worker:
        start, step = given.worker
        work(given.kind, given.seed, start, step, given.count)
        return 0
    started = time.perf_counter()
    tally = Tally(given.corpus, given.kind, given.seed)
    threads = [
        threading.Thread(
            target=drive,
            args=(tally, given.kind, given.seed, index, given.workers, given.count),
        )
        for index in range(given.workers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    lines = [
        f"{given.count} damaged {given.kind}, seed {given.seed}, {seconds:.0f} s",
        ", ".join(f"{name} {count}" for name, count in tally.outcomes.most_common()),
        f"slowest {tally.slowest:.2f} s, largest process {tally.memory >> 20} MiB",
        *(f"case {index}: {found}" for index, found in sorted(tally.finds)[:50]),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    if sum(tally.outcomes.values()) != given.count:
        raise SystemExit("not every case was run")
    return 1 if tally.finds else 0


if __name__ == "__main__":
    sys.exit(main())
