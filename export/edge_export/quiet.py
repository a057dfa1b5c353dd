"""Keep the converters' chatter off the terminal, and give it back when they fail."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


def import_tensorflow() -> None:
    """Import TensorFlow without its start-up notices; errors still show."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with quiet():
        import tensorflow  # noqa: F401


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back what compiled code writes to file descriptor 2 inside the block.

    Python's own `sys.stderr` keeps the terminal, so our progress bars still show. If the block
    raises, what was held back is printed: it is then the best clue there is.
    """
    sys.stderr.flush()
    python_stderr, terminal = sys.stderr, os.dup(2)
    with (
        tempfile.TemporaryFile() as held,
        os.fdopen(terminal, "w", encoding="utf-8", errors="replace", closefd=True) as visible,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        os.dup2(held.fileno(), 2)
        sys.stderr = visible
        failed = True
        try:
            yield
            failed = False
        finally:
            visible.flush()
            sys.stderr = python_stderr
            os.dup2(terminal, 2)
            if failed:
                held.seek(0)
                sys.stderr.write(held.read().decode("utf-8", "replace"))
