"""How long each graph takes for one film, on this machine and one thread.

A machine's speed changes from second to second by more than the graphs differ. So the graphs are
timed in turn on the same film, and compared within a round, never across rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from scipy import stats

from edge_export.films.pixels import FilmPixels, progress
from edge_export.graph.artefact import Artefact, open_artefact
from edge_export.quantize.recipe import FLOAT32
from edge_export.statistics.estimates import Estimate, Floats
from edge_runtime.errors import DataError

_WARM_UP, _FEWEST = 10, 40  # rounds
_PATIENCE = 3.0  # seconds after which the rounds done so far must suffice
# Recipes that make the file smaller and still compute in floating point.
_NO_FASTER = ("float", "weight_only")


@dataclass(frozen=True, slots=True)
class Latency:
    """Median milliseconds of one film, their 95 % interval, and the share of the float's time.

    `ratio` is the median over the rounds of this graph's time by that of the float graph of the
    same format; its `n` counts rounds, and for the float graph itself it is exactly one.
    """

    file: str
    recipe: str
    milliseconds: float
    low: float
    high: float
    ratio: Estimate


def latencies(
    artefacts: Sequence[Artefact],
    pixels: FilmPixels,
    rounds: int = 200,
    clock: Callable[[], float] = perf_counter,
) -> dict[str, Latency]:
    """Return the latency of each of `artefacts`, by file, on `(n, h, w, c)` pixels in turn.

    At most `rounds` of them, and fewer on a machine that takes more than a few seconds for them.
    `clock` tells seconds. The intervals take the rounds to be independent.

    Raises:
        DataError: there are no films, or an artefact has no float graph of its format beside it.
        NoEngine: nothing on this machine runs one of the graphs.
    """
    floats = {
        artefact.format: artefact.file for artefact in artefacts if artefact.recipe == FLOAT32.name
    }
    for artefact in artefacts:
        if artefact.format not in floats:
            problem = f"no float {artefact.format} graph is there to be compared with"
            raise DataError(artefact.file, problem, "measure them together")
    if not len(pixels):
        raise DataError("latency", "there is no film to measure it on", "give one or more")
    seconds = _seconds([(artefact, pixels) for artefact in artefacts], rounds, clock)
    return {
        artefact.file: _latency(artefact, seconds[artefact.file], seconds[floats[artefact.format]])
        for artefact in artefacts
    }


def milliseconds(
    graphs: Sequence[tuple[Artefact, FilmPixels]],
    rounds: int = 200,
    clock: Callable[[], float] = perf_counter,
) -> dict[str, Estimate]:
    """Return the median milliseconds of one film by file, each graph on `(n, h, w, c)` of its own.

    The graphs are timed in turn, as by `latencies`, and need not be of one network.

    Raises:
        NoEngine: nothing on this machine runs one of the graphs.
    """
    seconds = _seconds(graphs, rounds, clock)
    return {file: _median(1000 * times) for file, times in seconds.items()}


def slower_than_float(latencies: Mapping[str, Latency]) -> list[str]:
    """Return a line for each graph that computes in integers and was not shown to be faster."""
    return [
        f"{latency.file} is not faster than float on this machine: it takes "
        f"{latency.ratio.value:.2f} ({latency.ratio.low:.2f} to {latency.ratio.high:.2f}) of the "
        "time"
        for latency in latencies.values()
        if latency.ratio.high >= 1 and not latency.recipe.startswith(_NO_FASTER)
    ]


def _seconds(
    graphs: Sequence[tuple[Artefact, FilmPixels]], rounds: int, clock: Callable[[], float]
) -> dict[str, Floats]:
    """Return by file the seconds `(n,)` of one film, in a round the film of one number for all."""
    engines = {
        artefact.file: open_artefact(artefact, (1, *pixels.shape[1:]))
        for artefact, pixels in graphs
    }
    films = {artefact.file: pixels for artefact, pixels in graphs}
    files = list(engines)
    seconds: dict[str, list[float]] = {file: [] for file in files}
    began = clock()
    for number in progress(range(_WARM_UP + rounds), _WARM_UP + rounds, "latency", "round"):
        if number >= _WARM_UP + _FEWEST and clock() - began > _PATIENCE:
            break
        first = number % len(files)  # so that every graph is first, second, ... equally often
        for file in files[first:] + files[:first]:
            film = films[file][number % len(films[file])].tobytes()
            started = clock()
            engines[file].logits(film)
            seconds[file].append(clock() - started)
    return {file: np.array(times[_WARM_UP:]) for file, times in seconds.items()}


def _latency(artefact: Artefact, seconds: Floats, reference: Floats) -> Latency:
    time = _median(1000 * seconds)
    ratio = _median(seconds / reference)
    return Latency(artefact.file, artefact.recipe, time.value, time.low, time.high, ratio)


def _median(sample: Floats) -> Estimate:
    """Return the median of `(n,)` numbers with its distribution-free 95 % interval.

    By order statistics and the binomial distribution: Conover, Practical Nonparametric Statistics,
    3rd ed. (1999), section 3.2, as scipy computes it.

    Raises:
        ValueError: fewer than six numbers, which have no such interval.
    """
    interval = stats.quantile_test(sample, p=0.5).confidence_interval(0.95)
    low, high = float(interval.low), float(interval.high)
    return Estimate(float(np.median(sample)), low, high, len(sample))
