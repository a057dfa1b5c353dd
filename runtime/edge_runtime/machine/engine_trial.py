"""Engines timed against each other: `python -m edge_runtime.machine.engine_trial BUNDLE THREADS`.

In a process of its own, for an engine may crash on a processor that it was not built for, and two
of them take memory that no film should lack. Writes one `EngineChoice` as JSON to stdout.

The films are the bundle's golden ones: every machine has them, they are nobody's, and what each
engine has to answer is known. All engines judge them in turn, round by round, as many at once as
films will be judged. What counts is the time of the processors, which is what limits many films
and what other programs do not change by chance. Decision 62.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from itertools import cycle, islice
from statistics import median
from time import get_clock_info, perf_counter, process_time
from typing import TYPE_CHECKING

from edge_runtime.bundle import Bundle, open_bundle
from edge_runtime.console import write
from edge_runtime.engines import ENGINES, EngineUnavailable, open_engine
from edge_runtime.errors import EdgeError, NoEngine
from edge_runtime.machine import computer
from edge_runtime.machine.check import Replay, golden_pixels, replay
from edge_runtime.machine.engine_choice import START_UP, EngineChoice
from edge_runtime.machine.ratios import Ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edge_runtime.engines import Engine

    Open = Callable[[Bundle, str], Engine]
    Clock = Callable[[], float]

CLEAR = 0.9
"""The most that an engine's time may be of the default one's, for it to take its place."""
ROUNDS = 9
FILMS = 2
"""How many films an engine judges in a round, one after the other."""
AT_ONCE = 4
"""The most engines of a kind that run at once: more would tell the same and take memory."""
_FINE = 1e-4  # seconds


def trial(
    bundle: Bundle, threads: int, clock: Clock | None = None, start: Open = open_engine
) -> EngineChoice:
    """Return which engine is to judge many films of `bundle`, `threads` at once.

    `clock` returns seconds, by default of processor time; `start` opens an engine by its name.

    Raises:
        EdgeError: no engine runs, one failed, or the golden films give other pixels here.
    """
    at_once = min(threads, AT_ONCE)
    with ExitStack() as stack:
        engines = _opened(bundle, at_once, start, stack)
        if not engines:
            raise NoEngine(bundle.path, "no engine here can run it", "see edge-run doctor")
        default = next(iter(engines))
        rivals, why = _in_agreement([replay(bundle, mine[0]) for mine in engines.values()])
        if not rivals:
            return EngineChoice(default, default, why=why or "no other engine opens here")
        films = [golden_pixels(bundle, film) for film in bundle.manifest.golden.films]
        films = [*islice(cycle(films), FILMS)]
        timed = {name: engines[name] for name in (default, *rivals)}
        try:
            with ThreadPoolExecutor(at_once) as pool:
                times = _times(timed, films, clock or _clock(), pool)
        except EngineUnavailable as error:
            raise NoEngine(bundle.path, str(error), "try another --engine") from error
    return fastest(times, default, why)


def _opened(bundle: Bundle, at_once: int, start: Open, stack: ExitStack) -> dict[str, list[Engine]]:
    """Return the engines that open, `at_once` of each, in the order in which start-up tries them.

    Of those that one package brings, such as LiteRT's two, only the first.
    """
    engines: dict[str, list[Engine]] = {}
    packages: set[str] = set()
    for name in ENGINES:
        if computer.DISTRIBUTIONS[name] in packages:
            continue
        try:
            mine = [stack.enter_context(closing(start(bundle, name))) for _ in range(at_once)]
        except (NoEngine, MemoryError):
            continue
        engines[name] = mine
        packages.add(computer.DISTRIBUTIONS[name])
    return engines


def _in_agreement(replays: Sequence[Replay]) -> tuple[list[str], str]:
    """Return the engines that answer as the first does, and why one of the others does not."""
    first, *rest = replays
    if first.largest > first.tolerance:
        return [], f"{first.engine} does not answer the golden films as their maker's did"
    agree, why = [], ""
    for rival in rest:
        pairs = zip(first.comparisons, rival.comparisons, strict=True)
        apart = max(
            abs(ours - theirs)
            for here, there in pairs
            for ours, theirs in zip(here.actual, there.actual, strict=False)
        )
        # Written so that a logit that is no number disagrees.
        if max(apart, rival.largest) <= first.tolerance:
            agree.append(rival.engine)
        else:
            why = f"{rival.engine} does not answer as {first.engine} does, and is not used"
    return agree, why


def _times(
    engines: Mapping[str, Sequence[Engine]],
    films: Sequence[bytes],
    clock: Clock,
    pool: ThreadPoolExecutor,
) -> dict[str, list[float]]:
    """Return milliseconds a film of each engine in each round, after a round that does not count.

    Who begins changes from round to round.
    """

    def judge(engine: Engine) -> None:
        for film in films:
            engine.logits(film)

    times: dict[str, list[float]] = {name: [] for name in engines}
    for lap in range(-1, ROUNDS):
        for name in list(engines)[:: 1 if lap % 2 else -1]:
            began = clock()
            for _ in pool.map(judge, engines[name]):
                pass
            took = 1000 * (clock() - began) / len(films) / len(engines[name])
            if lap >= 0:
                times[name].append(took)
    return times


def _clock() -> Clock:
    """Return the clock of processor time, or where it is coarse, as on Windows, the one of time."""
    return process_time if get_clock_info("process_time").resolution < _FINE else perf_counter


def fastest(times: Mapping[str, Sequence[float]], default: str, why: str = "") -> EngineChoice:
    """Return the choice that the `times` of each round speak for, in milliseconds a film.

    Another engine takes the place of the default one where the median over rounds of its time over
    the default's is `CLEAR` at most, and it was faster in three quarters of the rounds.
    """
    ratios = {name: Ratio.of(mine, times[default]) for name, mine in times.items()}
    del ratios[default]
    challenger = min(ratios, key=lambda name: ratios[name].median)
    ratio = ratios[challenger]
    is_clear = ratio.median <= CLEAR and ratio.high < 1
    medians = {name: median(times[name]) for name in (default, challenger)}
    return EngineChoice(
        challenger if is_clear else default, default, challenger, ratio, medians, why
    )


def main() -> None:
    """Try what the command line names, and write the choice."""
    _, path, threads = sys.argv
    try:
        with open_bundle(path) as bundle:
            choice = trial(bundle, int(threads))
            identity = bundle.identity
    except (EdgeError, MemoryError) as error:
        why = error.problem if isinstance(error, EdgeError) else "too little memory"
        choice, identity = EngineChoice(START_UP, why=f"it could not be measured ({why})"), ""
    write(json.dumps({"identity": identity, **choice.to_json()}) + "\n")


if __name__ == "__main__":
    main()
