"""`edge-kit demo`: all of it, on generated films."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge_kit.arguments import Parser, seed
from edge_kit.commands import export, train
from edge_kit.console import say

HELP = "all of it in about a minute, on generated films"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR")
    parser.add_argument("--seed", type=seed, default=0)


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    from edge_kit.demo import demo

    demo(options.out, options.seed, carry_out, say)


def carry_out(arguments: list[str]) -> None:
    """Carry out a command line of `edge-kit train` or `edge-kit export`."""
    name, *rest = arguments
    command = {"train": train, "export": export}[name]
    parser = Parser(prog=f"edge-kit {name}")
    command.add_options(parser)
    command.run(parser.parse_args(rest))
