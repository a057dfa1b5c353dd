"""No more trainings go on at once than the processors and the GPUs have room for."""

from __future__ import annotations

import pytest

from edge_kit.sweeping.executor import slots_of
from edge_kit.sweeping.plan import SweepPlan
from edge_runtime.errors import UsageError


def plan(cpus: int = 1, gpus: float = 0) -> SweepPlan:
    return SweepPlan(data=("films",), models=("model3",), cpus=cpus, gpus=gpus)


@pytest.mark.parametrize(
    ("cpus", "gpus", "visible", "slots"),
    [
        (1, 0, "", [None] * 4),
        (2, 0, "", [None] * 4),
        (3, 0, "", [None] * 2),
        (16, 0, "", [None]),
        (1, 1, "0,1,2", ["0", "1", "2"]),
        (1, 2, "0,1,2", ["0,1"]),
        (1, 0.5, "7", ["7", "7"]),
    ],
)
def test_slots(
    cpus: int,
    gpus: float,
    visible: str,
    slots: list[str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert slots_of(plan(cpus, gpus), workers=4, cpus=8) == slots


def test_gpus_that_are_not_there_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with pytest.raises(UsageError, match="asks for 1 GPUs for a training, and this machine has 0"):
        slots_of(plan(gpus=1), workers=4, cpus=8)
