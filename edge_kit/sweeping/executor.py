"""Who carries out trainings: one interface, and the executor of processes on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Protocol

from edge_kit.sweeping.plan import SweepPlan, SweepTraining
from edge_kit.sweeping.process import Carrier, SweepSetup
from edge_runtime.errors import EdgeError, UsageError


class TrainingExecutor(Protocol):
    """Carries out trainings, in any order; what is going on when it is closed goes on by resume."""

    def run(self, trainings: Sequence[SweepTraining]) -> Iterator[str]:
        """Yield the name of each trial once its record is on the disk.

        Raises:
            EdgeError: the disk or the cluster is at fault; the others stop.
        """

    def close(self) -> None:
        """End what is going on."""


class TrainingProcesses:
    """A process for each training, as many at once as this machine has room for."""

    def __init__(self, setup: SweepSetup, workers: int, cpus: int) -> None:
        """Find the room for at most `workers` at once on `cpus` processors.

        Raises:
            UsageError: there is none, since GPUs are asked for.
        """
        slots = slots_of(setup.plan, workers, cpus)
        self._carriers = [Carrier(setup, devices) for devices in slots]
        self._threads: list[Thread] = []
        self._guard = Lock()
        self._done: SimpleQueue[str | BaseException | None] = SimpleQueue()

    def run(self, trainings: Sequence[SweepTraining]) -> Iterator[str]:
        """Yield the name of each trial that is done, see `TrainingExecutor`."""
        rest, left = iter(trainings), 0
        for carrier in self._carriers[: len(trainings)]:
            thread = Thread(target=self._work, args=(carrier, rest), daemon=True)
            self._threads.append(thread)
            thread.start()
            left += 1
        while left:
            told = self._done.get()
            if isinstance(told, BaseException):
                raise told
            if told is None:
                left -= 1
            else:
                yield told

    def _work(self, carrier: Carrier, rest: Iterator[SweepTraining]) -> None:
        try:
            while not carrier.closed and (training := self._next(rest)) is not None:
                carrier.carry_out(training, self._done.put)
            self._done.put(None)
        except (EdgeError, OSError) as error:  # raised where it is waited for
            self._done.put(error)

    def _next(self, rest: Iterator[SweepTraining]) -> SweepTraining | None:
        with self._guard:
            return next(rest, None)

    def close(self) -> None:
        """End what is going on."""
        for carrier in self._carriers:
            carrier.close()
        for thread in self._threads:
            thread.join()


def slots_of(plan: SweepPlan, workers: int, cpus: int) -> list[str | None]:
    """Return for each training that may go on at once the GPUs that it gets, None for no choice.

    Raises:
        UsageError: the plan asks for more GPUs than there are.
    """
    room = max(1, cpus // plan.cpus)
    if not plan.gpus:
        return [None] * min(workers, room)
    devices = gpus_here()
    if plan.gpus < 1:
        shared = [device for device in devices for _ in range(int(1 / plan.gpus))]
    else:
        each = int(plan.gpus)
        starts = range(0, len(devices) - each + 1, each)
        shared = [",".join(devices[start : start + each]) for start in starts]
    if not shared:
        problem = f"asks for {plan.gpus:g} GPUs for a training, and this machine has {len(devices)}"
        raise UsageError("gpus", problem, "lower it, or join a cluster with --address")
    return list(shared[: min(workers, room)])


def gpus_here() -> list[str]:
    """Return the GPUs that programs here may use, as CUDA names them."""
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [device for device in visible.split(",") if device not in {"", "-1"}]
    found = Path("/dev").glob("nvidia[0-9]*")
    return sorted((path.name.removeprefix("nvidia") for path in found), key=int)
