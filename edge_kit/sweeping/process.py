"""A training from the side of who orders it: a process for each try, until every trial is told."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import BinaryIO, cast

from edge_kit.sweeping.plan import SweepPlan, SweepTraining, Trial
from edge_kit.sweeping.records import RUNS, TrialRecord, read_record, write_record
from edge_kit.sweeping.worker import TRAINING
from edge_runtime.errors import DataError
from edge_runtime.isolation.child import ending, own_environment
from edge_runtime.isolation.messages import Broken, receive, send
from edge_runtime.output import as_cannot_write

TellTrial = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SweepSetup:
    """What all trainings of a sweep have in common; `cache` is "" where pixels are not kept."""

    plan: SweepPlan
    out: Path
    cache: str


class Carrier:
    """Carries out trainings, one at a time."""

    def __init__(self, setup: SweepSetup, devices: str | None = None) -> None:
        """Remember how; `devices` are the GPUs for it, None those that the environment names."""
        self._setup, self._devices = setup, devices
        self._guard, self._closed = Lock(), False
        self._process: subprocess.Popen[bytes] | None = None

    def carry_out(self, training: SweepTraining, tell: TellTrial = lambda _: None) -> None:
        """Try a training and its trials until each has its record; `tell` gets who is done.

        A training that is finished is not done again, nor is a trial with a record. Whatever
        fails is tried again as often as the plan says, and then recorded with its reason.

        Raises:
            CannotWrite: the disk does not take a record.
        """
        setup, failures, problems = self._setup, Counter[str](), dict[str, str]()
        while pending := [t for t in setup.plan.trials_of(training) if not _is_told(setup.out, t)]:
            with as_cannot_write(setup.out):
                (setup.out / RUNS).mkdir(parents=True, exist_ok=True)
            for name, problem in self._tried(training, pending, failures, tell):
                failures[name] += 1
                problems[name] = problem
            if self._closed:
                return
            for trial in pending:
                worst = max((TRAINING, trial.name), key=lambda name: failures[name])
                if failures[worst] > setup.plan.retries and not _is_told(setup.out, trial):
                    tries, reason = failures[worst], problems[worst]
                    failed = TrialRecord(trial.name, "failed", tries, reason)
                    write_record(setup.out, trial, failed)
                    tell(trial.name)

    @property
    def closed(self) -> bool:
        """Whether it begins nothing any more."""
        return self._closed

    def close(self) -> None:
        """End what is going on, in the middle of it, and begin nothing any more."""
        with self._guard:
            self._closed = True
            if self._process:
                self._process.kill()

    def _tried(
        self,
        training: SweepTraining,
        pending: list[Trial],
        failures: Mapping[str, int],
        tell: TellTrial,
    ) -> Iterator[tuple[str, str]]:
        """Yield what fails in one try, with its reason."""
        process = self._started(training, pending, failures)
        at, left, over = TRAINING, {trial.name for trial in pending}, False
        with suppress(Broken):
            while not over:
                message, _ = receive(cast("BinaryIO", process.stdout), 0)
                over = "over" in message
                at = message.get("at", at)
                if name := message.get("done"):
                    left.discard(name)
                    tell(name)
                if name := message.get("failed"):
                    left.discard(name)
                    yield name, message["problem"]
                    at = "" if name != TRAINING else TRAINING
                    left = left if name != TRAINING else set()
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):
                cast("BinaryIO", stream).close()
        status = process.wait()
        if not over and not self._closed:
            yield at or TRAINING, f"its process {ending(status)}"
        elif left and not self._closed:
            yield from ((name, "left no record that holds") for name in sorted(left))

    def _started(
        self, training: SweepTraining, pending: list[Trial], failures: Mapping[str, int]
    ) -> subprocess.Popen[bytes]:
        setup = self._setup
        with (setup.out / RUNS / f"{training.name}.log").open("ab") as log, self._guard:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "edge_kit.sweeping.worker"],
                env=_environment(setup.plan, self._devices),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                process_group=0,  # Ctrl-C is not for it
            )
            if self._closed:  # meanwhile
                self._process.kill()
        order = {
            "out": str(setup.out),
            "cache": setup.cache,
            "training": training.name,
            "trials": [trial.name for trial in pending],
            "failures": dict(failures),
        }
        with suppress(Broken, OSError):  # it has ended already, which is told as such
            send(cast("BinaryIO", self._process.stdin), order)
        return self._process


def _is_told(out: Path, trial: Trial) -> bool:
    """Tell whether a trial has a record that holds."""
    try:
        return read_record(out, trial) is not None
    except DataError:
        return False


def _environment(plan: SweepPlan, devices: str | None) -> dict[str, str]:
    """Return the environment of a process that is to use no more than the plan gives it."""
    own = own_environment()
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
    own |= dict.fromkeys(threads, str(plan.cpus)) | {"TF_NUM_INTEROP_THREADS": "1"}
    if not plan.gpus:
        return {**own, "CUDA_VISIBLE_DEVICES": "-1"}
    chosen = {} if devices is None else {"CUDA_VISIBLE_DEVICES": devices}
    return {**own, **chosen, "TF_FORCE_GPU_ALLOW_GROWTH": "true"}
