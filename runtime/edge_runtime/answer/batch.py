"""Many films at once: a thread and an engine for each processor, answers in the films' order.

Pillow's decoders and the engines release Python's lock, so threads are enough. Each film is
judged by one thread and one engine: an answer does not depend on how many there are.
"""

from __future__ import annotations

import os
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock, Semaphore, Thread

from edge_runtime.errors import NoEngine
from edge_runtime.memory.budget import MemoryBudget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from edge_runtime.answer.classify import Answer

    Judge = Callable[[str], Answer]

AHEAD = 8
"""How many films a worker may be ahead of the oldest one without an answer."""


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "process_cpu_count"):  # since Python 3.13
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_order(
    films: Iterator[str], judge: Judge, another: Callable[[], Judge], most: int
) -> Generator[Answer]:
    """Yield the answer to each of `films`, in their order, from up to `most` workers.

    The first worker uses `judge`, the others what `another` opens for them. They start as films
    come, and where one cannot be opened the others go on without it.

    Raises:
        Exception: whatever `films` or a judge raised, once the answers before it are given.
    """
    workers = _Workers(films, another, most)
    try:
        if not workers.start(judge):
            yield from map(judge, films)
            return
        yield from workers.answers()
    finally:
        workers.stop()


class _Workers:
    """The workers, and what they share."""

    def __init__(self, films: Iterator[str], another: Callable[[], Judge], most: int) -> None:
        self._films, self._another, self._most = films, another, most
        self._workers = 0
        self._taken = 0
        self._taking = Lock()  # guards the films and the numbers
        self._over = False
        self._ahead = Semaphore(most * AHEAD)
        self._at_work = Semaphore(most)
        self._alone = Lock()
        self._memory = MemoryBudget()
        self._done: SimpleQueue[tuple[int, Answer | BaseException | None]] = SimpleQueue()

    def start(self, judge: Judge | None = None) -> bool:
        """Start one more worker, unless the machine has no room for its thread."""
        self._workers += 1
        # As a daemon: a signal does not wait for a large film.
        with suppress(RuntimeError, MemoryError):
            Thread(target=self._work, args=(judge,), daemon=True).start()
            return True
        return False

    def stop(self) -> None:
        """Let each worker end after its current film."""
        self._over = True
        self._ahead.release(self._most)

    def answers(self) -> Iterator[Answer]:
        """Yield the answers in order, each as soon as those before it are given."""
        waiting: dict[int, Answer | BaseException | None] = {}
        turn = 0
        while True:
            while turn not in waiting:
                # Windows delivers no signal to a thread that waits without a limit.
                with suppress(Empty):
                    index, judged = self._done.get(timeout=0.5)
                    waiting[index] = judged
            answer = waiting.pop(turn)
            if answer is None:
                return
            if isinstance(answer, BaseException):
                raise answer
            turn += 1
            self._ahead.release()
            yield answer

    def _work(self, judge: Judge | None) -> None:
        """Judge films until there are no more."""
        with self._taking:
            try:
                judge = judge or self._another()
            except (NoEngine, MemoryError):
                return
            except BaseException as error:  # not lost with this thread: the first one raises it
                self._end(error)
                return
        while True:
            self._ahead.acquire()
            with self._taking:
                taken = self._take()
            if taken is None:
                return
            index, film = taken
            try:
                self._done.put((index, self._judged(film, judge)))
            except BaseException as error:  # as above
                self._done.put((index, error))

    def _take(self) -> tuple[int, str] | None:
        """Return the next film and its place, and start a worker for the one after it."""
        if self._over:
            return None
        film, failure = None, None
        try:
            film = next(self._films, None)
        except BaseException as error:  # as above
            failure = error
        if film is None:
            self._end(failure)
            return None
        self._taken += 1
        if self._workers < self._most:
            self.start()
        return self._taken - 1, film

    def _end(self, failure: BaseException | None) -> None:
        """End the answers with the films taken so far, by raising `failure` if there is one."""
        if not self._over:
            self._over = True
            self._done.put((self._taken, failure))

    def _judged(self, film: str, judge: Judge) -> Answer:
        """Return the answer to `film`; where memory runs out, judge it again, alone."""
        with self._at_work, self._memory.film():
            answer = judge(film)
        if answer.error is None or not isinstance(answer.error.__cause__, MemoryError):
            return answer
        with self._alone:
            for _ in range(self._most):
                self._at_work.acquire()
            try:
                return judge(film)
            finally:
                self._at_work.release(self._most)
