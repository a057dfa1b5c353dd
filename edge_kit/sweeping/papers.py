"""The table of a sweep as Parquet, JSON and one HTML page."""

from __future__ import annotations

import io
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_export.report.html import template
from edge_kit.files import json_bytes
from edge_kit.sweeping.plan import Configuration, SweepPlan, Trial, title
from edge_kit.sweeping.records import TrialRecord
from edge_kit.sweeping.rungs import Rung
from edge_kit.sweeping.table import CHOSEN, LAW, LAW_UNTIMED, MEANS, WINNER, Row
from edge_runtime.errors import DataError
from edge_runtime.machine.computer import processor_name
from edge_runtime.output import write_together

if TYPE_CHECKING:
    import pyarrow as pa

PARQUET, JSON, HTML = "sweep.parquet", "sweep.json", "sweep.html"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Papers:
    """What the table is made of; `warnings` are what is to be said beside the figures."""

    out: Path
    plan: SweepPlan
    modality: str
    records: Mapping[str, TrialRecord]
    rows: Sequence[Row]
    rungs: Sequence[Rung]
    warnings: Sequence[str]

    def write(self) -> None:
        """Write all three files.

        Raises:
            CannotWrite: the disk does not take them.
        """
        import pyarrow.parquet as pq

        content, table = self.document(), io.BytesIO()
        pq.write_table(self.table(), table, compression="zstd")
        page = template("edge_kit.sweeping", "sweep.html.j2", self.modality).render(content)
        write_together(
            {
                self.out / PARQUET: table.getvalue(),
                self.out / JSON: json_bytes(content),
                self.out / HTML: page.encode(),
            }
        )

    def document(self) -> dict[str, Any]:
        """Return the sweep as JSON: configurations and trials, each figure with interval and n."""
        plan = self.plan
        return {
            "schema": SCHEMA,
            "warnings": list(self.warnings),
            "plan": {**plan.to_json(), "models": [title(model) for model in plan.models]},
            "processor": processor_name(),
            "how": [MEANS, LAW if plan.latency else LAW_UNTIMED, WINNER, CHOSEN],
            "stopped_early": [str(rung) for rung in self.rungs if rung.stopped],
            "halving": self._halving(),
            "configurations": [self._configuration(row) for row in self.rows],
            "trials": [self._trial(trial) for trial in plan.trials],
            "plot": points(self.rows),
        }

    def table(self) -> pa.Table:
        """Return the trials as a table, a row each, with what is said of their configurations."""
        import pyarrow as pa

        of = {row.configuration.number: row for row in self.rows}
        lines = [self._line(trial, of[trial.configuration.number]) for trial in self.plan.trials]
        columns = {name: [line[name] for line in lines] for name in lines[0]}
        fields = [pa.field(name, _kind(name)) for name in columns]
        return pa.table(columns, schema=pa.schema(fields))

    def _configuration(self, row: Row) -> dict[str, Any]:
        content = {name: value for name, value in asdict(row).items() if name != "configuration"}
        named = asdict(row.configuration) | {"model": title(row.configuration.model)}
        return {
            **named,
            **content,
            "on_front": row.on_front,
            "command": pick_command(self.out, row.configuration),
            "commands": commands(self.plan, row.configuration),
        }

    def _trial(self, trial: Trial) -> dict[str, Any]:
        record = self.records[trial.name]
        training, configuration = trial.training, trial.configuration
        return {
            "name": trial.name,
            "configuration": configuration.number,
            "model": title(training.model),
            "fold": training.fold,
            "seed": training.seed,
            "recipe": configuration.recipe,
            "method": configuration.method,
            "outcome": record.outcome,
            "tries": record.tries,
            "reason": record.reason,
            "found": record.found and asdict(record.found),
        }

    def _line(self, trial: Trial, row: Row) -> dict[str, Any]:
        content = self._trial(trial)
        found = content.pop("found") or {}
        figures: dict[str, Any] = {}
        for name in _ESTIMATES:
            estimate = found.get(name) or {}
            figures |= {_column(name, part): estimate.get(part) for part in _PARTS}
        latency = row.latency
        return {
            **content,
            **figures,
            "bytes": found.get("bytes"),
            "verdict": found.get("verdict"),
            "verdict_reasons": "; ".join(found.get("reasons", ())) or None,
            "remedy": found.get("changed") or None,
            "epochs": found.get("epochs"),
            "milliseconds": latency.value if latency else None,
            "milliseconds_low": latency.low if latency else None,
            "milliseconds_high": latency.high if latency else None,
            "mean_auc": row.auc.mean.value if row.auc else None,
            "mean_sensitivity": row.sensitivity.mean.value if row.sensitivity else None,
            "on_front": row.on_front,
            "winner": row.winner,
        }

    def _halving(self) -> str:
        rule = self.plan.early_stopping
        if rule is None:
            return ""
        return (
            f"Trainings were stopped early, as the plan says (ASHA): after {rule.grace_epochs} "
            f"epochs, and each {rule.reduction_factor} times as many, a training went on only if "
            f"it was among the best in {rule.reduction_factor} of those of its fold and seed that "
            "had come as far, by AUC on validation films. A network of which one training was "
            "stopped is out, and what was left of it was not trained. Which were stopped depends "
            "on which came first."
        )


