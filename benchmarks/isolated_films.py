"""What it costs to read films in processes of their own: `classify --isolated` beside `classify`.

Whole processes over the same films, one after the other in pairs; of each pair, the ratio of the
time on the clock. The first films pay for the start of the processes, so it is measured with few
and with many.

    python benchmarks/isolated_films.py --bundle models/model3-xray-0.2.2.edge \\
        --films ../shared/data/xray
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

KINDS = {".png", ".jpg", ".jpeg", ".dcm"}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--films", type=Path, required=True)
    parser.add_argument("--counts", type=int, nargs="+", default=[50, 1000], metavar="FILMS")
    parser.add_argument("--pairs", type=int, default=7)
    options = parser.parse_args()
    films = [film for film in sorted(options.films.rglob("*")) if film.suffix.lower() in KINDS]
    print("| films | pairs | seconds | isolated | ratio: median (least to greatest) |")
    print("|---|---|---|---|---|")
    for count in options.counts:
        print(row(options.bundle, films[:count], options.pairs))


def row(bundle: Path, films: list[Path], pairs: int) -> str:
    """Return a line of the table for these films."""
    with TemporaryDirectory() as folder:
        listed = Path(folder) / "films.txt"
        listed.write_text("\n".join(map(str, films)) + "\n", encoding="utf-8")
        command = [
            *(sys.executable, "-m", "edge_runtime", "classify", "--format", "csv"),
            *("--bundle", str(bundle), "--files-from", str(listed)),
        ]
        plain, isolated = [], []
        for _ in range(pairs):
            plain.append(seconds(command))
            isolated.append(seconds([*command, "--isolated"]))
    ratios = [one / other for one, other in zip(isolated, plain, strict=True)]
    middle = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    times = f"{statistics.median(plain):.2f} | {statistics.median(isolated):.2f}"
    return f"| {len(films)} | {pairs} | {times} | {middle} |"


def seconds(command: list[str]) -> float:
    """Return how long a command takes, whatever its films are answered."""
    started = time.perf_counter()
    ended = subprocess.run(
        command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    if ended.returncode not in (0, 5):
        sys.exit(f"{' '.join(command)} left with status {ended.returncode}")
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
