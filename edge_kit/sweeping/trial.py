"""A training and its trials, in the process that carries them out. It loads TensorFlow."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_export.export import require_certain_graphs
from edge_export.proof.decision import MOST_UNCERTAIN
from edge_export.proof.parity import REFERENCE
from edge_export.quantize.recipe import FLOAT32
from edge_export.statistics.estimates import auc
from edge_export.statistics.operating_point import sensitivity_at
from edge_kit.console import refusing, say
from edge_kit.data.dataset import Dataset
from edge_kit.data.reader import FilmReader
from edge_kit.exporting.export import examine_source
from edge_kit.exporting.order import ExportOrder
from edge_kit.exporting.source import source_of_run
from edge_kit.files import staging
from edge_kit.sweeping.films import training_plan
from edge_kit.sweeping.plan import Halving, SweepPlan, SweepTraining, Trial
from edge_kit.sweeping.records import TrialFigures, run_of
from edge_kit.sweeping.rungs import Rung, decide
from edge_kit.training.records import recorded
from edge_kit.training.run import finished, read_config
from edge_kit.training.train import train
from edge_runtime.bundle.digest import sha256
from edge_runtime.errors import DataError, ParityFailed

if TYPE_CHECKING:
    import keras

    from edge_export.proof.findings import Findings


class Stopped(Exception):
    """A training was stopped early at a rung."""

    def __init__(self, rung: Rung) -> None:
        """Remember the rung."""
        super().__init__(str(rung))


@dataclass(frozen=True, slots=True)
class Bench:
    """What all trainings of a process have in common: plan, folder, films of each fold."""

    plan: SweepPlan
    out: Path
    folds: list[Dataset]
    reader: FilmReader

    def dataset(self, training: SweepTraining) -> Dataset:
        """Return the films of a training; those of its fold test it."""
        return self.folds[training.fold - 1]

    def require_run(self, training: SweepTraining) -> None:
        """Train, or go on with a training that was interrupted; a finished run stays as it is.

        Raises:
            Stopped: it is not among the best at a rung.
            EdgeError: as `train` does.
        """
        run, dataset = run_of(self.out, training), self.dataset(training)
        if finished(run):
            return
        plan = training_plan(self.plan, training.model, training.seed, dataset.modality)
        rule = self.plan.early_stopping
        halving = [_halving(self, training, rule)] if rule else []
        try:
            with recorded(run, dataset.films) as callbacks:
                train(
                    *(dataset, self.plan.folders, plan, run, say),
                    reader=self.reader,
                    resume=True,
                    callbacks=[*callbacks, *halving],
                )
        except Stopped:
            shutil.rmtree(staging(run), ignore_errors=True)
            raise

    def found(self, trial: Trial) -> tuple[TrialFigures, bytes]:
        """Return what a trial finds, and the graph that `edge-run` would open.

        Raises:
            EdgeError: model or films cannot be used, or a graph cannot be run.
        """
        run, dataset = run_of(self.out, trial.training), self.dataset(trial.training)
        rules = self.plan.rules(trial.configuration)
        order = ExportOrder(source=run, out=Path("trial.edge"), rules=rules)
        source = source_of_run(run, self.plan.folders, dataset)
        with refusing(dataset.modality, *dataset.names):
            findings, facts = examine_source(source, order, self.reader, say)
        size = facts.preprocess
        shape = (size.height, size.width, size.channels)
        return _found(findings, trial, self.plan.specificity, shape, read_config(run).epochs)


def _halving(bench: Bench, training: SweepTraining, rule: Halving) -> keras.callbacks.Callback:
    """Return what ends `training` at a rung where it is not among the best."""
    import keras

    rungs = rule.rungs(bench.plan.epochs_of(training.model))

    class AtRungs(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            if epoch + 1 in rungs and logs and "val_auc" in logs:
                rung = decide(bench.out, training, epoch + 1, float(logs["val_auc"]), rule)
                if rung.stopped:
                    raise Stopped(rung)

    return AtRungs()


def _found(
    findings: Findings,
    trial: Trial,
    specificity: float,
    shape: tuple[int, int, int],
    epochs: int,
) -> tuple[TrialFigures, bytes]:
    artefact = findings.bundled[0]
    # A constant network is not quantized; a remedy may have chosen int16 activations.
    if artefact.recipe == FLOAT32.name and trial.configuration.recipe != FLOAT32.name:
        raise DataError(trial, "; ".join(findings.reasons) or "was not quantized")
    tested = np.array([split == "test" for split in findings.held_out.splits])
    positive = findings.held_out.positive[tested]
    score = findings.measured[artefact.file].logits[tested]
    verdict, reasons = _verdict(findings, trial)
    remedies = findings.ladder[1:]  # of which the last one holds, or none
    changed = remedies[-1].changed if remedies and remedies[-1].answer != "fail" else ""
    found = TrialFigures(
        auc=auc(positive, score),
        auc_float=auc(positive, findings.proof.logits[REFERENCE][tested]),
        sensitivity=sensitivity_at(positive, score, specificity),
        verdict=verdict,
        reasons=reasons,
        file=artefact.file,
        recipe=artefact.recipe,
        bytes=len(artefact.graph),
        graph_sha256=sha256(artefact.graph),
        shape=shape,
        changed=changed,
        epochs=epochs,
    )
    return found, artefact.graph


def _verdict(findings: Findings, trial: Trial) -> tuple[str, tuple[str, ...]]:
    """Return the verdict of an export, and why; `fail` where it would write no bundle."""
    try:
        require_certain_graphs(Path(trial.name), findings, MOST_UNCERTAIN)
    except ParityFailed as error:
        return "fail", (error.problem,)
    return findings.answer, tuple(findings.reasons)
