"""What a run took and on what: its record, and a table of runs to compare them.

RUN/record.json    time, packages, machine; what changes from run to run, and is in no other file
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from edge_export.films.film import Film
from edge_export.statistics.estimates import Estimate
from edge_kit.data.table import read_table
from edge_kit.training.run import (
    METRICS,
    SPLITS,
    TENSORBOARD,
    RunConfig,
    is_run,
    json_bytes,
    read_config,
    staging,
)
from edge_runtime.answer.cell import unguarded
from edge_runtime.errors import DataError
from edge_runtime.output import write_whole

if TYPE_CHECKING:
    import keras

RECORD = "record.json"
PACKAGES = ("edge-kit", "keras", "numpy", "pillow", "scikit-learn", "scipy", "tensorflow")


@dataclass(frozen=True, slots=True)
class Record:
    """What is written of a run beside the run: nothing that a later run has to reproduce.

    `seconds` are those of the whole training, `epoch_seconds` of each epoch that ran this time:
    those of an interrupted training are not among them.
    """

    data_digest: str
    seconds: float
    epoch_seconds: tuple[float, ...]
    packages: dict[str, str]
    python: str
    machine: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as a table shows it; `None` is what it did not write down."""

    run: str
    model: str
    seed: int
    data: str
    epochs: int
    val_auc: Estimate | None
    test_auc: Estimate | None
    seconds: float | None
    device: str


def data_digest(films: Iterable[Film]) -> str:
    """Return the SHA-256, in hex, of which films with which labels were in which split."""
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
    run: Path, films: Iterable[Film], *, tensorboard: bool = False
) -> Iterator[list[keras.callbacks.Callback]]:
    """Time the block, which trains `run` on `films`, and write the record if it succeeds.

    Yields the callbacks that the training is to be given.

    Raises:
        CannotWrite: the disk refuses; the run is whole without its record.
    """
    timer, began = _timer(), perf_counter()
    yield [timer, *([tensorboard_callback(staging(run) / TENSORBOARD)] if tensorboard else [])]
    record = Record(
        data_digest=data_digest(films),
        seconds=round(perf_counter() - began, 3),
        epoch_seconds=tuple(round(one, 3) for one in timer.seconds),
        packages={name: version(name) for name in PACKAGES},
        python=platform.python_version(),
        machine=platform.platform(),
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


def tensorboard_callback(folder: Path) -> keras.callbacks.Callback:
    """Return a Keras callback that writes every epoch's figures to `folder`, for TensorBoard.

    Keras's own needs the package tensorboard, which no longer comes with TensorFlow, to write; with
    this one, only whoever looks at the figures needs it. The folder is made as training begins.
    """
    import keras
    import tensorflow as tf

    @contextmanager
    def on_disk() -> Iterator[None]:
        try:
            yield
        except tf.errors.ResourceExhaustedError as error:  # TensorFlow's word for a full disk, too
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        except tf.errors.OpError as error:
            raise OSError(errno.EIO, error.message) from error

    plugin = tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars")
    metadata = tf.compat.v1.SummaryMetadata(plugin_data=plugin)

    class TensorBoardLog(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
        def on_train_begin(self, *_: object) -> None:
            with on_disk():
                self._writer = tf.summary.create_file_writer(str(folder))

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            with on_disk():
                with self._writer.as_default(step=epoch + 1):
                    for name, value in (logs or {}).items():
                        tf.summary.write(name, tf.constant(value, tf.float32), metadata=metadata)
                self._writer.flush()

        def on_train_end(self, *_: object) -> None:
            with on_disk():
                self._writer.close()

    return TensorBoardLog()


def find_runs(folders: Sequence[Path], say: Callable[[str], None]) -> list[RunRow]:
    """Return the runs in and below `folders`, each once, by path; others are said and passed over.

    Raises:
        DataError: there is none.
    """
    found: dict[Path, RunRow] = {}
    for folder in folders:
        if not folder.is_dir():
            say(f"{folder}: passed over, is no folder")
        for run in _runs(folder):
            try:
                found.setdefault(run.resolve(), read_run(run))
            except DataError as error:
                say(f"{run}: passed over, {error.problem}")
    if not found:
        names = ", ".join(map(str, folders))
        raise DataError(names, "no run here", "name folders that edge-kit train wrote")
    return sorted(found.values(), key=lambda row: row.run)


def _runs(folder: Path) -> Iterator[Path]:
    """Yield the folders that look like runs; hidden ones are trainings that have not ended."""
    for here, below, _ in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        if is_run(Path(here)):
            below.clear()
            yield Path(here)


def read_run(run: Path) -> RunRow:
    """Return what is known of the run in folder `run`.

    Raises:
        DataError: its configuration or its split table is not of a run.
    """
    config = read_config(run)
    record = _json(run / RECORD)
    seconds = record.get("seconds")
    return RunRow(
        run=str(run),
        model=config.model,
        seed=config.seed,
        data=run_digest(run)[:12],
        epochs=config.epochs,
        val_auc=_area(run, "val"),
        test_auc=_area(run, "test"),
        seconds=float(seconds) if isinstance(seconds, int | float) else None,
        device=str(getattr(config, "device", "")),
    )


def _json(path: Path) -> dict[str, Any]:
    """Return the content of a file that a run may be without."""
    with suppress(OSError, ValueError):
        content = json.loads(path.read_text("utf-8"))
        return content if isinstance(content, dict) else {}
    return {}


def _area(run: Path, split: str) -> Estimate | None:
    try:
        return Estimate(**_json(run / METRICS)[split]["auc"])
    except (KeyError, TypeError, ValueError):
        return None


def sort_runs(rows: Sequence[RunRow], column: str) -> list[RunRow]:
    """Return `rows` by a column, the best AUC first; those without a value come last."""

    def order(row: RunRow) -> tuple[bool, Any]:
        value = getattr(row, column)
        if isinstance(value, Estimate):
            return False, -value.value
        return value is None, 0 if value is None else value

    return sorted(rows, key=order)


def differences(runs: Sequence[Path]) -> dict[str, list[Any]]:
    """Return, for what is not the same in all `runs`, the value of each; `None` where it has none.

    Raises:
        DataError: one of them cannot be read.
    """
    settings = [_flat(read_config(run)) | {"data_digest": run_digest(run)} for run in runs]
    names = sorted(set().union(*settings))
    values = {name: [one.get(name) for one in settings] for name in names}
    return {name: found for name, found in values.items() if any(one != found[0] for one in found)}


def _flat(config: RunConfig) -> dict[str, Any]:
    """Return a configuration with what lies in its parts named `part.name`."""
    flat: dict[str, Any] = {}
    for name, value in asdict(config).items():
        parts = value if isinstance(value, dict) else None
        flat |= {name: value} if parts is None else {f"{name}.{k}": v for k, v in parts.items()}
    return flat
