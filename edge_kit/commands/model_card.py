"""`edge-kit model-card`: what others ask to be told of a bundle, in their forms."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edge_kit.arguments import out_file
from edge_kit.console import say, write

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edge_kit.documents.facts import Facts

HELP = "write a bundle's model card as CycloneDX or CHAI, or a draft for a regulator"
FORMATS = ("cyclonedx", "chai", "annex-iv", "change-plan")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="what it is about")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        required=True,
        help="cyclonedx: bill of materials 1.7 as JSON; chai: Applied Model Card 0.2 as XML; "
        "annex-iv: draft for the EU's AI Act; change-plan: draft for the FDA, both as Markdown",
    )
    parser.add_argument("--out", type=out_file, metavar="FILE", help="default: stdout")


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    from edge_kit.documents.facts import facts_of
    from edge_runtime.bundle import verify_all
    from edge_runtime.output import require_place, write_whole

    if options.out:
        require_place(options.out)
    with verify_all(options.bundle) as bundle:
        facts = facts_of(bundle)
    document = _writers()[options.format](facts)
    if options.out is None:
        write(document.decode())
        return
    write_whole(options.out, document)
    blanks = document.count(b"TO BE FILLED IN")
    say(f"wrote {options.out}" + (f", {blanks} blanks to be filled in" if blanks else ""))


def _writers() -> Mapping[str, Callable[[Facts], bytes]]:
    from edge_kit.documents.annex_iv import annex_iv
    from edge_kit.documents.chai import chai_card
    from edge_kit.documents.change_plan import change_plan
    from edge_kit.documents.model_bom import model_bom

    return dict(zip(FORMATS, (model_bom, chai_card, annex_iv, change_plan), strict=True))
