"""A process of a shared training, as the tests start it, alone or with another one.

    python tests/support/shared_trainings.py FOLDER PORT PROCESSES PROCESS

trains the small network of `tiny_training` in three ways and puts the weights of each into
`FOLDER/weights-PROCESSES-PROCESS.npz`, and what it was told in `said-PROCESSES-PROCESS.json`.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from edge_export.quiet import import_tensorflow
from edge_kit.training.feed import LabelledPixels
from edge_kit.training.joining import part, together
from edge_kit.training.shared_training import SharedTraining
from edge_runtime.errors import UsageError
from tiny_training import PLAIN, RECIPE, network, rows

FILMS = 29  # so that the last of two batches of 16 cannot be dealt to two
_SGD_RATE = 0.01
COMPILED_ONCE = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
"""What has JAX keep a step that it compiled, however small, for a training that goes on."""


def free_port() -> int:
    """Return a port of loopback that nobody has."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def start(folder: Path, port: int, processes: int, process: int) -> subprocess.Popen[str]:
    """Start a process of a training that `processes` share."""
    return subprocess.Popen(
        [sys.executable, __file__, *map(str, (folder, port, processes, process))],
        env={**os.environ, **COMPILED_ONCE, "PYTHONPATH": os.pathsep.join(sys.path),
             "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled")},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def main() -> None:
    """Train, and write what came of it."""
    folder, port, processes, process = Path(sys.argv[1]), *map(int, sys.argv[2:])
    import_tensorflow(backend="jax")
    import keras  # noqa: F401, before anything asks for another backend

    shared = SharedTraining("127.0.0.1", port, processes, process, wait=20)
    said: list[str] = []
    with together(shared, said.append):
        weights = dict(_weights(shared, folder, said.append))
        said.append(_unlike(process))
        part()
    import numpy as np

    name = f"{processes}-{process}"
    np.savez(folder / f"weights-{name}.npz", **weights)
    (folder / f"said-{name}.json").write_text(json.dumps(said), encoding="utf-8")
    os._exit(0)


def _weights(
    shared: SharedTraining, folder: Path, say: Callable[[str], None]
) -> Iterator[tuple[str, Any]]:
    """Yield name and weight of each training."""
    films = LabelledPixels(rows().pixels[:FILMS], rows().positive[:FILMS])
    recipe = replace(RECIPE, augmentation=replace(RECIPE.augmentation, noise=8.0, text=0.5))  # type: ignore[type-var]

    def fitted(way: str, recipe: Any, checkpoint: str) -> Iterator[tuple[str, Any]]:
        from edge_kit.training.device import find_device
        from edge_kit.training.shared_fit import fit

        # Dropout draws for each copy of a batch that cannot be dealt evenly.
        model = network(dropout=False)
        fit(
            *(model, films, rows(), recipe, {"model": "tiny", "seed": 0}),
            device=find_device(), shared=shared, checkpoint=folder / checkpoint,
            out=Path("run"), say=say,
        )  # fmt: skip
        for number, weight in enumerate(model.get_weights()):
            yield f"{way} {number}", weight

    checkpoint = f"checkpoint-{shared.processes}-{{}}.npz".format
    with _descent():
        yield from fitted("sgd", PLAIN, checkpoint("sgd"))
    yield from fitted("adam", recipe, checkpoint("adam"))
    if shared.processes == 1:
        return
    # Two epochs, and the third by a process that finds them on its disk.
    _ = dict(fitted("begun", replace(recipe, epochs=2), checkpoint("resumed")))
    yield from fitted("resumed", recipe, checkpoint("resumed"))


@contextmanager
def _descent() -> Iterator[None]:
    """Train by plain gradient descent inside the block."""
    import keras

    with mock.patch("edge_kit.training.fit.optimizer", lambda *_: keras.optimizers.SGD(_SGD_RATE)):
        yield


def _unlike(process: int) -> str:
    """Return what is said where process 1 has other settings."""
    from edge_kit.training.exchange import require_alike

    try:
        require_alike({"epochs": 3 + process, "set_of_films": "0" * 64})
    except UsageError as error:
        return str(error)
    return ""


if __name__ == "__main__":
    main()
