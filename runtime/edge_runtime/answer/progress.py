"""The progress of a batch, on the last line of a terminal."""

from __future__ import annotations

from contextlib import closing
from threading import Thread
from time import monotonic

from edge_runtime.console import columns, show
from edge_runtime.film.walk import films_below

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from edge_runtime.answer.classify import Answer
    from edge_runtime.answer.resume import Results

_EVERY = 0.2  # seconds between two looks


def reported(
    answers: Generator[Answer], arguments: Sequence[str], results: Results | None
) -> Generator[Answer]:
    """Pass `answers` on, and show how many have come."""
    progress = Progress(arguments)
    with closing(answers):
        for answer in answers:
            yield answer
            progress.step(answer.error is None, results.skipped if results else 0)


class Progress:
    """Films done, films refused or not read, films a second and, where it is known, the time left.

    A thread of its own counts the films below `arguments` meanwhile; it keeps no names.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self._total: int | None = None
        self._started = self._looked = monotonic()
        self._answered = self._without = 0
        if arguments:
            Thread(target=self._count, args=(arguments,), daemon=True).start()

    def _count(self, arguments: Sequence[str]) -> None:
        self._total = sum(1 for argument in arguments for _ in films_below(argument))

    def step(self, answered: bool, skipped: int) -> None:
        """Count one more film, after `skipped` that needed no answer."""
        self._answered += 1
        self._without += not answered
        now = monotonic()
        if now - self._looked >= _EVERY:
            self._looked = now
            show(self.line(now - self._started, skipped)[: columns() - 1])

    def line(self, seconds: float, skipped: int) -> str:
        """Return what is shown after `seconds`."""
        done = self._answered + skipped
        rate = self._answered / max(seconds, 1e-9)
        total = f"/{self._total}" if self._total else ""
        line = f"{done}{total} films, {self._without} without an answer, {rate:.1f}/s"
        if self._total:
            line += f", {_span(max(self._total - done, 0) / rate)} left"
        return line


def _span(seconds: float) -> str:
    """Return a number of seconds in the largest unit that gives a whole number above one."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
