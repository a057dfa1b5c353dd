"""Writes the files of a run except its splits: what has to be said of its figures is in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_export.cautions import Cautions
from edge_export.films.film import Split
from edge_export.statistics.estimates import Bools, Floats, Metrics
from edge_kit.files import write_json
from edge_kit.training.checkpoint import History
from edge_kit.training.curves import draw_curves
from edge_kit.training.run import (
    CONFIG,
    CURVES,
    HISTORY,
    METRICS,
    MODEL,
    RunConfig,
    save_model,
)
from edge_runtime.text import CsvTable

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What a training ends with; `film_check` is what its out-of-distribution check refuses.

    Without a film branch there is nothing of a check.
    """

    config: RunConfig
    model: keras.Model
    history: History
    metrics: Mapping[Split, Metrics]
    film_check: Mapping[str, Any]


def write_run(
    folder: Path,
    outcome: RunOutcome,
    positive: Mapping[Split, Bools],
    score: Mapping[Split, Floats],
    cautions: Cautions,
) -> None:
    """Write model, configuration, history, metrics and curves to `folder`.

    `positive` and `score` (the probability of the positive class) have shape `(n,)` by split.

    Raises:
        OSError: the disk refuses.
    """
    warnings, caveat = cautions.warnings, cautions.caveat
    save_model(outcome.model, folder / MODEL)
    config = replace(outcome.config, warnings=warnings, caveat=caveat)
    write_json(folder / CONFIG, config.to_json())
    _write_history(folder / HISTORY, outcome.history)
    figures = {split: asdict(value) for split, value in outcome.metrics.items()}
    gate = {"film_gate": dict(outcome.film_check)} if outcome.film_check else {}
    write_json(folder / METRICS, {"warnings": warnings, "caveat": caveat, **gate, **figures})
    draw_curves(
        *(folder / CURVES, outcome.history, positive, score),
        kept=outcome.config.kept_epoch,
        said=(*warnings, *caveat),
    )


def _write_history(path: Path, history: History) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = CsvTable(stream)
        table.write(["epoch", *history])
        columns = zip(*history.values(), strict=True)
        table.write_all([epoch, *values] for epoch, values in enumerate(columns, 1))
