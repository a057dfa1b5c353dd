"""What a trial found: one JSON file with its own digest, and the graph beside it.

DIR/trials/NAME.json     the record, there whole or not at all
DIR/trials/NAME.graph    the graph that edge-run would open, before its record
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from edge_export.statistics.estimates import Estimate
from edge_kit.files import json_bytes
from edge_kit.sweeping.plan import SweepTraining, Trial
from edge_runtime.bundle.digest import sha256
from edge_runtime.errors import DataError
from edge_runtime.output import write_whole

TRIALS, RUNS = "trials", "runs"
TrialOutcome = Literal["done", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class TrialFigures:
    """The figures of a trial that is done; `auc_float` is the network's before it was quantized.

    `verdict` is that of an export's proof on the validation and the tested films of the fold, and
    `fail` where an export would write no bundle, `reasons` why. `shape` is that of one film.
    """

    auc: Estimate
    auc_float: Estimate
    sensitivity: Estimate
    verdict: str
    reasons: tuple[str, ...]
    file: str
    recipe: str
    bytes: int
    graph_sha256: str
    shape: tuple[int, int, int]
    changed: str
    epochs: int


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """How a trial ended: `reason` says why it failed or was stopped, `tries` how often tried."""

    trial: str
    outcome: TrialOutcome
    tries: int = 1
    reason: str = ""
    found: TrialFigures | None = None


def place_of(out: Path, trial: Trial) -> Path:
    """Return the file of the record of `trial`."""
    return out / TRIALS / f"{trial.name}.json"


def graph_of(out: Path, trial: Trial) -> Path:
    """Return the file of the graph of `trial`."""
    return out / TRIALS / f"{trial.name}.graph"


def run_of(out: Path, training: SweepTraining) -> Path:
    """Return the folder of the run of `training`."""
    return out / RUNS / training.name


def write_record(out: Path, trial: Trial, record: TrialRecord, graph: bytes = b"") -> None:
    """Write a record, after its graph; both are on the disk when this returns.

    Raises:
        CannotWrite: the disk does not take them.
    """
    if graph:
        write_whole(graph_of(out, trial), graph)
    content = asdict(record)
    digest = sha256(_plain(content))
    write_whole(place_of(out, trial), json_bytes({"sha256": digest, "record": content}))


def read_record(out: Path, trial: Trial) -> TrialRecord | None:
    """Return the record of `trial`; None where it has none.

    Raises:
        DataError: there is a file that is not what was written, or its graph is not.
    """
    path = place_of(out, trial)
    try:
        content = json.loads(path.read_bytes())
        record = content["record"]
        if content["sha256"] != sha256(_plain(record)) or record["trial"] != trial.name:
            raise ValueError("another digest")
        found = record["found"]
        told = TrialRecord(**{**record, "found": _found(found) if found else None})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(path, "is not the record that was written", "it is done anew") from error
    if told.found and not _holds(graph_of(out, trial), told.found.graph_sha256):
        problem = "is not the graph that was written"
        raise DataError(graph_of(out, trial), problem, "its trial is done anew")
    return told


def _holds(path: Path, digest: str) -> bool:
    try:
        return sha256(path.read_bytes()) == digest
    except OSError:
        return False


def _plain(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, allow_nan=False).encode()


def _found(content: Mapping[str, Any]) -> TrialFigures:
    estimates = {name: Estimate(**content[name]) for name in ("auc", "auc_float", "sensitivity")}
    lists = {name: tuple(content[name]) for name in ("reasons", "shape")}
    return TrialFigures(**{**content, **estimates, **lists})
