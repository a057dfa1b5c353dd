"""Who scores parts: one interface, and the executor that runs processes on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Protocol

from edge_kit.scoring.board import IDLE, At
from edge_kit.scoring.manifest import ArchivePart
from edge_kit.scoring.process import Setup, Worker
from edge_runtime.errors import EdgeError


class Executor(Protocol):
    """Scores parts, in any order; what has been begun when it is closed is lost."""

    workers: int
    """How many parts are scored at once."""

    def run(self, parts: Sequence[ArchivePart]) -> Iterator[dict[str, Any]]:
        """Yield what is told of each part once its answers are on the disk.

        Raises:
            EdgeError: a part or the disk is at fault; the others stop.
        """

    def at(self) -> At:
        """Return what all workers have done so far in this run."""

    def close(self) -> None:
        """End the workers."""


class Processes:
    """A worker process for each processor, each of which takes a part when it has done its last."""

    def __init__(self, setup: Setup, workers: int) -> None:
        """Remember how to start them."""
        self.workers = workers
        self._setup = setup
        self._started: list[Worker] = []
        self._threads: list[Thread] = []
        self._guard = Lock()  # of the workers and of whose turn it is
        self._done: SimpleQueue[dict[str, Any] | BaseException] = SimpleQueue()
        self._over = False

    def run(self, parts: Sequence[ArchivePart]) -> Iterator[dict[str, Any]]:
        """Yield what is told of each part, see `Executor`."""
        rest = iter(parts)
        for _ in range(min(self.workers, len(parts))):
            thread = Thread(target=self._work, args=(rest,), daemon=True)
            self._threads.append(thread)
            thread.start()
        for _ in parts:
            told = self._done.get()
            if isinstance(told, BaseException):
                raise told
            yield told

    def _work(self, rest: Iterator[ArchivePart]) -> None:
        try:
            worker = Worker(self._setup)
            with self._guard:
                self._started.append(worker)
                if self._over:
                    worker.kill()
            while (part := self._next(rest)) is not None:
                self._done.put(worker.score(part))
        except EdgeError as error:  # raised where it is waited for
            self._done.put(error)
        except OSError as error:  # the system gives no process, file or memory
            problem = f"cannot go on ({error.strerror or error})"
            self._done.put(EdgeError("worker", problem, "give fewer --workers, and --resume"))

    def _next(self, rest: Iterator[ArchivePart]) -> ArchivePart | None:
        with self._guard:
            return None if self._over else next(rest, None)

    def at(self) -> At:
        """Return what all workers have done so far."""
        with self._guard:
            seen = [] if self._over else [worker.at() for worker in self._started]
        return summed(seen)

    def close(self) -> None:
        """End the workers."""
        with self._guard:
            self._over = True
            for worker in self._started:
                worker.kill()
        for thread in self._threads:
            thread.join()
        for worker in self._started:
            worker.close()


def summed(seen: Sequence[At]) -> At:
    """Return what several workers have done together."""
    return At(IDLE, *(sum(column) for column in list(zip(At(), *seen, strict=True))[1:]))
