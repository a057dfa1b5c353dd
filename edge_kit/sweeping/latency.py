"""How long each configuration takes for one film here, measured alone once the trials have ended.

DIR/latency.json    the times, the graphs that they are of, and the processor
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from edge_export.graph.artefact import Artefact
from edge_export.proof.latency import milliseconds
from edge_export.statistics.estimates import Estimate
from edge_kit.files import json_bytes
from edge_kit.sweeping.plan import SweepPlan
from edge_kit.sweeping.records import TrialFigures, TrialRecord, graph_of
from edge_runtime.machine.computer import processor_name
from edge_runtime.output import write_whole

LATENCY = "latency.json"
_FILMS = 8  # of noise: what a graph computes takes as long whatever it sees


def measured(out: Path, plan: SweepPlan, records: Mapping[str, TrialRecord]) -> dict[int, Estimate]:
    """Return the median milliseconds of a film by the number of the configuration.

    What was measured before of the same graphs on a processor of this name stands. One thread, the
    graphs in turn; of a configuration the largest, for remedies make some trials' larger.

    Raises:
        NoEngine: nothing on this machine runs one of the graphs.
        CannotWrite: the disk does not take the times.
    """
    chosen: dict[int, tuple[Path, TrialFigures]] = {}
    for trial in plan.trials:
        number, found = trial.configuration.number, records[trial.name].found
        if found and (number not in chosen or found.bytes > chosen[number][1].bytes):
            chosen[number] = graph_of(out, trial), found
    binding = {str(number): found.graph_sha256 for number, (_, found) in chosen.items()}
    known = {"processor": processor_name(), "graphs": binding}
    if (before := _before(out / LATENCY, known)) is not None or not chosen:
        return before or {}
    random = np.random.default_rng(0)
    graphs = []
    for number, (path, found) in chosen.items():
        form = found.file.rpartition(".")[2]
        artefact = Artefact(f"{number}", form, found.recipe, path.read_bytes())
        graphs.append((artefact, random.integers(0, 256, (_FILMS, *found.shape), np.uint8)))
    times = milliseconds(graphs)
    content = {**known, "milliseconds": {name: asdict(time) for name, time in times.items()}}
    write_whole(out / LATENCY, json_bytes(content))
    return {int(name): time for name, time in times.items()}


def _before(path: Path, known: Mapping[str, Any]) -> dict[int, Estimate] | None:
    """Return what was measured before, if it is of what is `known`."""
    try:
        content = json.loads(path.read_bytes())
        if {name: content[name] for name in known} != known:
            return None
        return {int(name): Estimate(**time) for name, time in content["milliseconds"].items()}
    except (OSError, ValueError, TypeError, KeyError):
        return None
