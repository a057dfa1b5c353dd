"""How fast is a tray, beside `classify` on the same films, and what does it hold in memory?

In one run, in turn, each on a copy of its own: `edge-run watch --once --audit` from first to last
answer, and `edge-run classify --isolated --format csv`, which reads films as a tray does, and
without `--isolated`. Beside that, the resident memory of a watcher with 10,000 films at once.

    python benchmarks/tray_pace.py FILMS [BUNDLE] [--rounds 3] [--many 10000] [--work DIR]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EDGE_RUN = str(Path(sys.executable).with_name("edge-run"))
SHIPPED = "models/model3-xray-0.2.2.edge"
QUIET = 2.0


def main() -> None:
    """Print the rates and the memory as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("films", type=Path)
    parser.add_argument("bundle", nargs="?", default=SHIPPED)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--many", type=int, default=10_000)
    parser.add_argument("--work", type=Path, help="a folder on the disk that is to be measured")
    options = parser.parse_args()
    films = sorted(path for path in options.films.rglob("*") if path.is_file())
    rates: dict[str, list[float]] = {"watch": [], "classify --isolated": [], "classify": []}
    spent: dict[str, list[float]] = {name: [] for name in rates}
    # Nothing is removed before the end: ext4 is slow to make files where many were just removed.
    with tempfile.TemporaryDirectory(dir=options.work) as work:
        for number in range(options.rounds):
            for what, measured in rates.items():
                place = Path(work, f"{number}-{len(what)}")
                place.mkdir()
                began = processor_seconds()
                measured.append(rate_of(what, place, films, options.bundle))
                spent[what].append(processor_seconds() - began)
            last = {name: round(rate[-1], 1) for name, rate in rates.items()}
            print(json.dumps(last), flush=True)
    figures = {
        "films": len(films),
        "films_per_second": middles(rates),
        "processor_seconds": middles(spent),
        "watch_to": {
            name: round(
                statistics.median(ours / other for ours, other in zip(rates["watch"], rate,
                                                                     strict=True)), 3)
            for name, rate in rates.items() if name != "watch"
        },
    }  # fmt: skip
    if options.many:
        with tempfile.TemporaryDirectory(dir=options.work) as name:
            figures["memory_mib"] = memory(Path(name), films, options.bundle, options.many)
    print(json.dumps(figures, indent=2))


def rate_of(what: str, place: Path, films: list[Path], bundle: str) -> float:
    """Return the films a second of a command, on copies of `films` of its own."""
    name, *words = what.split()
    if name == "watch":
        return watched(place, films, bundle)
    return classified(place, films, bundle, words)


def middles(figures: dict[str, list[float]]) -> dict[str, float]:
    """Return the median of each."""
    return {name: round(statistics.median(values), 1) for name, values in figures.items()}


def processor_seconds() -> float:
    """Return the processor time of all processes that were started here, and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def copied(folder: Path, films: list[Path], count: int) -> Path:
    """Return a folder with so many copies of the films, each by a name of its own."""
    folder.mkdir()
    for number in range(count):
        film = films[number % len(films)]
        shutil.copyfile(film, folder / f"{number:05}{film.suffix}")
    os.sync()  # what else waits to be written is no work of either
    return folder


def watched(folder: Path, films: list[Path], bundle: str) -> float:
    """Return the films a second that a tray does with, from the end of the quiet time on."""
    tray = copied(folder / "tray", films, len(films))
    command = [EDGE_RUN, "watch", str(tray), "--bundle", bundle, "--once"]
    command += ["--quiet", str(QUIET), "--audit", str(folder / "trail.jsonl")]
    # What starts and is quiet is no work; a film whose end is in doubt waits, and is not counted.
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        results, times = tray / "results.csv", dict[int, float]()
        is_over = False
        while not is_over:
            is_over = process.poll() is not None  # then its last rows are there to be seen
            rows = results.read_bytes().count(b"\n") - 1 if results.exists() else 0
            if rows > 0:
                times.setdefault(rows, time.monotonic())
            time.sleep(0.05)
    most = int(0.95 * len(films))
    counts = sorted(times)
    first, last = counts[0], next(count for count in counts if count >= most)
    return (last - first) / (times[last] - times[first])


def classified(folder: Path, films: list[Path], bundle: str, words: list[str]) -> float:
    """Return the films a second of `classify`, between its first row and its last."""
    place = copied(folder / "films", films, len(films))
    command = [EDGE_RUN, "classify", str(place), "--bundle", bundle, "--format", "csv", *words]
    command += ["--engine", "litert"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        rows = process.stdout or ()
        moments = [time.monotonic() for line in rows if line.startswith(b'"')]
    return (len(moments) - 2) / (moments[-1] - moments[1])


def memory(folder: Path, films: list[Path], bundle: str, many: int) -> dict[str, float]:
    """Return the largest resident memory of a watcher, with 100 films and with `many` at once."""
    small = sorted(films, key=lambda film: film.stat().st_size)[:200]
    most: dict[str, float] = {}
    for count in (100, many):
        tray = copied(folder / f"tray-{count}", small, count)
        script = (
            "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        )
        command = [EDGE_RUN, "watch", str(tray), "--bundle", bundle, "--once", "--quiet", "1"]
        said = subprocess.run(
            [sys.executable, "-c", script, *command],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        most[str(count)] = round(int(said.stdout.split()[-1]) / 1024, 1)
    return most


if __name__ == "__main__":
    main()
