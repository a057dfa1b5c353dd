"""What the logits of small graphs prove against those of Keras, on held-out films."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from edge_export.graph.artefact import Artefact, Floats, Measured
from edge_export.proof.decision import covering_decision
from edge_export.proof.faults import Fault, area_faults, logit_faults
from edge_export.proof.film_check import FilmCheckParity, compare_film_check, film_check_faults
from edge_export.proof.matrix import (
    KERAS,
    Agreement,
    Disagreement,
    FilePair,
    GraphKind,
    locate,
    parity_matrix,
)
from edge_export.proof.parity import REFERENCE, Budget, Comparison, compare_by_set, probabilities
from edge_export.proof.reference import HeldOut, Reference
from edge_export.proof.threshold import Threshold
from edge_export.proof.verdict import Verdict, judge
from edge_export.statistics.calibration import CalibrationError, calibration_error
from edge_export.statistics.estimates import auc
from edge_export.statistics.paired import PairedArea, PairedLoss, auc_difference, paired_loss
from edge_runtime.bundle.records import Decision, FilmGate


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one artefact shows beside Keras on all held-out films, and the verdict on it."""

    losses: Mapping[str, PairedLoss]
    area: PairedArea
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Proof:
    """What was measured, and the verdicts on it.

    Mappings are keyed by artefact, Keras first (which has no evidence); `comparisons` then by
    film set, `val`, `test` and `both`, and `calibration_errors` by `before` and `after`, on the
    test films, which had no part in fitting the calibration. `faults` are those of the reference.
    `film_logits` and `film_checks`, of all held-out films, are empty without a `film_gate`.
    """

    decision: Decision
    threshold: Threshold
    logits: Mapping[str, Floats]
    probabilities: Mapping[str, Floats]
    comparisons: Mapping[str, Mapping[str, Comparison]]
    calibration_errors: Mapping[str, Mapping[str, CalibrationError]]
    matrix: Mapping[FilePair, Agreement]
    located: Sequence[Disagreement]
    evidence: Mapping[str, Evidence]
    faults: Sequence[Fault]
    film_gate: FilmGate | None
    film_logits: Mapping[str, Floats]
    film_checks: Mapping[str, FilmCheckParity]

    def flipped(self, file: str) -> NDArray[np.intp]:
        """Return the places of the films on which an artefact decides otherwise than Keras."""
        keras, candidate = self.probabilities[REFERENCE], self.probabilities[file]
        threshold = self.decision.threshold
        return np.flatnonzero((keras >= threshold) != (candidate >= threshold))


def prove(
    reference: Reference,
    measured: Mapping[str, Measured],
    artefacts: Sequence[Artefact],
    held_out: HeldOut,
    budget: Budget,
    *,
    faults: Sequence[Fault] = (),
    dead: Mapping[str, Sequence[Fault]] | None = None,
) -> Proof:
    """Return what `artefacts`, `measured` on `held_out`, prove against the `reference`.

    `faults` are those that the reference is known to have; `dead` are dead layers of
    artefacts, by file.
    """
    outputs = _outputs(reference, measured, artefacts, held_out)
    logits, calibrated = outputs.logits, outputs.probabilities
    matrix = parity_matrix(calibrated, reference.threshold.value)
    film_logits = _film_logits(reference, measured, artefacts)
    film_checks, film_faults = _film_checks(reference, film_logits)
    wrong = _faults_by_file(logits, dead or {}, film_faults)
    return Proof(
        decision=covering_decision(reference.calibration, reference.threshold, calibrated),
        threshold=reference.threshold,
        logits=logits,
        probabilities=calibrated,
        comparisons={file: outputs.compared(file) for file in logits},
        calibration_errors={file: outputs.calibration_errors(file) for file in logits},
        matrix=matrix,
        located=locate(matrix, _kinds(artefacts)),
        evidence={
            file: outputs.evidence(file, budget, wrong[file])
            for file in logits
            if file != REFERENCE
        },
        faults=[*faults, *wrong[REFERENCE], *([] if faults else outputs.order_faults())],
        film_gate=reference.film_gate,
        film_logits=film_logits,
        film_checks=film_checks,
    )


