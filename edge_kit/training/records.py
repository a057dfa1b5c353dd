"""The record of a run: time, packages, machine.

RUN/record.json    time, packages, machine; what changes from run to run, and is in no other file
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from edge_export.cautions import Cautions
from edge_export.films.film import Film
from edge_kit.data.table import read_table
from edge_kit.files import json_bytes, staging
from edge_kit.training.device import backend_packages
from edge_kit.training.run import SPLITS, TENSORBOARD
from edge_kit.training.tensorboard import tensorboard_callback
from edge_runtime.output import write_whole
from edge_runtime.text import unguarded

if TYPE_CHECKING:
    import keras

RECORD = "record.json"
PACKAGES = ("edge-kit", "keras", "numpy", "pillow", "scikit-learn", "scipy", "tensorflow")


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What is recorded of a run beyond its result; a repeated run need not reproduce it.

    `seconds` are those of the whole training, `epoch_seconds` of each epoch that ran this time:
    those of an interrupted training are not among them.
    """

    data_digest: str
    seconds: float
    epoch_seconds: tuple[float, ...]
    packages: dict[str, str]
    python: str
    machine: str
    warnings: tuple[str, ...] = ()
    caveat: tuple[str, ...] = ()


def data_digest(films: Iterable[Film]) -> str:
    """Return the SHA-256, in hex, of the table of films, labels and splits."""
    return _digest((film.sha256, film.label, film.split) for film in films)


def run_digest(run: Path) -> str:
    """Return the `data_digest` of the films that a run was trained, selected and tested on.

    Raises:
        DataError: its split table cannot be read.
    """
    table = read_table(run / SPLITS, ("sha256", "label", "split"))
    return _digest((row["sha256"], unguarded(row["label"]), row["split"]) for _, row in table)


def _digest(rows: Iterable[tuple[str, ...]]) -> str:
    text = "".join(",".join(row) + "\n" for row in sorted(rows))
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def recorded(
    run: Path,
    films: Iterable[Film],
    *,
    tensorboard: bool = False,
    cautions: Cautions | None = None,
) -> Iterator[list[keras.callbacks.Callback]]:
    """Time the block, which trains `run` on `films`, and write the record if it succeeds.

    Yields the callbacks for the training; `cautions` are those of the run.

    Raises:
        CannotWrite: the disk refuses; the run is whole without its record.
    """
    timer, began = _timer(), perf_counter()
    yield [timer, *([tensorboard_callback(staging(run) / TENSORBOARD)] if tensorboard else [])]
    record = RunRecord(
        data_digest=data_digest(films),
        seconds=round(perf_counter() - began, 3),
        epoch_seconds=tuple(round(seconds, 3) for seconds in timer.seconds),
        packages={name: version(name) for name in (*PACKAGES, *backend_packages())},
        python=platform.python_version(),
        machine=platform.platform(),
        warnings=cautions.warnings if cautions else (),
        caveat=cautions.caveat if cautions else (),
    )
    write_whole(run / RECORD, json_bytes(record))


def _timer() -> Any:
    """Return a Keras callback that keeps the `seconds` of each epoch."""
    import keras

    class Timer(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
        def __init__(self) -> None:
            super().__init__()
            self.seconds: list[float] = []

        def on_epoch_begin(self, *_: object) -> None:
            self._began = perf_counter()

        def on_epoch_end(self, *_: object) -> None:
            self.seconds.append(perf_counter() - self._began)

    return Timer()
