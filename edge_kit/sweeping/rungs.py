"""Which trainings are stopped early: asynchronous successive halving, on validation films.

Li et al., A System for Massively Parallel Hyperparameter Tuning, MLSys 2020 (ASHA), in the variant
that stops trainings and never pauses them. Networks are compared within one fold and seed, by the
AUC on the validation films after the epoch of a rung. DIR/rungs.jsonl has a line for each.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from edge_kit.files import locked
from edge_kit.sweeping.plan import Halving, SweepTraining
from edge_runtime.errors import DataError
from edge_runtime.output import as_cannot_write

RUNGS = "rungs.jsonl"


@dataclass(frozen=True, slots=True)
class Rung:
    """What a training was at a rung, and whether it was stopped there, the `place`-th of `of`."""

    training: str
    model: str
    fold: int
    seed: int
    epoch: int
    auc: float
    stopped: bool
    place: int
    of: int

    def __str__(self) -> str:
        return (
            f"stopped after epoch {self.epoch} in fold {self.fold}, seed {self.seed}: validation "
            f"AUC {self.auc:.3f}, number {self.place} of the {self.of} that had come so far"
        )


def goes_on(place: int, of: int, reduction_factor: int) -> bool:
    """Tell whether the `place`-th best, from 1, of `of` trainings at a rung goes on."""
    return place <= math.ceil(of / reduction_factor)


def read_rungs(out: Path) -> list[Rung]:
    """Return all rungs in `out`; a torn last line is none.

    Raises:
        DataError: the file is not what was written.
    """
    path = out / RUNGS
    try:
        whole = [line for line in path.read_bytes().splitlines(keepends=True) if line[-1:] == b"\n"]
        return [Rung(**json.loads(line)) for line in whole]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        problem = "is not what a sweep writes"
        raise DataError(path, problem, "name another --out") from error


def stopped(rungs: Sequence[Rung], model: str) -> Rung | None:
    """Return where a training of the network `model` was stopped first, if one was."""
    return next((rung for rung in rungs if rung.stopped and rung.model == model), None)


def decide(out: Path, training: SweepTraining, epoch: int, auc: float, rule: Halving) -> Rung:
    """Return the rung of a training after `epoch`, on the disk; what was decided before stands.

    Raises:
        CannotWrite: the disk does not take it.
        DataError: the file is not what was written.
    """
    path = out / RUNGS
    with as_cannot_write(path), path.open("ab+") as stream, locked(stream):
        before = read_rungs(out)
        for rung in before:
            if (rung.training, rung.epoch) == (training.name, epoch):
                return rung
        of_same = training.fold, training.seed, epoch
        others = [rung.auc for rung in before if (rung.fold, rung.seed, rung.epoch) == of_same]
        place, of = 1 + sum(other > auc for other in others), len(others) + 1
        stop = not goes_on(place, of, rule.reduction_factor)
        named = training.name, training.model, training.fold, training.seed
        rung = Rung(*named, epoch, auc, stop, place, of)
        stream.truncate(_sound(path))
        stream.write(json.dumps(asdict(rung)).encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    return rung


def _sound(path: Path) -> int:
    """Return the bytes of the file that are whole lines."""
    return path.read_bytes().rfind(b"\n") + 1
