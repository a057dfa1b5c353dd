"""A sweep carried out: what has a record is taken as it is, then the table is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from edge_kit.console import elapsed_shown
from edge_kit.data.reader import FilmReader
from edge_kit.files import require_own_files
from edge_kit.scoring.journal import held
from edge_kit.scoring.progress import span
from edge_kit.sweeping.binding import begun, bind, require_same
from edge_kit.sweeping.executor import TrainingExecutor, TrainingProcesses, gpus_here, slots_of
from edge_kit.sweeping.films import digest_of, fold_datasets
from edge_kit.sweeping.latency import measured
from edge_kit.sweeping.papers import Papers
from edge_kit.sweeping.plan import SweepPlan, SweepTraining, Trial
from edge_kit.sweeping.process import SweepSetup
from edge_kit.sweeping.records import TRIALS, TrialRecord, place_of, read_record
from edge_kit.sweeping.rungs import read_rungs
from edge_kit.sweeping.table import Row, rows
from edge_runtime.errors import CannotWrite, DataError
from edge_runtime.output import as_cannot_write

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SweepOrder:
    """What is swept, and how; `again` are trials that failed.

    `cluster` is the address of a Ray cluster, "" one that is started here, None processes here.
    """

    plan: SweepPlan
    out: Path
    cache: Path | None
    resume: bool = False
    again: bool = False
    workers: int = 1
    cpus: int = 1
    cluster: str | None = None


@dataclass(frozen=True, slots=True)
class Swept:
    """What is there after a sweep."""

    rows: Sequence[Row]
    records: Mapping[str, TrialRecord]

    @property
    def failed(self) -> list[TrialRecord]:
        """The trials that failed as often as they were tried."""
        return [record for record in self.records.values() if record.outcome == "failed"]

    @property
    def winner(self) -> Row | None:
        """The configuration that was chosen, if one could be."""
        return next((row for row in self.rows if row.winner), None)


def sweep(order: SweepOrder, say: Say) -> Swept:
    """Carry out what has no record yet, measure latencies, and write the table.

    Raises:
        UsageError: the folder was begun by another plan, or there are no GPUs for a training.
        CannotWrite: something is there and is not to go on, or the disk refuses.
        DataError: the films cannot be used, or are others than before.
        EdgeError: the cluster is at fault.
    """
    plan, out = order.plan, order.out
    if order.cluster is None:
        slots_of(plan, order.workers, order.cpus)  # whether there is room, before films are read
    _require_place(order)
    with held(out):
        reader = FilmReader(order.cache, say)
        folds = fold_datasets(plan, reader)
        bind(out, plan, digest_of(folds))
        with as_cannot_write(out):
            (out / TRIALS).mkdir(exist_ok=True)
        known = _known(order, say)
        pending = _pending(plan, known)
        _told(plan, len(known), say)
        if pending:
            _run(order, pending, len(known), say)
        records = {trial.name: _record(out, trial) for trial in plan.trials}
        latencies = {}
        if plan.latency:
            with elapsed_shown("latency"):
                latencies = measured(out, plan, records)
        table = rows(plan, records, latencies)
        rungs, modality = read_rungs(out), folds[0].modality
        Papers(out, plan, modality, records, table, rungs, folds[0].warnings).write()
    return Swept(table, records)


def _require_place(order: SweepOrder) -> None:
    """Refuse a folder that is somebody else's, or of another plan, before films are read."""
    out = order.out
    if begun(out):
        if not order.resume:
            cure = "go on with --resume, or name a new folder"
            raise CannotWrite(out, "holds a sweep already", cure)
        require_own_files(out)
        require_same(out, order.plan)
        return
    with as_cannot_write(out):
        if not out.exists() or (
            out.is_dir() and {path.name for path in out.iterdir()} <= {".lock"}
        ):
            return
    raise CannotWrite(out, "exists already", "name a new folder")


def _known(order: SweepOrder, say: Say) -> dict[str, TrialRecord]:
    """Return the records that hold, by trial; those to be done `again` are removed."""
    known = {}
    for trial in order.plan.trials:
        try:
            record = read_record(order.out, trial)
        except DataError as error:
            say(str(error))
            continue
        if record and record.outcome == "failed" and order.again:
            with as_cannot_write(order.out):
                place_of(order.out, trial).unlink()
        elif record:
            known[trial.name] = record
    return known


def _pending(plan: SweepPlan, known: Mapping[str, TrialRecord]) -> list[SweepTraining]:
    return [
        training
        for training in plan.trainings
        if any(trial.name not in known for trial in plan.trials_of(training))
    ]


def _told(plan: SweepPlan, known: int, say: Say) -> None:
    count, words = plan.trial_count()
    before = f", {known} of them done before" if known else ""
    say(f"{count} trials: {words}; {len(plan.trainings)} trainings{before}")


def _run(order: SweepOrder, pending: Sequence[SweepTraining], known: int, say: Say) -> None:
    plan, out, began = order.plan, order.out, monotonic()
    trials = {trial.name: trial for trial in plan.trials}
    executor = _executor(order)
    with closing(executor), elapsed_shown("trials"):
        for done, name in enumerate(executor.run(pending), 1):
            left = len(trials) - known - done
            rest = (monotonic() - began) / done * left
            place = f"{known + done}/{len(trials)}"
            after = f"; {span(rest)} left" if left > 0 else ""
            say(f"{place} {trials[name]}: {_words(_record(out, trials[name]))}{after}")


def _executor(order: SweepOrder) -> TrainingExecutor:
    setup = SweepSetup(order.plan, order.out.resolve(), str(order.cache or ""))
    if order.cluster is None:
        return TrainingProcesses(setup, order.workers, order.cpus)
    from edge_kit.sweeping.cluster import TrainingCluster

    gpus = len(gpus_here()) if order.plan.gpus else 0
    return TrainingCluster(setup, order.workers, order.cpus, order.cluster, gpus)


def _record(out: Path, trial: Trial) -> TrialRecord:
    """Return the record of a trial that is told.

    Raises:
        DataError: it has none that holds.
    """
    record = read_record(out, trial)
    if record is None:
        raise DataError(place_of(out, trial), "has vanished", "go on with --resume")
    return record


def _words(record: TrialRecord) -> str:
    if record.found is None:
        return f"failed: {record.reason}" if record.outcome == "failed" else record.reason
    return f"AUC {record.found.auc}, {record.found.verdict}"