_ESTIMATES = ("auc", "auc_float", "sensitivity")
_PARTS = ("value", "low", "high", "n")
_TEXTS = {"name", "model", "recipe", "method", "outcome", "reason", "verdict", "verdict_reasons"}
_WHOLE = {"configuration", "fold", "seed", "tries", "bytes", "epochs"}


def _column(name: str, part: str) -> str:
    return name if part == "value" else f"{name}_{part}"


def _kind(name: str) -> pa.DataType:
    import pyarrow as pa

    if name in _TEXTS or name == "remedy":
        return pa.string()
    if name in _WHOLE or name.endswith("_n"):
        return pa.int64()
    return pa.bool_() if name in {"on_front", "winner"} else pa.float64()


def pick_command(out: Path, configuration: Configuration) -> str:
    """Return the command line that makes a bundle of a configuration."""
    words = ["edge-kit", "sweep", "pick", str(out), str(configuration.number)]
    return shlex.join([*words, "--out", f"sweep-{configuration.number}.edge"])


def commands(plan: SweepPlan, configuration: Configuration) -> list[str]:
    """Return what that command does: a training and an export, which may be given themselves."""
    run, bundle = f"runs/sweep-{configuration.number}", f"sweep-{configuration.number}.edge"
    train = ["edge-kit", "train", *plan.train_words(configuration.model), "--out", run]
    export = ["edge-kit", "export", run, *plan.export_words(configuration), "--out", bundle]
    return [shlex.join(train), shlex.join(export)]


def winner_in(out: Path) -> int:
    """Return the number of the winner of the sweep in `out`.

    Raises:
        DataError: its table is not there, or has no winner.
    """
    path = out / JSON
    try:
        content = json.loads(path.read_bytes())
        won = [int(row["number"]) for row in content["configurations"] if row["winner"]]
    except (OSError, ValueError, TypeError, KeyError) as error:
        problem = "is no table of a sweep"
        raise DataError(path, problem, "let the sweep end, with --resume") from error
    if not won:
        raise DataError(path, "has no winner", "name the number of a configuration")
    return won[0]


_LEFT, _TOP, _WIDE, _HIGH = 88, 24, 496, 220  # of the drawn area, in its own units


def points(rows: Sequence[Row]) -> dict[str, Any] | None:
    """Return where configurations lie by size and mean AUC, None where nothing is known.

    Sizes are on a logarithmic scale.
    """
    known = [row for row in rows if row.auc and row.bytes]
    if not known:
        return None
    sizes = [log(row.bytes or 1) for row in known]
    areas = [end for row in known if row.auc for end in (row.auc.mean.low, row.auc.mean.high)]
    x, y = _scale(sizes, _LEFT, _WIDE), _scale(areas, _TOP + _HIGH, -_HIGH)
    drawn = []
    for row, size in zip(known, sizes, strict=True):
        if row.auc is None:
            continue
        mean = row.auc.mean
        drawn.append(
            {
                "number": row.configuration.number,
                "name": str(row.configuration),
                "x": x(size),
                "y": y(mean.value),
                "low": y(mean.low),
                "high": y(mean.high),
                "on_front": row.on_front,
                "winner": row.winner,
            }
        )
    least, most = min(row.bytes or 0 for row in known), max(row.bytes or 0 for row in known)
    return {"points": drawn, "bytes": [least, most], "auc": [min(areas), max(areas)]}


def _scale(values: Sequence[float], start: float, length: float) -> Any:
    """Return what places a value between `start` and `length` from it, all alike in the middle."""
    low, high = min(values), max(values)
    if low == high:
        return lambda _: start + length / 2
    return lambda value: round(start + length * (value - low) / (high - low), 1)
