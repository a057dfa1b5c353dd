"""`edge-kit data scan`: what a folder of films holds twice, before anybody splits it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from edge_kit.arguments import Parser, data_options
from edge_kit.console import say, write
from edge_runtime.errors import FilmError

HELP = "look at a folder of films before training"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="ACTION", parser_class=Parser
    )
    scan = actions.add_parser("scan", help="find copies and write the groups no split may part")
    scan.add_argument("data", type=Path, metavar="DIR", help="folder of films")
    scan.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="a new folder")
    scan.add_argument("--positive", default="covid", metavar="CLASS", help="default covid")
    scan.add_argument("--format", choices=("table", "json"), default="table", help="of the counts")
    data_options(scan)


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    from edge_kit.data.scan_report import counts, require_new, write_scan
    from edge_kit.data.survey import survey

    require_new(options.out)
    scan = survey(options.data, modality=options.modality, positive=options.positive)
    write_scan(scan, options.data, options.out)
    numbers = counts(scan)
    if options.format == "json":
        write(json.dumps(numbers) + "\n")
    else:
        for name, number in numbers.items():
            write(f"{name.replace('_', ' '):<24} {number:>7}\n")
    say(f"wrote {options.out}/report.html and {options.out}/groups.csv")
    if scan.unreadable:
        first, number = scan.unreadable[0], len(scan.unreadable)
        problem = f"{first.problem} ({number} unreadable in all, the others were scanned)"
        if not options.skip_unreadable:
            raise FilmError(first.subject, problem, first.cure)
        say(f"warning: {first.subject} {problem}")
