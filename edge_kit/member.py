"""`python -m edge_kit.member`: `edge-kit` as a process of a shared training.

It is started by `edge_kit.training.supervise`: with Keras on JAX, with what C++ prints kept off the
terminal, and with an end at once, for JAX's own would wait for the other processes.
"""

from __future__ import annotations

import os
import sys
import warnings
from threading import Thread

from edge_export.quiet import import_tensorflow
from edge_kit import cli
from edge_kit.training.supervise import MEMBER


def main() -> None:
    """Run the command line, and end with the status that it documents."""
    out, err = map(int, os.environ[MEMBER].split(","))
    sys.stdout = os.fdopen(out, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(err, "w", encoding="utf-8", buffering=1, closefd=False)
    Thread(target=_end_with_the_parent, daemon=True).start()
    warnings.simplefilter("ignore")
    import_tensorflow(backend="jax")
    import keras  # noqa: F401, now, before anything asks for another backend

    status = cli.run(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)


def _end_with_the_parent() -> None:
    """End this process once who started it is gone."""
    os.read(0, 1)
    os._exit(cli.TERMINATED)


if __name__ == "__main__":
    main()
