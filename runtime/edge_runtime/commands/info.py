"""`edge-run info`: what a bundle is, and for whom."""

from __future__ import annotations

from edge_runtime.bundle.info import describe
from edge_runtime.commands import REQUIRE, only_bundle, open_named
from edge_runtime.console import write

OPTIONS = ("bundle=", "format=", REQUIRE)
USAGE = """\
usage: edge-run info [BUNDLE] [--format F] [--require-signature]

Show what a bundle is, for whom, and who signed it: intended use, classes,
threshold, graphs.

  --bundle B  the bundle, like BUNDLE
  --format F  table, or json: the whole manifest, who signed it, what made it
  --require-signature
              take no bundle but one that a trusted key has signed

Exit status: 0 shown, 3 not a bundle, 4 its manifest was changed, or its
signature does not hold or is none that this machine trusts.
"""


def run(paths: list[str], options: dict[str, str]) -> int:
    """Write a bundle in words, or its manifest."""
    with open_named(only_bundle(paths, options), options) as bundle:
        write(describe(bundle, options.get("format", "table")))
    return 0
