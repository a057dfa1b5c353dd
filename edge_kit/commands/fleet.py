"""`edge-kit fleet`: what the boxes of a fleet say of themselves."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edge_kit.console import elapsed_shown, say, write
from edge_runtime.errors import EdgeError

if TYPE_CHECKING:
    from edge_kit.evaluation.score_reference import ScoreReference
    from edge_kit.fleet.judging import Fleet

HELP = "report on many boxes by the receipts that they sign"
_STATUS = (
    "Exit status: 0 nothing needs looking at, 1 something does, as the report says, 2 usage, "
    "9 the folder or the list cannot be read, 10 cannot write."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    words = "which boxes run what and where, and which of them need looking at"
    report = actions.add_parser("report", help=words, description=words, epilog=_STATUS)
    report.add_argument("folder", type=Path, metavar="FOLDER", help="receipts, also in folders")
    report.add_argument("--out", type=Path, required=True, metavar="FILE", help="the report")
    report.add_argument("--format", choices=("html", "json"), default="html", help="default html")
    report.add_argument(
        "--boxes",
        type=Path,
        metavar="LIST",
        help="the boxes that there are: in each line a name, its key, and what you call it; "
        "without it a key is believed at its first use",
    )
    report.add_argument(
        "--bundle",
        type=Path,
        action="append",
        default=[],
        metavar="BUNDLE",
        help="a bundle that boxes run: scores are held against its proof; may be given again",
    )
    report.add_argument("--silent-after", type=_days, default=30, metavar="DAYS", help="default 30")
    report.add_argument(
        "--require-signature",
        action="store_true",
        help="a box that runs a bundle that nobody signed needs looking at",
    )


def run(options: argparse.Namespace) -> None:
    """Write the report.

    Raises:
        EdgeError: something needs looking at; the report is written.
    """
    from edge_kit.files import json_bytes
    from edge_kit.fleet.judging import JudgedBy, judge
    from edge_kit.fleet.keys import read_boxes
    from edge_kit.fleet.reading import read_receipts
    from edge_kit.fleet.report import document, render
    from edge_runtime.output import require_place, write_whole

    require_place(options.out)
    by = JudgedBy(
        known=read_boxes(options.boxes) if options.boxes else None,
        references=_references(options.bundle),
        silent_after=options.silent_after,
        require_signature=options.require_signature,
    )
    with elapsed_shown("reading receipts"):
        fleet = judge(read_receipts(options.folder), by)
    if options.format == "html":
        data = render(fleet).encode("utf-8", "xmlcharrefreplace")
    else:
        data = json_bytes(document(fleet))
    write_whole(options.out, data)
    write(_summary(fleet))
    say(f"wrote {options.out}")
    if not fleet.is_well:
        problem = f"boxes that need looking at: {len(fleet.looked_at)} of {len(fleet.boxes)}"
        raise EdgeError(options.folder, _more(fleet, problem), f"see {options.out}")


def _references(bundles: list[Path]) -> dict[str, ScoreReference]:
    from edge_kit.evaluation.score_reference import reference_of
    from edge_runtime.bundle import open_bundle

    references = {}
    for path in bundles:
        with open_bundle(path) as bundle:
            references[bundle.identity] = reference_of(bundle)
    return references


def _summary(fleet: Fleet) -> str:
    from edge_kit.fleet.problems import KINDS
    from edge_kit.fleet.report import problem_counts

    lines = [f"boxes: {len(fleet.boxes)}, files: {fleet.reading.files}"]
    lines += [f"{count:>7}  {KINDS[kind]}" for kind, count in problem_counts(fleet).items()]
    return "\n".join(lines) + "\n"


def _more(fleet: Fleet, problem: str) -> str:
    """Return the problem with what is wrong beside the boxes."""
    if fleet.reading.rejected:
        problem += f"; files that are no receipts: {len(fleet.reading.rejected)}"
    if fleet.unknown:
        problem += f"; keys that are not in the list: {len(fleet.unknown)}"
    return problem


def _days(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:6]) <= 36_500):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days from 1 to 36500")
    return int(text)
