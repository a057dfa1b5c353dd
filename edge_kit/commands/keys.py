"""`edge-kit keys`: keys that sign bundles."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edge_kit.arguments import Parser
from edge_kit.console import say, write
from edge_runtime.errors import UsageError

if TYPE_CHECKING:
    from edge_export.signing.keys import SigningKey
    from edge_runtime.trust.keys import PublicKey

HELP = "make the keys that sign bundles, and show them"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="ACTION", parser_class=Parser
    )
    new = actions.add_parser("new", help="write NAME.pem, which is secret, and NAME.pub")
    new.add_argument("name", type=Path, metavar="NAME", help="a path without an ending")
    new.add_argument(
        "--no-passphrase",
        action="store_true",
        help="whoever has the file can sign; else a passphrase is asked for, or read from stdin",
    )
    new.add_argument("--oms", action="store_true", help="a key of P-256, for OpenSSF Model Signing")
    show = actions.add_parser("show", help="show a key's id, by which edge-run knows it")
    show.add_argument("key", type=Path, metavar="KEY", help="a .pub file, or a .pem")


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    if options.action == "show":
        write(_shown(options.key))
        return
    from edge_export.signing.keys import PRIVATE, PUBLIC, new_key, require_cryptography

    require_cryptography()
    passphrase = None if options.no_passphrase else _new_passphrase()
    public = new_key(options.name, passphrase, oms=options.oms)
    say(f"wrote {options.name}{PRIVATE}, which nobody else may have, and {options.name}{PUBLIC}")
    if public:
        write(f"{public.id}\n")


def signing_key_of(options: argparse.Namespace) -> SigningKey | None:
    """Return the key that `--key` names, opened, or nothing.

    Raises:
        UsageError: it is none of Ed25519, or cannot be opened.
    """
    if options.key is None:
        return None
    from edge_export.signing.keys import signing_key

    return signing_key(options.key, lambda: passphrase_of(options.key))


def passphrase_of(path: Path) -> str:
    """Return the passphrase of the key at `path`, from the terminal or from a line of stdin."""
    if sys.stdin is not None and sys.stdin.isatty():
        from getpass import getpass

        return getpass(f"passphrase of {path.name}: ")
    return sys.stdin.readline().rstrip("\r\n") if sys.stdin else ""


def _new_passphrase() -> str:
    """Return a new passphrase, from the terminal or from a line of stdin.

    Raises:
        UsageError: it is too short, or was mistyped.
    """
    from edge_export.signing.keys import LEAST_PASSPHRASE

    if sys.stdin is not None and sys.stdin.isatty():
        from getpass import getpass

        passphrase = getpass("passphrase: ")
        if passphrase != getpass("again: "):
            raise UsageError("passphrase", "the two differ", "try again")
    else:
        passphrase = passphrase_of(Path())
    if len(passphrase) < LEAST_PASSPHRASE:
        problem = f"has {len(passphrase)} characters"
        cure = f"give {LEAST_PASSPHRASE} or more, or --no-passphrase"
        raise UsageError("passphrase", problem, cure)
    return passphrase


def _shown(path: Path) -> str:
    """Return the lines that tell of a key; a private one shows its public half alone."""
    key = _public(path)
    return f"id      {key.id}\npublic  {key.keyval.public}\n\n{key.to_pem()}"


def _public(path: Path) -> PublicKey:
    from edge_export.signing.keys import PRIVATE, signing_key
    from edge_runtime.trust.keys import read_public_key

    if path.suffix == PRIVATE:
        return signing_key(path, lambda: passphrase_of(path)).public
    return read_public_key(str(path))
