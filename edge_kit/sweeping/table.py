"""The table of a sweep: trials, configurations with means over folds and seeds, and the front."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev

from edge_export.statistics.estimates import NORMAL_95, Estimate
from edge_kit.sweeping.pareto import Merits, dominated_by
from edge_kit.sweeping.plan import Configuration, SweepPlan, Trial
from edge_kit.sweeping.records import TrialFigures, TrialRecord

LAW = (
    "On the front is what no other configuration beats: none is at least as good in mean AUC, mean "
    "sensitivity, bytes, latency and verdict (pass before undecided), and better in one of them. A "
    "configuration with the verdict fail, with a trial that failed or was stopped, or with an "
    "unknown figure is not on the front."
)
LAW_UNTIMED = (
    LAW.replace("latency and", "and").replace("bytes,", "bytes")
    + " Latency was not measured, as the plan says, and counts for nothing."
)
WINNER = (
    "The winner is the configuration on the front with the highest mean AUC; of equals, the "
    "smallest."
)
MEANS = (
    "Means are over folds and seeds. Their intervals are those of the mean over the folds, from "
    "the variances that the folds' own intervals imply (LeDell, Petersen and van der Laan, "
    "Electron. J. Stat. 9 (2015) 1583); seeds test the same films again and make no interval "
    "narrower. Films count as independent. The spread is the standard deviation over the trials, "
    "with the least and the most."
)
CHOSEN = (
    "All figures are of films outside the data's test split, which no trial has seen. The winner's "
    "are too good by the choice itself: the report of its bundle tells what it is worth on the "
    "test films."
)


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over folds and seeds with its interval, and the spread of the trials."""

    mean: Estimate
    spread: float
    least: float
    most: float
    trials: int


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of a configuration; `why_not` says why it is not on the front."""

    configuration: Configuration
    trials: int
    failed: int
    stopped: int
    auc: Mean | None = None
    sensitivity: Mean | None = None
    bytes: int | None = None
    latency: Estimate | None = None
    verdict: str | None = None
    why_not: str = ""
    winner: bool = False

    @property
    def on_front(self) -> bool:
        """Whether nothing beats it."""
        return not self.why_not


def mean_of(by_seed: Sequence[Sequence[Estimate]]) -> Mean:
    """Return the mean of estimates, given those of the folds for each seed.

    Raises:
        ValueError: there are none.
    """
    margins = [
        NORMAL_95 * math.sqrt(math.fsum(_error(fold) ** 2 for fold in folds)) / len(folds)
        for folds in by_seed
    ]
    values = [fold.value for folds in by_seed for fold in folds]
    mean, margin = fmean(values), fmean(margins)
    films = sum(fold.n for fold in by_seed[0])
    estimate = Estimate(mean, max(0.0, mean - margin), min(1.0, mean + margin), films)
    spread = stdev(values) if len(values) > 1 else 0.0
    return Mean(estimate, spread, min(values), max(values), len(values))


def rows(
    plan: SweepPlan, records: Mapping[str, TrialRecord], latencies: Mapping[int, Estimate]
) -> list[Row]:
    """Return the row of each configuration, given all records and the latencies by its number."""
    trials: dict[Configuration, list[Trial]] = {way: [] for way in plan.configurations}
    for trial in plan.trials:
        trials[trial.configuration].append(trial)
    found = [
        _row(plan, way, own, records, latencies.get(way.number)) for way, own in trials.items()
    ]
    merits = {
        row.configuration.number: _merits(row, timed=plan.latency)
        for row in found
        if not row.why_not
    }
    beaten = dominated_by(merits)
    told = [_beaten(row, beaten.get(row.configuration.number)) for row in found]
    return _with_winner(told)


def summary(found: Sequence[Row], specificity: float) -> str:
    """Return the table of configurations as text, the front marked."""
    sensitivity = f"sensitivity at {specificity:g}"
    lines = [f"{'':>4}  {'AUC':<34}{sensitivity:<34}{'kB':>8}{'ms':>9}  verdict"]
    for row in found:
        figures = (row.auc and row.auc.mean, row.sensitivity and row.sensitivity.mean)
        means = "".join(f"{'-' if mean is None else mean!s:<34}" for mean in figures)
        size = "-" if row.bytes is None else f"{row.bytes / 1000:.1f}"
        time = "-" if row.latency is None else f"{row.latency.value:.3f}"
        mark = "winner" if row.winner else row.why_not or "front"
        number = row.configuration.number
        lines += [
            f"{number:>4}  {row.configuration}: {mark}",
            f"{'':>4}  {means}{size:>8}{time:>9}  {row.verdict or '-'}",
        ]
    return "\n".join([*lines, ""])


def _row(
    plan: SweepPlan,
    configuration: Configuration,
    trials: Sequence[Trial],
    records: Mapping[str, TrialRecord],
    latency: Estimate | None,
) -> Row:
    own = [(trial, records[trial.name]) for trial in trials]
    failed, stopped = (
        sum(record.outcome == outcome for _, record in own) for outcome in ("failed", "stopped")
    )
    counts = len(own), failed, stopped
    done = [(trial, record.found) for trial, record in own if record.found]
    if not done:
        return Row(configuration, *counts, why_not=_unfinished(*counts))
    verdict = _worst([found.verdict for _, found in done])
    whole = len(done) == len(own)
    return Row(
        configuration,
        *counts,
        auc=mean_of(_by_seed(done, "auc")) if whole else None,
        sensitivity=mean_of(_by_seed(done, "sensitivity")) if whole else None,
        bytes=max(found.bytes for _, found in done),
        latency=latency,
        verdict=verdict,
        why_not=_why_not(counts, verdict, latency, timed=plan.latency),
    )


def _by_seed(done: Sequence[tuple[Trial, TrialFigures]], name: str) -> list[list[Estimate]]:
    seeds: dict[int, list[Estimate]] = {}
    for trial, found in done:
        seeds.setdefault(trial.training.seed, []).append(getattr(found, name))
    return list(seeds.values())


def _why_not(
    counts: tuple[int, int, int], verdict: str, latency: Estimate | None, *, timed: bool
) -> str:
    """Return why a configuration cannot be on the front, "" where it can."""
    if unfinished := _unfinished(*counts):
        return unfinished
    if verdict == "fail":
        return "its verdict is fail"
    return "its latency is not known" if timed and latency is None else ""


def _unfinished(trials: int, failed: int, stopped: int) -> str:
    told = [f"{failed} of {trials} trials failed"] if failed else []
    told += [f"{stopped} of {trials} trials were stopped early"] if stopped else []
    return ", ".join(told)


def _worst(verdicts: Sequence[str]) -> str:
    return next(verdict for verdict in ("fail", "undecided", "pass") if verdict in verdicts)


def _merits(row: Row, *, timed: bool) -> Merits:
    if row.auc is None or row.sensitivity is None or row.bytes is None:
        raise ValueError(f"{row.configuration} has unknown figures")
    known = [row.auc.mean.value, row.sensitivity.mean.value, -row.bytes, row.verdict == "pass"]
    if timed and row.latency:
        known.append(-row.latency.value)
    return tuple(map(float, known))


def _beaten(row: Row, by: int | None) -> Row:
    return row if by is None else replace(row, why_not=f"beaten by {by}")


def _with_winner(found: list[Row]) -> list[Row]:
    front = [row for row in found if row.on_front]
    if not front:
        return found
    best = max(front, key=lambda row: (row.auc.mean.value if row.auc else 0, -(row.bytes or 0)))
    return [replace(row, winner=row is best) for row in found]


def _error(estimate: Estimate) -> float:
    """Return the standard error that an interval implies, of its longer side."""
    return max(estimate.value - estimate.low, estimate.high - estimate.value) / NORMAL_95
