"""A table of runs, and what differs between them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge_export.statistics.estimates import Estimate
from edge_kit.training.records import RECORD, run_digest
from edge_kit.training.run import METRICS, RunConfig, is_run, read_config
from edge_runtime.errors import DataError


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as a row of the table; `None` where the run did not record a value."""

    run: str
    model: str
    seed: int
    data: str
    epochs: int
    val_auc: Estimate | None
    test_auc: Estimate | None
    seconds: float | None
    device: str


def find_runs(folders: Sequence[Path], say: Callable[[str], None]) -> list[RunRow]:
    """Return the runs in and below `folders`, each once, by path; name what is passed over.

    Raises:
        DataError: there is none.
    """
    runs: dict[Path, RunRow] = {}
    for folder in folders:
        if not folder.is_dir():
            say(f"{folder}: passed over, is no folder")
        for run in _runs(folder):
            try:
                runs.setdefault(run.resolve(), read_run(run))
            except DataError as error:
                say(f"{run}: passed over, {error.problem}")
    if not runs:
        names = ", ".join(map(str, folders))
        raise DataError(names, "no run here", "name folders that edge-kit train wrote")
    return sorted(runs.values(), key=lambda row: row.run)


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
    """Return the content of an optional file of a run."""
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
    """Return the settings that differ between `runs`, with the value of each run or `None`.

    Raises:
        DataError: one of them cannot be read.
    """
    settings = [_flat(read_config(run)) | {"data_digest": run_digest(run)} for run in runs]
    names = sorted(set().union(*settings))
    values = {name: [config.get(name) for config in settings] for name in names}
    return {
        name: values
        for name, values in values.items()
        if any(value != values[0] for value in values)
    }


def _flat(config: RunConfig) -> dict[str, Any]:
    """Return a configuration with nested values as `part.name`."""
    flat: dict[str, Any] = {}
    said = ("warnings", "caveat", "options")  # no settings, or said again
    for name, value in asdict(config).items():
        if name in said:
            continue
        parts = value if isinstance(value, dict) else None
        flat |= {name: value} if parts is None else {f"{name}.{k}": v for k, v in parts.items()}
    return flat
