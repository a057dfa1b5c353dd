"""Lines to stderr, results to stdout."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from edge_runtime.errors import CannotWrite, printable


def say(line: str) -> None:
    """Write one line to stderr."""
    print(printable(line), file=sys.stderr, flush=True)  # noqa: T201


def write(text: str) -> None:
    """Write a result to stdout.

    Raises:
        BrokenPipeError: nobody reads on.
        CannotWrite: the disk behind it refuses.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard_output()
        raise CannotWrite("stdout", error.strerror or str(error), "free some space") from error


def discard_output() -> None:
    """Redirect stdout to nowhere, so that nothing is written again at exit."""
    with suppress(OSError, ValueError):  # it may be no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
