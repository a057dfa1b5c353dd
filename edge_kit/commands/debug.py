"""`edge-kit debug`: the layer that flips a film."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge_kit.console import say, write

HELP = "find the layer that flips a film"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument("film", type=Path, metavar="FILM")
    parser.add_argument(
        "--against",
        type=Path,
        metavar="RUN|MODEL.keras",
        help="what the bundle was made from; not needed where it holds a float32 graph",
    )
    parser.add_argument("--input-range", metavar="LOW,HIGH", help="what black and white are to it")
    parser.add_argument(
        "--format", choices=("table", "json"), default="table", help="of what is printed"
    )


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    from edge_export.debug import debug, render
    from edge_kit.source import against

    diagnosis = debug(options.bundle, options.film, *against(options))
    for warning in diagnosis.warnings:
        say(f"warning: {warning}")
    write(render(diagnosis, options.format))
