"""`edge-kit data`: what a folder of films holds twice, and a manifest of a published set."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from edge_kit.arguments import Parser, data_options, folders_argument, out_file
from edge_kit.console import refusing, say, saying, write
from edge_runtime.errors import FilmError

HELP = "look at a folder of films before training"
MODALITIES = ("xray", "ct", "other")
LAYOUTS = ("ieee8023", "nih", "covidx", "chexpert", "rsna", "radiography", "kaggle", "csv")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="ACTION", parser_class=Parser
    )
    scan = actions.add_parser("scan", help="find copies and write the groups no split may part")
    folders_argument(scan)
    scan.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="a new folder")
    scan.add_argument("--positive", metavar="CLASS", help="default covid")
    scan.add_argument("--format", choices=("table", "json"), default="table", help="of the counts")
    data_options(scan)
    _manifest_options(
        actions.add_parser("manifest", help="write the manifest.csv of a set as it is published")
    )


def _manifest_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Path, metavar="DIR", help="the set as it was unpacked")
    parser.add_argument(
        "--from",
        dest="layout",
        choices=LAYOUTS,
        required=True,
        help="how it was published; csv is any other table",
    )
    parser.add_argument(
        "--positive", required=True, metavar="FINDING,...", help="findings of the positive class"
    )
    parser.add_argument(
        "--negative", required=True, metavar="FINDING,...", help="findings of the negative class"
    )
    parser.add_argument(
        "--out", type=out_file, metavar="FILE", help="default DIR/manifest.csv; a new file"
    )
    parser.add_argument("--table", type=Path, metavar="CSV", help="default: the one CSV in DIR")
    for column in ("path", "label", "patient", "split", "view"):
        parser.add_argument(
            f"--{column}-column", metavar="NAME", help=f"of a csv: where the {column} stands"
        )
    parser.add_argument(
        "--modality", choices=MODALITIES, help="of a csv: what all its films are; default not said"
    )


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    (_manifest if options.action == "manifest" else _scan)(options)


def _manifest(options: argparse.Namespace) -> None:
    from edge_kit.data.layouts.any_table import Columns
    from edge_kit.data.layouts.manifest import sides, write_manifest

    columns = Columns(
        path=options.path_column,
        label=options.label_column,
        patient=options.patient_column,
        split=options.split_column,
        view=options.view_column,
        modality=options.modality,
        table=options.table,
    )
    chosen = sides(options.positive, options.negative, options.layout)
    kept = options.modality or "", chosen.positive, chosen.negative
    with refusing(*kept):
        line = write_manifest(options.data, options.layout, chosen, options.out, columns)
    saying(*kept, str(options.data), str(options.out))(line)


def _scan(options: argparse.Namespace) -> None:
    from edge_export.words import words
    from edge_kit.data.scan_report import counts, require_new, told_counts, write_scan
    from edge_kit.data.survey import survey

    require_new(options.out)
    with refusing(options.modality, options.positive, options.negative):
        scan = survey(
            options.data,
            modality=options.modality,
            positive=options.positive,
            negative=options.negative,
        )
    told = words(scan.modality, *{film.label for film in scan.films})
    for line in scan.notes:
        say(told(line))
    for line in scan.left_out:
        say(told(f"warning: {line}"))
    write_scan(scan, options.data, options.out)
    numbers = counts(scan)
    if options.format == "json":
        write(json.dumps(numbers) + "\n")
    else:
        for name, number in told_counts(scan).items():
            write(f"{name:<24} {number:>7}\n")
    say(f"wrote {options.out}/report.html and {options.out}/groups.csv")
    if scan.unreadable:
        first, number = scan.unreadable[0], len(scan.unreadable)
        problem = told(f"{first.problem} ({number} unreadable in all, the others were scanned)")
        if not options.skip_unreadable:
            raise FilmError(first.subject, problem, told(first.cure))
        say(f"warning: {first.subject} {problem}")
