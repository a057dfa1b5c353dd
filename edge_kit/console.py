"""Lines to stderr, results to stdout."""

from __future__ import annotations

import sys

from edge_runtime.errors import printable


def say(line: str) -> None:
    """Write one line to stderr."""
    print(printable(line), file=sys.stderr, flush=True)  # noqa: T201


def write(text: str) -> None:
    """Write a result to stdout."""
    sys.stdout.write(text)
