"""Writes `docs/cli.md`, every command and option, from what the commands themselves print as help.

python docs/make_cli.py            writes it
python docs/make_cli.py --check    leaves with 1 where it is stale
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from generated import write_or_check

PAGE = Path(__file__).resolve().with_name("cli.md")
WIDTH = 80

_HEAD = """\
# Commands

<!-- Written by docs/make_cli.py. Do not edit: run `python docs/make_cli.py`. -->

`edge-run` is for the clinic's machine, `edge-kit` for the workstation. This page is what
`edge-run help COMMAND` and `edge-kit help COMMAND` print. What an exit status means is in
[Exit statuses](clinic.md#exit-statuses); what a word means in the [glossary](glossary.md).
"""


def page() -> str:
    """Return the page in Markdown."""
    # argparse wraps to the terminal, and colours from Python 3.14 on.
    os.environ.update(COLUMNS=str(WIDTH), NO_COLOR="1")
    parts = [_HEAD]
    for title, sections in (("edge-run", edge_run()), ("edge-kit", edge_kit())):
        parts.append(f"## {title}\n")
        parts += [f"### {name}\n\n```text\n{text.strip()}\n```\n" for name, text in sections]
    return "\n".join(parts)


def edge_run() -> Iterator[tuple[str, str]]:
    """Yield the name and the help of each command of `edge-run`."""
    from edge_runtime.cli import COMMANDS, USAGE, module_of

    yield "All commands of edge-run", USAGE
    for name in COMMANDS:
        yield (
            f"edge-run {name}",
            import_module(module_of(name)).USAGE,
        )


def edge_kit() -> Iterator[tuple[str, str]]:
    """Yield the name and the help of each command of `edge-kit`, of those within commands too."""
    from edge_kit.cli import parser

    top = parser()
    yield "All commands of edge-kit", top.format_help()
    yield from _commands_of(top)


def _commands_of(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                inner = [*_commands_of(command)]
                if not inner:
                    yield command.prog, command.format_help()
                yield from inner


def main() -> int:
    """Carry out the command line."""
    about = (__doc__ or "").splitlines()[0]
    return write_or_check(PAGE, page(), Path(__file__), about)


if __name__ == "__main__":
    sys.exit(main())
