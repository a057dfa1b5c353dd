"""Whole processes on a bundle whose graph was changed and whose digests were made right again.

    python tests/fuzz/graph_bundles.py BUNDLE --count 500 [--seed 1] [--commands NAME...]

Counted are the exit statuses of `edge-run`, those it documents and no others; signals, processes
over 2 s of processor time or over 300 MiB above the same command on the bundle as it is, more than
one line on stderr, and a `doctor` that says films can be classified with a graph that is refused.
"""

# The folders are told before what lies in them is imported.
# ruff: noqa: E402

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path[:0] = [
        str(HERE.parent), str(HERE.parent / "support"), str(HERE.parents[1] / "runtime"),
    ]  # fmt: skip

from edge_runtime.bundle import open_bundle
from edge_runtime.bundle.pack import write_bundle
from fuzz.graphs import MOST_MEMORY, MOST_SECONDS, Seed, accepted, mutant, seed
from tiny_bundle import command, environment

DOCUMENTED = {0, 3, 4, 5, 6, 7}
"""What `edge-run` may leave with, beside 1, 2 and what is no matter of a graph."""
_OURS = ("schema", "identity", "files")  # what `write_bundle` adds


class Repacked:
    """A bundle that is written again with other graphs."""

    def __init__(self, path: Path) -> None:
        """Read all of the bundle at `path`."""
        with open_bundle(path) as bundle:
            document = bundle.manifest.to_json()
            self.members = {name: bytes(bundle.read(name)) for name in bundle.manifest.files}
        self.fields = {key: value for key, value in document.items() if key not in _OURS}
        self.graphs = {graph["format"]: graph["file"] for graph in document["graphs"]}

    def write(self, path: Path, graphs: dict[str, bytes]) -> None:
        """Write the bundle with `graphs`, by file, in place of its own."""
        write_bundle(path, self.fields, {**self.members, **graphs})


def outcome(arguments: list[str], folder: Path) -> tuple[int, float, int, bytes, bytes]:
    """Return status, seconds of processor time, most bytes, stdout and stderr of `edge-run`."""
    places = [folder / "out", folder / "err"]
    with places[0].open("wb") as out, places[1].open("wb") as err:
        child = subprocess.Popen(command(*arguments), stdout=out, stderr=err, env=environment())
        _, ended, used = os.wait4(child.pid, 0)
    child.returncode = status = os.waitstatus_to_exitcode(ended)
    said = places[0].read_bytes(), places[1].read_bytes()
    return status, used.ru_utime + used.ru_stime, used.ru_maxrss << 10, *said


def run(
    path: Path, count: int, chance: Random, commands: list[str], kept: Path, most: float = math.inf
) -> Counter[str]:
    """Return how often each command ended in each way, up to `most` seconds.

    Mutants on which one ends in a way that should not be are `kept`.
    """
    started = time.monotonic()
    repacked, outcomes = Repacked(path), Counter[str]()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        film = folder / "film.png"
        film.write_bytes(repacked.members["golden/0.png"])
        seeds = _seeds(repacked)
        base = {name: outcome(_line(name, path, film), folder) for name in commands}
        for number in range(count):
            if time.monotonic() - started > most:
                break
            one = chance.choice(seeds)
            data = bytearray(one.data)
            for at, new in mutant(one, chance):
                data[at : at + len(new)] = new
            bundle = folder / "mutant.edge"
            bundle.unlink(missing_ok=True)
            repacked.write(bundle, {repacked.graphs[one.form]: bytes(data)})
            sound = accepted(one, memoryview(data))
            for name in commands:
                found = outcome(_line(name, bundle, film, one.form), folder)
                words = _judged(name, found, base[name], sound=sound)
                outcomes[f"{name}: {words}"] += 1
                if not words.startswith("status"):
                    kept.mkdir(parents=True, exist_ok=True)
                    (kept / f"{name}.{number}.{one.form}").write_bytes(data)
                    sys.stderr.write(f"{name} {number}: {words} {found[4].decode()[-400:]}\n")
    return outcomes


def _seeds(repacked: Repacked) -> list[Seed]:
    return [seed(file, repacked.members[file]) for file in repacked.graphs.values()]


def _line(name: str, bundle: Path, film: Path, form: str = "tflite") -> list[str]:
    engine = ["--engine", "onnxruntime"] if form == "onnx" else []
    if name == "classify":
        return ["classify", "--bundle", str(bundle), *engine, str(film)]
    return ["check", str(bundle), *engine] if name == "check" else ["doctor", str(bundle)]


def _judged(
    name: str, found: tuple[int, float, int, bytes, bytes],
    base: tuple[int, float, int, bytes, bytes], *, sound: bool,
) -> str:  # fmt: skip
    """Return `status N`, or what is wrong."""
    status, seconds, memory, out, err = found
    lines = [line for line in err.splitlines() if not line.startswith(b"research use")]
    can = b"this machine can classify\n" in out if name == "doctor" else status != 3
    wrong = {
        f"signal {-status}": status < 0,
        f"undocumented status {status}": status not in DOCUMENTED or b"Traceback" in err,
        f"hang of {seconds:.1f} s": seconds > base[1] + MOST_SECONDS,
        f"memory of {memory >> 20} MiB": memory > base[2] + MOST_MEMORY,
        "more than one line": name != "doctor" and status in (3, 4) and len(lines) > 1,
        f"a graph that is refused, yet {status}": not sound and can,
    }
    return next((words for words, holds in wrong.items() if holds), f"status {status}")


def main() -> int:
    """Carry out the command line, and return 1 if anything was found."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("bundle", type=Path)
    options.add_argument("--count", type=int, default=50)
    options.add_argument("--seed", default="1")
    options.add_argument("--minutes", type=float, default=math.inf, help="stop after so many")
    options.add_argument("--kept", type=Path, default=Path("fuzz-corpus"))
    options.add_argument("--commands", nargs="+", default=["classify", "check", "doctor"])
    given = options.parse_args()
    chance, most = Random(given.seed), 60 * given.minutes
    outcomes = run(given.bundle, given.count, chance, given.commands, given.kept, most)
    for words, number in sorted(outcomes.items()):
        sys.stdout.write(f"{number:6} {words}\n")
    return 1 if any(": status" not in words for words in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
