"""Time and memory of `edge-kit fleet report` on many simulated boxes, as docs/figures.md has them.

    PYTHONPATH=tests/support python benchmarks/fleet.py --boxes 1000 --receipts 52

Every box has a key of its own and signs each receipt; of a hundred boxes six are wrong in a way of
their own. The report runs in a process of its own, three times as HTML and once as JSON.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from simulated_boxes import write_fleet


def main() -> None:
    """Write the receipts, report on them, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--boxes", type=int, default=1000)
    parser.add_argument("--receipts", type=int, default=52, help="of each box; default 52")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "receipts"
        folder.mkdir()
        began = perf_counter()
        wrong = write_fleet(folder, options.boxes, options.receipts)
        made = perf_counter() - began
        sizes = [path.stat().st_size for path in folder.iterdir()]
        concerned = sum(len(numbers) for kind, numbers in wrong.items() if kind)
        print(f"{len(sizes)} files, {sum(sizes) / 1e6:.1f} MB, made in {made:.0f} s; "
              f"{concerned} of {options.boxes} boxes are wrong\n")  # fmt: skip
        print("| report | seconds | of them at work | memory, MiB | its file, MB |")
        print("|---|---|---|---|---|")
        for form in ("html", "html", "html", "json"):
            out = Path(name) / f"fleet.{form}"
            seconds, busy, memory = report(folder, out, form)
            size = out.stat().st_size / 1e6
            print(f"| {form} | {seconds:.1f} | {busy:.1f} | {memory:.0f} | {size:.1f} |")


def report(folder: Path, out: Path, form: str) -> tuple[float, float, float]:
    """Return seconds, those of the processor, and the largest memory in MiB, start included."""
    words = ["fleet", "report", str(folder), "--out", str(out), "--format", form]
    script = "from edge_kit.cli import run; import sys; sys.exit(run(sys.argv[1:]))"
    began = perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-c", script, *words], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 1):  # 1: some of the boxes are wrong
        raise SystemExit(f"the report left with {child.returncode}")
    return perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
