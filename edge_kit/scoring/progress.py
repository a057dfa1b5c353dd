"""How scoring goes on: films done, rate, time left, and what takes the most of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic

from edge_kit.scoring.board import At
from edge_runtime.console import columns, is_watched, show

_TERMINAL, _LOG = 1.0, 10.0
"""Seconds between two lines, on a terminal and in a log."""


def shares(at: At, workers: int, seconds: float) -> dict[str, float]:
    """Return the shares of the workers' time: storage, decode, inference, and driver.

    What of `seconds` for each of `workers` was spent in no film is the driver's: starting, waiting
    for parts, writing them.
    """
    whole = max(workers * seconds, at.busy, 1e-9)
    known = {"storage": at.storage, "decode": at.decode, "inference": at.inference}
    spent = {name: value / whole for name, value in known.items()}
    return {**spent, "driver": max(0.0, 1 - sum(spent.values()))}


def line(at: At, rows: int, workers: int, seconds: float) -> str:
    """Return the line about `rows` films, of which some are done after `seconds`."""
    rate = at.films / max(seconds, 1e-9)
    told = f"{at.films}/{rows} films, {rate:.1f}/s"
    if at.films:
        told += f", {span(max(rows - at.films, 0) / rate)} left"
    parts = shares(at, workers, seconds)
    most = max(parts, key=lambda name: parts[name])
    return f"{told}, bottleneck {most} ({parts[most]:.0%} of the workers' time)"


@contextmanager
def shown(
    at: Callable[[], At], rows: int, workers: int, say: Callable[[str], None]
) -> Iterator[None]:
    """Show the progress of the block, from a thread of its own."""
    done, began = Event(), monotonic()
    watched = is_watched(rows_elsewhere=True)

    def watch() -> None:
        while not done.wait(_TERMINAL if watched else _LOG):
            told = line(at(), rows, workers, monotonic() - began)
            if watched:
                show(told[: columns() - 1])
            else:
                say(told)

    thread = Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        if watched:
            show("")


def span(seconds: float) -> str:
    """Return a number of seconds in the largest unit that gives a whole number above one."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
