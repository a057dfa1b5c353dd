"""Fails a pipeline where an export is worse than the pipeline allows.

    python examples/check_report.py covid.report.json [--max-flips 0.005] [--allow-undecided]

`edge-kit export` itself leaves with 7 where parity failed. This asks for more than it does: a limit
of your own on flipped decisions. The exit status
is 0 where all holds, else 1.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def complaints(report: dict[str, Any], max_flips: float, *, undecided: bool) -> Iterator[str]:
    """Yield a line for each thing that the pipeline does not accept."""
    answer = report["verdict"]["answer"]
    if answer == "fail" or (answer == "undecided" and not undecided):
        yield f"verdict {answer}: " + "; ".join(report["verdict"]["reasons"])
    for fault in report["faults"]:
        if fault["name"] != "chance":
            yield fault["line"]
    for file, graph in report["artefacts"].items():
        if graph["shipped"]:
            agreement = report["matrix"]["keras"][file]
            share = agreement["flips"] / len(report["films"])
            if share > max_flips:
                yield f"{file} flips {share:.2%} of the decisions, at most {max_flips:.2%}"


def main() -> int:
    """Carry out the command line."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("report", type=Path, help="NAME.report.json beside the bundle")
    options.add_argument("--max-flips", type=float, default=0.005, help="a share, default 0.005")
    options.add_argument("--allow-undecided", action="store_true")
    chosen = options.parse_args()
    try:
        report = json.loads(chosen.report.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        sys.exit(f"{chosen.report}: cannot be read ({error})")
    found = list(complaints(report, chosen.max_flips, undecided=chosen.allow_undecided))
    for line in found or [f"{report['name']}: {report['verdict']['answer']}"]:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
