"""Trainings as tasks of a Ray cluster, each of which asks for the CPUs and GPUs of the plan.

A task starts the process that `TrainingProcesses` would have started. All nodes have to see the
films, the plan's folder and the results under the same paths. A node that dies is Ray's to
replace: its task goes to another one, which goes on after the last whole epoch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from edge_kit.scoring.process import error_of
from edge_kit.scoring.ray_session import RaySession
from edge_kit.scoring.worker import told
from edge_kit.sweeping.plan import SweepTraining
from edge_kit.sweeping.process import Carrier, SweepSetup
from edge_kit.sweeping.records import TrialRecord, read_record, write_record
from edge_runtime.errors import DataError, EdgeError, UsageError

_LOOK = 1.0  # seconds


class TrainingCluster:
    """A Ray cluster that is started here, or joined."""

    def __init__(self, setup: SweepSetup, workers: int, cpus: int, address: str, gpus: int) -> None:
        """Start a cluster of `cpus` and `gpus` where `address` is empty; else join that one.

        Raises:
            EdgeError: there is none at that address.
            UsageError: no node has what a training asks for.
        """
        self._setup, plan = setup, setup.plan
        room = max(1, min(workers, cpus // plan.cpus))
        self._session = RaySession(address, cpus=room * plan.cpus, gpus=gpus)
        try:
            _require_room(plan.cpus, plan.gpus)
        except BaseException:
            self._session.close()
            raise

    def run(self, trainings: Sequence[SweepTraining]) -> Iterator[str]:
        """Yield the name of each trial that is done, see `TrainingExecutor`."""
        import ray

        plan = self._setup.plan
        task = ray.remote(num_cpus=plan.cpus, num_gpus=plan.gpus, max_retries=plan.retries)(_carry)
        going = {task.remote(self._setup, training): training for training in trainings}
        while going:
            ended, _ = ray.wait(list(going), num_returns=1, timeout=_LOOK)
            for reference in ended:
                training = going.pop(reference)
                try:
                    answer = ray.get(reference)
                except ray.exceptions.RayError as error:  # its node is gone, again and again
                    yield from self._lost(training, type(error).__name__)
                    continue
                if "words" in answer:
                    raise error_of(answer)
                yield from answer["done"]

    def _lost(self, training: SweepTraining, why: str) -> Iterator[str]:
        """Record the trials of a training that Ray gave up as failed, and yield their names."""
        out, plan = self._setup.out, self._setup.plan
        for trial in plan.trials_of(training):
            try:
                known = read_record(out, trial)
            except DataError:
                known = None
            if known is None:
                reason = f"Ray gave it up ({why})"
                known = TrialRecord(trial.name, "failed", plan.retries + 1, reason)
                write_record(out, trial, known)
            yield trial.name

    def close(self) -> None:
        """Leave the cluster; one that was started here ends, and its folder goes."""
        self._session.close()


def _carry(setup: SweepSetup, training: SweepTraining) -> dict[str, Any]:
    """Carry a training out on a node; return the trials that are done, or the error.

    The child ends with this process, whatever ends it.
    """
    done: list[str] = []
    with closing(Carrier(setup)) as carrier:
        try:
            carrier.carry_out(training, done.append)
        except EdgeError as error:
            return told(error)
    return {"done": done}


def _require_room(cpus: int, gpus: float) -> None:
    """Refuse a plan that no node has room for, which Ray would wait for without an end."""
    import ray

    known: Any = ray.nodes  # which has no types
    nodes: list[dict[str, Any]] = [node["Resources"] for node in known() if node["Alive"]]
    if any(node.get("CPU", 0) >= cpus and node.get("GPU", 0) >= gpus for node in nodes):
        return
    problem = f"no node of the cluster has {cpus} CPUs and {gpus:g} GPUs for a training"
    raise UsageError("sweep", problem, "lower cpus or gpus in the plan, or add a node")
