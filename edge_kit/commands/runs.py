"""`edge-kit runs`: the runs below folders, side by side."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_kit.console import say, write
from edge_runtime.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edge_kit.training.runs import RunRow

HELP = "list training runs and compare them"
SORTS = ("run", "model", "seed", "data", "epochs", "val_auc", "test_auc", "seconds", "device")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "folders",
        type=Path,
        nargs="*",
        default=[Path("runs")],
        metavar="FOLDER",
        help="runs, or folders with runs below, default ./runs; runs alone are compared",
    )
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--sort", choices=SORTS, default="run", help="default run")


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    from edge_kit.training.run import is_run
    from edge_kit.training.runs import differences, find_runs, sort_runs

    rows = sort_runs(find_runs(options.folders, say), options.sort)
    compared = len(rows) > 1 and all(is_run(folder) for folder in options.folders)
    differing = differences([Path(row.run) for row in rows]) if compared else {}
    if options.format == "json":
        content: dict[str, Any] = {"runs": [asdict(row) for row in rows]}
        if compared:
            content["differences"] = differing
        write(json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n")
        return
    write(_columns([list(SORTS), *([_cell(getattr(row, name)) for name in SORTS] for row in rows)]))
    if compared:
        write("\n" + _differences(rows, differing))


def _differences(rows: Sequence[RunRow], differing: Mapping[str, Sequence[Any]]) -> str:
    if not differing:
        return "no difference in configuration or data\n"
    lines = [[name, *map(_cell, values)] for name, values in differing.items()]
    return _columns([["differs", *(printable(row.run) for row in rows)], *lines])


def _cell(value: Any) -> str:
    """Return a value for the table; a dash is what is not known."""
    if isinstance(value, float):
        return f"{value:g}"
    return "-" if value in (None, "") else printable(value)


def _columns(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = ("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
    return "\n".join(padded) + "\n"