def _film_logits(
    reference: Reference, measured: Mapping[str, Measured], artefacts: Sequence[Artefact]
) -> dict[str, Floats]:
    if reference.film_logits is None:
        return {}
    candidates = {artefact.file: measured[artefact.file].outputs[:, 1] for artefact in artefacts}
    return {REFERENCE: reference.film_logits, **candidates}


def _film_checks(
    reference: Reference, logits: Mapping[str, Floats]
) -> tuple[dict[str, FilmCheckParity], dict[str, list[Fault]]]:
    """Return how the out-of-distribution check of each artefact follows Keras's, and its faults."""
    if reference.film_gate is None:
        return {}, {}
    expected, threshold = logits[REFERENCE], reference.film_gate.threshold
    film_checks = {
        file: compare_film_check(expected, film_logits, threshold)
        for file, film_logits in logits.items()
    }
    model = film_checks[REFERENCE]
    return film_checks, {
        file: film_check_faults(file, logits[file], parity, model)
        for file, parity in film_checks.items()
    }


def _kinds(artefacts: Sequence[Artefact]) -> dict[str, GraphKind]:
    return {REFERENCE: KERAS} | {
        artefact.file: GraphKind(artefact.recipe, artefact.format) for artefact in artefacts
    }


def _faults_by_file(
    logits: Mapping[str, Floats],
    dead: Mapping[str, Sequence[Fault]],
    film_faults: Mapping[str, Sequence[Fault]],
) -> dict[str, list[Fault]]:
    """Return all that is wrong with each artefact, and with Keras."""
    return {
        file: [*logit_faults(file, values), *dead.get(file, ()), *film_faults.get(file, ())]
        for file, values in logits.items()
    }


@dataclass(frozen=True, slots=True)
class _Outputs:
    """The held-out films, and what Keras and each artefact answer to them, by file."""

    held_out: HeldOut
    logits: Mapping[str, Floats]
    probabilities: Mapping[str, Floats]
    threshold: float

    def order_faults(self) -> list[Fault]:
        """Return what the order of Keras's answers says against it, where nothing else does.

        Wrongly preprocessed films rank at random or in reverse as well: one cure is enough.
        """
        return area_faults(REFERENCE, auc(self.held_out.positive, self.logits[REFERENCE]))

    def compared(self, file: str) -> dict[str, Comparison]:
        """Return how an artefact follows Keras, on each set of films."""
        keras, candidate = self.probabilities[REFERENCE], self.probabilities[file]
        films = self.held_out
        return compare_by_set(keras, candidate, films.positive, films.splits, self.threshold)

    def evidence(self, file: str, budget: Budget, faults: Sequence[Fault]) -> Evidence:
        """Return what an artefact shows beside Keras."""
        positive = self.held_out.positive
        decided = [self.probabilities[name] >= self.threshold for name in (REFERENCE, file)]
        right = [decisions == positive for decisions in decided]
        losses = {
            name: paired_loss(right[0][mask], right[1][mask])
            for name, mask in (("sensitivity", positive), ("specificity", ~positive))
        }
        area = auc_difference(positive, self.logits[REFERENCE], self.logits[file])
        verdict = judge(
            losses["sensitivity"],
            losses["specificity"],
            flips=int((decided[0] != decided[1]).sum()),
            n=len(positive),
            auc_difference=area.value,
            budget=budget,
            negative=self.held_out.classes[0],
            positive=self.held_out.classes[1],
            faults=faults,
        )
        return Evidence(losses, area, verdict)

    def calibration_errors(self, file: str) -> dict[str, CalibrationError]:
        """Return the errors on the test films, before the calibration and after it."""
        test = np.array(self.held_out.splits) == "test"
        before, after = expit(self.logits[file]), self.probabilities[file]
        return {
            name: calibration_error(self.held_out.positive[test], probability[test])
            for name, probability in (("before", before), ("after", after))
        }


def _outputs(
    reference: Reference,
    measured: Mapping[str, Measured],
    artefacts: Sequence[Artefact],
    held_out: HeldOut,
) -> _Outputs:
    logits = {REFERENCE: reference.logits}
    logits |= {artefact.file: measured[artefact.file].logits for artefact in artefacts}
    calibrated = {
        file: probabilities(values, reference.calibration) for file, values in logits.items()
    }
    return _Outputs(held_out, logits, calibrated, reference.threshold.value)
