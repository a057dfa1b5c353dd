"""`edge-kit repo`: a repository of models that boxes update from."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edge_kit.console import say, write
from edge_runtime.errors import UsageError

if TYPE_CHECKING:
    from edge_export.repository.repository import ModelRepository

HELP = "a repository of models that boxes update from: make, add, publish, change keys"
_ACTIONS = {
    "init": "make a repository in a new folder, with new keys",
    "add": "take models into a channel, or a site's into those of its region",
    "remove": "offer a target no more",
    "delegate": "let a region publish thresholds of its own",
    "publish": "let boxes see what was added",
    "timestamp": "renew the promise that nothing newer was published",
    "rotate": "give a role a new key in place of one that was lost or stolen",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, told in _ACTIONS.items():
        action = actions.add_parser(name, help=told, description=f"{told[0].upper()}{told[1:]}.")
        action.add_argument("repository", type=Path, metavar="REPOSITORY", help="its folder")
        _add_own(name, action)
        action.add_argument(
            "--keys", type=Path, required=True, metavar="DIR",
            help="the folder of the keys, which is never published",
        )  # fmt: skip


def _add_own(name: str, action: argparse.ArgumentParser) -> None:
    """Add what one action alone takes."""
    if name == "add":
        action.add_argument("bundles", nargs="+", type=Path, metavar="BUNDLE")
        action.add_argument("--channel", default="stable", help="stable (default) or pilot")
        action.add_argument(
            "--percent", type=_percent, default=100, metavar="N",
            help="how many of a hundred boxes take it, default all; raise it by adding it again",
        )  # fmt: skip
        action.add_argument("--region", help="add it to those of a region: decisions alone")
    elif name == "remove":
        action.add_argument("target", help="as it was printed when it was added")
    elif name == "delegate":
        action.add_argument("region", metavar="REGION")
        action.add_argument(
            "--public", type=Path, metavar="KEY.pem",
            help="the region's public key; without it a pair is made in the folder of keys",
        )  # fmt: skip
    elif name == "rotate":
        action.add_argument("role", help="root, targets, snapshot, timestamp, or a region")
        action.add_argument("--lost", metavar="KEYID", help="which key, of a role with several")


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    repository = _repository(options)
    if options.action == "init":
        root = repository.init()
        say(f"made {options.repository}; keep {options.keys} elsewhere, its root keys apart")
        write(f"{root}\n")
    elif options.action == "add":
        _add(repository, options)
    elif options.action == "remove":
        repository.remove(options.target)
        say("boxes see it with the next edge-kit repo publish")
    elif options.action == "delegate":
        _delegate(repository, options)
    elif options.action == "publish":
        repository.publish()
        say(f"published, valid until {repository.valid_until}")
    elif options.action == "timestamp":
        repository.timestamp()
        say(f"valid until {repository.valid_until}")
    else:
        write(f"{repository.rotate(options.role, options.lost)}\n")
        say("publish, so that boxes see a region's new key; those of other roles they see now")


def _repository(options: argparse.Namespace) -> ModelRepository:
    try:
        from edge_export.repository.repository import ModelRepository
    except ImportError as error:
        cure = "pip install 'edge-kit[repo]'"
        raise UsageError("repo", f"needs {error.name}, which is not installed", cure) from error
    return ModelRepository(options.repository, options.keys)


def _add(repository: ModelRepository, options: argparse.Namespace) -> None:
    for bundle in options.bundles:
        path = repository.add(
            bundle, channel=options.channel, percent=options.percent, region=options.region
        )
        write(f"{path}\n")
    say("boxes see it with the next edge-kit repo publish")


def _delegate(repository: ModelRepository, options: argparse.Namespace) -> None:
    from edge_export.repository.keys import public_key

    repository.delegate(options.region, public_key(options.public) if options.public else None)
    say(f"{options.region} may publish thresholds; publish, so that boxes see it")


def _percent(text: str) -> int:
    if text.isascii() and text.isdecimal() and int(text[:4]) <= 100:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no percentage from 0 to 100")
