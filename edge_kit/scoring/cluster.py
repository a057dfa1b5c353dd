"""Parts scored by a Ray cluster: Ray Data over their numbers, one worker process an actor.

The actor holds the worker that `Processes` would have, so a film that ends it does not end
the actor. A node that dies is Ray's to replace; which parts are done is ours to know. All
nodes have to see the films, the bundle, the manifest and the results under the same paths.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from edge_kit.scoring.board import IDLE, At
from edge_kit.scoring.manifest import ArchivePart
from edge_kit.scoring.process import Setup, Worker
from edge_kit.scoring.ray_session import RaySession
from edge_kit.scoring.scorer import part_of
from edge_kit.scoring.worker import told
from edge_runtime import errors
from edge_runtime.errors import EdgeError

_WAVE = 2000
"""Parts in one run of Ray Data, which plans a block for each."""


class ScoringActor:
    """A worker process, started once, that scores the parts it is given."""

    def __init__(self, setup: Setup) -> None:
        self._worker = Worker(setup)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return what is told of the one part in `batch`, an error among it."""
        import json

        task = json.loads(str(batch["task"][0]))
        before = self._worker.at()
        try:
            answer = self._worker.score(part_of(task))
        except EdgeError as error:
            answer = told(error)
        now = self._worker.at()
        spent = [b - a for a, b in zip(before[1:], now[1:], strict=True)]
        return {"told": [json.dumps({"answer": answer, "spent": spent})]}


class Cluster:
    """A Ray cluster that is started here, or joined."""

    def __init__(self, setup: Setup, workers: int, address: str) -> None:
        """Start a cluster where `address` is empty; else join that one.

        Raises:
            EdgeError: there is none at that address.
        """
        self.workers = workers
        self._setup, self._at = setup, At()
        self._session = RaySession(address, cpus=workers)

    def run(self, parts: Sequence[ArchivePart]) -> Iterator[dict[str, Any]]:
        """Yield what is told of each part, see `Executor`."""
        for start in range(0, len(parts), _WAVE):
            yield from self._wave(parts[start : start + _WAVE])

    def _wave(self, parts: Sequence[ArchivePart]) -> Iterator[dict[str, Any]]:
        import json

        import ray.data

        logging.getLogger("ray.data").setLevel(logging.ERROR)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        tasks = [{"task": json.dumps({**asdict(p), "path": str(p.path)})} for p in parts]
        # A block for each part, so that what is told of it comes when it is done.
        scored = ray.data.from_items(tasks, override_num_blocks=len(tasks)).map_batches(
            ScoringActor,
            fn_constructor_args=(self._setup,),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(
                min_size=1, max_size=self.workers, max_tasks_in_flight_per_actor=2
            ),
            num_cpus=1,
        )
        for row in scored.iter_rows():
            message = json.loads(row["told"])
            spent = [a + b for a, b in zip(self._at[1:], message["spent"], strict=True)]
            self._at = At(IDLE, int(spent[0]), *spent[1:])
            answer = message["answer"]
            if "words" in answer:
                kind = getattr(errors, answer["kind"])
                raise kind(*answer["words"])
            yield answer

    def at(self) -> At:
        """Return what the parts that are done have taken."""
        return self._at

    def close(self) -> None:
        """Leave the cluster; one that was started here ends, and its folder goes."""
        self._session.close()
