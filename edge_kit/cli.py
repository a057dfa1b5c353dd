"""`edge-kit`: its commands and exit statuses."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

from edge_kit.arguments import Parser
from edge_kit.commands import (
    audit,
    data,
    debug,
    demo,
    ensemble,
    evaluate,
    export,
    fleet,
    keys,
    model_card,
    models,
    repo,
    reproduce,
    runs,
    score,
    sign,
    sweep,
    threshold,
    train,
)
from edge_kit.console import discard_output, say
from edge_runtime.errors import EdgeError

COMMANDS = {
    "data": data,
    "models": models,
    "train": train,
    "audit": audit,
    "evaluate": evaluate,
    "runs": runs,
    "ensemble": ensemble,
    "export": export,
    "reproduce": reproduce,
    "model-card": model_card,
    "threshold": threshold,
    "keys": keys,
    "sign": sign,
    "repo": repo,
    "score": score,
    "sweep": sweep,
    "debug": debug,
    "fleet": fleet,
    "demo": demo,
}
INTERRUPTED, TERMINATED = 130, 143


class TerminatedBySignal(BaseException):
    """SIGTERM, raised so that half-written folders are removed on the way out."""


def main() -> NoReturn:
    """Run the command line and exit with the status it documents.

    Warnings of other people's packages are nothing that a user of this program can act on;
    `python -W` and PYTHONWARNINGS show them.
    """
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Carry out a command line and return its exit status."""
    signal.signal(signal.SIGTERM, _terminate)
    if sys.stderr is None:  # closed; what is said would go to stdout
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115, until the end
    try:
        if list(arguments[:1]) == ["help"]:  # as `edge-run` understands it
            arguments = [*(word for word in arguments if word != "help"), "--help"]
        options = parser().parse_args(arguments)
        options.arguments = list(arguments)  # for what starts the same command again
        COMMANDS[options.command].run(options)
        sys.stdout.flush()
    except EdgeError as error:
        say(f"edge-kit: {error}")
        return error.exit_status
    except KeyboardInterrupt:
        say("edge-kit: interrupted")
        return INTERRUPTED
    except TerminatedBySignal:
        say("edge-kit: terminated")
        return TERMINATED
    except BrokenPipeError:
        discard_output()  # nobody reads on
        return 0
    return 0


def parser() -> Parser:
    """Return the parser of the whole command line."""
    top = Parser(prog="edge-kit", description="Train networks on films, quantize them, prove them.")
    top.add_argument("--version", action="version", version=f"edge-kit {version('edge-kit')}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        module.add_options(commands.add_parser(name, help=module.HELP))
    return top


def _terminate(signum: int, frame: object) -> NoReturn:
    del signum, frame
    raise TerminatedBySignal
