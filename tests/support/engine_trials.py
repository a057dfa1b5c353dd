"""Trials of engines that end as a test says, in no process and at once."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from edge_runtime.bundle import open_bundle
from edge_runtime.isolation import child
from edge_runtime.machine.engine_choice import EngineChoice
from edge_runtime.machine.ratios import Ratio

Trial = Callable[..., list[int]]
"""Takes the engine that wins and what else differs; returns a list that grows with each trial."""


def ending_trials(monkeypatch: pytest.MonkeyPatch) -> Trial:
    """Return what lets every trial of engines end as told."""

    def ends(engine: str = "onnxruntime", returncode: int = 0, **changes: Any) -> list[int]:
        trials: list[int] = []

        def module(_: str, path: str, threads: str, *, seconds: float) -> Any:
            assert seconds <= 60
            trials.append(int(threads))
            times = {"litert": 2.0, "onnxruntime": 1.0}
            choice = EngineChoice(engine, "litert", "onnxruntime", Ratio(0.5, 0.4, 0.6, 9), times)
            with open_bundle(path) as bundle:
                said = {"identity": bundle.identity, **choice.to_json(), **changes}
            return subprocess.CompletedProcess([], returncode, json.dumps(said).encode(), b"")

        monkeypatch.setattr(child, "module", module)
        return trials

    return ends
