"""A process that carries out one training and its trials: `python -m edge_kit.sweeping.worker`.

It takes its order from stdin and tells on stdout what it is at. It ends with the process that
started it, in the middle of an epoch: whoever resumes goes on after the last whole one.
"""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO

from edge_export.quiet import import_tensorflow
from edge_kit.console import say
from edge_kit.data.reader import FilmReader
from edge_kit.files import locked
from edge_kit.sweeping.binding import read_binding
from edge_kit.sweeping.films import digest_of, fold_datasets
from edge_kit.sweeping.plan import SweepTraining, Trial
from edge_kit.sweeping.records import TrialRecord, run_of, write_record
from edge_kit.sweeping.rungs import read_rungs, stopped
from edge_kit.sweeping.trial import Bench, Stopped
from edge_runtime.errors import DataError, EdgeError
from edge_runtime.isolation.messages import Broken, receive, send
from edge_runtime.output import as_cannot_write

TRAINING = "training"
"""What a message names that is about the training, and not about one of its trials."""
TellDriver = Callable[[Mapping[str, Any]], None]


def main() -> None:
    """Carry out the one order that is given."""
    orders, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what others print is for the log
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which the driver is to handle
    warnings.simplefilter("ignore")
    order, _ = receive(orders, 0)
    Thread(target=_watch, args=(orders,), daemon=True).start()

    def tell(message: Mapping[str, Any]) -> None:
        send(answers, message)

    out = Path(order["out"])
    plan, digest = read_binding(out)
    training = next(one for one in plan.trainings if one.name == order["training"])
    wanted = set(order["trials"])
    trials = [trial for trial in plan.trials_of(training) if trial.name in wanted]
    tell({"at": TRAINING})
    with _told(TRAINING, tell), _alone(out, training):
        cache = order["cache"]
        reader = FilmReader(Path(cache) if cache else None, say)
        folds = fold_datasets(plan, reader)
        if digest_of(folds) != digest:
            raise DataError(plan.folders, "holds other films than the sweep was begun with")
        _carry_out(Bench(plan, out, folds, reader), training, trials, order["failures"], tell)
    tell({"over": True})


def _carry_out(
    bench: Bench,
    training: SweepTraining,
    trials: list[Trial],
    failures: Mapping[str, int],
    tell: TellDriver,
) -> None:
    hopeless = stopped(read_rungs(bench.out), training.model)
    try:
        if hopeless:  # in another fold or with another seed, or here before a kill
            raise Stopped(hopeless)
        import_tensorflow()
        bench.require_run(training)
    except Stopped as error:
        for trial in trials:
            write_record(bench.out, trial, TrialRecord(trial.name, "stopped", 1, str(error)))
            tell({"done": trial.name})
        return
    for trial in trials:
        tell({"at": trial.name})
        with _told(trial.name, tell):
            found, graph = bench.found(trial)
            tries = failures.get(trial.name, 0) + failures.get(TRAINING, 0) + 1
            write_record(
                bench.out, trial, TrialRecord(trial.name, "done", tries, found=found), graph
            )
            tell({"done": trial.name})


@contextmanager
def _told(name: str, tell: TellDriver) -> Iterator[None]:
    """Tell what ends the block, where it is no interruption."""
    try:
        yield
    except EdgeError as error:
        say(str(error))
        tell({"failed": name, "problem": str(error)})
    except Exception as error:  # of a network or a library: one trial's, and the others go on
        say(f"{type(error).__name__}: {error}")
        line = " ".join(str(error).split())[:300]
        tell({"failed": name, "problem": f"{type(error).__name__}: {line}"})


@contextmanager
def _alone(out: Path, training: SweepTraining) -> Iterator[None]:
    """Wait for a predecessor, whose driver was killed, to end."""
    place = run_of(out, training)
    with as_cannot_write(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        lock = place.with_suffix(".lock").open("wb")
    with lock, locked(lock):
        yield


def _watch(orders: BinaryIO) -> None:
    """End this process once nobody is there to give orders."""
    try:
        receive(orders, 0)
    except Broken:
        os._exit(1)


if __name__ == "__main__":
    main()
