"""Keep the converters' output off the terminal, and print it when they fail."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from edge_runtime.errors import DataError, EdgeError
from edge_runtime.text import lines


def import_tensorflow(backend: str = "tensorflow") -> None:
    """Import TensorFlow without its start-up notices; errors still show.

    Keras, where it is not loaded yet, gets this `backend`, whatever the user's settings say: what
    is exported here runs in TensorFlow. ONNX Runtime, which is imported later and only where
    TensorFlow is, keeps no log of its use.
    """
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = backend
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    unused = ["matplotlib.pyplot", *({"jax"} - {backend})]
    with quiet(), _without(*unused):
        import tensorflow  # noqa: F401


@contextmanager
def _without(*modules: str) -> Iterator[None]:
    """Let `modules` look as if they were not installed inside the block.

    Keras would load pyplot for galleries that are not used here, and TensorFlow would load JAX,
    where it is installed, for a converter: each a tenth of the import time.
    """
    hidden = [module for module in modules if module not in sys.modules]
    for module in hidden:
        sys.modules[module] = None  # type: ignore[assignment]  # what the import system looks for
    try:
        yield
    finally:
        for module in hidden:
            del sys.modules[module]


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back what is written to file descriptor 2 inside the block, and all warnings.

    Where the block fails unexpectedly, what was held back is printed: it is the best clue there
    is. An error of ours says all in its one line. `sys.stderr` itself is not replaced, because
    log handlers made inside the block keep it.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as held, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.dup2(held.fileno(), 2)
        clue = b""
        try:
            yield
        except Exception as error:
            if not isinstance(error, EdgeError):
                sys.stderr.flush()
                held.seek(0)
                clue = held.read()
            raise
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
            sys.stderr.write(lines(clue.decode("utf-8", "replace")))


@contextmanager
def one_line(subject: str, problem: str, cure: str) -> Iterator[None]:
    """Turn what foreign libraries raise inside the block into one line of ours.

    A stranger's model can be strange in more ways than converters check for.

    Raises:
        DataError: whatever was no error of ours, with its reason.
    """
    try:
        yield
    except EdgeError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {first_line(error)}"
        raise DataError(subject, f"{problem} ({reason})", cure) from error


def first_line(error: Exception) -> str:
    """Return the first line of what a foreign library says, which may go on for pages."""
    # Keras says where it was called first, then in bold what is wrong.
    _, _, said = str(error).rpartition("\x1b[1m")
    return said.strip().partition("\n")[0][:200].removesuffix("\x1b[0m") or type(error).__name__
