"""`edge-kit sign`: a bundle's signatures, by which machines know whose it is."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge_kit.arguments import out_file
from edge_kit.commands.export import require_bundle_name
from edge_kit.commands.keys import passphrase_of, signing_key_of
from edge_kit.console import say, write
from edge_runtime.errors import UsageError

HELP = "sign a bundle, for machines that take no other"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="it is signed where it is")
    parser.add_argument(
        "--key",
        type=Path,
        metavar="KEY.pem",
        help="sign the model and its decision; of a bundle that a site fitted (threshold), whose "
        "model is signed, the decision alone",
    )
    parser.add_argument(
        "--out",
        type=out_file,
        metavar="NEW.edge",
        help="write the signed bundle there; of schema 1 as schema 2, whose identity is another",
    )
    parser.add_argument(
        "--oms",
        type=Path,
        metavar="KEY.pem",
        help="write NAME.edge.sig by OpenSSF Model Signing, with a key of a NIST curve",
    )


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    if options.key is None and options.oms is None:
        raise UsageError("sign", "no key given", "add --key KEY.pem: edge-kit keys new NAME")
    if options.out and options.key is None:
        raise UsageError("--out", "is for --key", "leave it out, or add --key")
    out = options.out or options.bundle
    if options.out:
        require_bundle_name(options.out)
    key = signing_key_of(options)
    if key:
        from edge_export.signing.sign import sign_bundle
        from edge_runtime.bundle import open_bundle

        before = open_bundle(options.bundle).identity
        identity, kinds = sign_bundle(options.bundle, out, key)
        changed = "" if identity == before else f", as schema 2; before that it was {before}"
        say(f"wrote {out}, identity {identity}{changed}")
        write(f"{' and '.join(kinds)} signed by key {key.public.id}\n")
    if options.oms:
        from edge_export.signing.oms import sign_by_oms

        path = sign_by_oms(out, options.oms, lambda: passphrase_of(options.oms))
        say(f"wrote {path}")
