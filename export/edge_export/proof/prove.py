"""What the answers of small graphs to held-out films prove against those of Keras."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from edge_export.films.film import Split
from edge_export.films.pixels import Pixels, progress
from edge_export.graph.artefact import Artefact, Floats, Measured
from edge_export.graph.network import Network, predicted
from edge_export.proof.faults import Fault, area_faults, logit_faults
from edge_export.proof.gate import GateParity, compare_gate, gate_faults
from edge_export.proof.matrix import (
    KERAS,
    Agreement,
    Disagreement,
    Pair,
    Source,
    locate,
    parity_matrix,
)
from edge_export.proof.parity import (
    REFERENCE,
    Budget,
    Comparison,
    compare_by_rows,
    probabilities,
    widest_difference,
)
from edge_export.proof.threshold import ONE_HALF, Rule, Threshold, choose_threshold
from edge_export.proof.verdict import Verdict, judge
from edge_export.statistics.estimates import (
    Bools,
    CalibrationError,
    auc,
    calibration_error,
    fit_platt,
    fit_temperature,
)
from edge_export.statistics.paired import PairedArea, PairedLoss, auc_difference, paired_loss
from edge_runtime.bundle.records import Calibration, Decision, FilmGate, Uncertain
from edge_runtime.errors import DataError

CALIBRATIONS = ("temperature", "platt")
_BATCH = 32
NARROWEST_BAND = 0.01
"""The least half width of the uncertain band, whatever the graphs were seen to differ by here.

Engines and processors that no export can try round otherwise; `tests/hardware` measures them.
"""
_BAND_STEP = 1000  # the band's half width is rounded up to a thousandth


@dataclass(frozen=True, slots=True)
class Rows:
    """Held-out films: pixels `(n, h, w, c)` uint8, and by film: positive, split and digest.

    `classes` names the negative and the positive class.
    """

    pixels: Pixels
    positive: Bools
    splits: Sequence[Split]
    digests: Sequence[str]
    classes: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Reference:
    """What Keras answers to the held-out films: its logits `(n,)`, and what makes answers of them.

    `film_logits` `(n,)` are those of its film / not-film branch, judged by `gate`; both or neither.
    """

    logits: Floats
    calibration: Calibration
    film_logits: Floats | None = None
    gate: FilmGate | None = None
    threshold: Threshold = field(default_factory=Threshold)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one artefact shows beside Keras on all held-out films, and the verdict on it."""

    losses: Mapping[str, PairedLoss]
    area: PairedArea
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Proof:
    """What was measured and what it says.

    Mappings are keyed by artefact, Keras first (which has no evidence); `comparisons` then by
    rows, `val`, `test` and `both`, and `calibration_errors` by `before` and `after`, on the test
    rows, which had no part in fitting the temperature. `faults` are those of the reference.
    `film_logits` and `gates`, which are of all held-out films, are empty without a `gate`.
    """

    decision: Decision
    threshold: Threshold
    logits: Mapping[str, Floats]
    probabilities: Mapping[str, Floats]
    comparisons: Mapping[str, Mapping[str, Comparison]]
    calibration_errors: Mapping[str, Mapping[str, CalibrationError]]
    matrix: Mapping[Pair, Agreement]
    located: Sequence[Disagreement]
    evidence: Mapping[str, Evidence]
    faults: Sequence[Fault]
    gate: FilmGate | None
    film_logits: Mapping[str, Floats]
    gates: Mapping[str, GateParity]

    def flipped(self, file: str) -> NDArray[np.intp]:
        """Return the places of the films on which an artefact decides otherwise than Keras."""
        keras, other = self.probabilities[REFERENCE], self.probabilities[file]
        threshold = self.decision.threshold
        return np.flatnonzero((keras >= threshold) != (other >= threshold))


def prove(
    reference: Reference,
    measured: Mapping[str, Measured],
    artefacts: Sequence[Artefact],
    rows: Rows,
    budget: Budget,
    *,
    faults: Sequence[Fault] = (),
    dead: Mapping[str, Sequence[Fault]] | None = None,
) -> Proof:
    """Return what `artefacts`, `measured` on `rows`, prove against the `reference`.

    `faults` are those that the reference is known to have; `dead` are dead layers of
    artefacts, by file.
    """
    logits = {REFERENCE: reference.logits}
    logits |= {one.file: measured[one.file].logits for one in artefacts}
    found = {file: probabilities(one, reference.calibration) for file, one in logits.items()}
    sources = {REFERENCE: KERAS} | {one.file: Source(one.recipe, one.format) for one in artefacts}
    threshold = reference.threshold.value
    matrix = parity_matrix(found, threshold)
    film_logits = _film_logits(reference, measured, artefacts)
    gates, gates_faults = _gates(reference, film_logits)
    wrong = {
        file: [*logit_faults(file, one), *(dead or {}).get(file, ()), *gates_faults.get(file, ())]
        for file, one in logits.items()
    }
    area = auc(rows.positive, reference.logits)
    return Proof(
        decision=_decision(reference.calibration, reference.threshold, found),
        threshold=reference.threshold,
        logits=logits,
        probabilities=found,
        comparisons={
            file: compare_by_rows(found[REFERENCE], one, rows.positive, rows.splits, threshold)
            for file, one in found.items()
        },
        calibration_errors={
            file: _calibration_errors(one, found[file], rows) for file, one in logits.items()
        },
        matrix=matrix,
        located=locate(matrix, sources),
        evidence={
            one.file: _evidence(one.file, logits, found, threshold, rows, budget, wrong[one.file])
            for one in artefacts
        },
        # Films prepared wrongly rank at random or the wrong way round: one cure is enough.
        faults=[*faults, *wrong[REFERENCE], *([] if faults else area_faults(REFERENCE, area))],
        gate=reference.gate,
        film_logits=film_logits,
        gates=gates,
    )


def _film_logits(
    reference: Reference, measured: Mapping[str, Measured], artefacts: Sequence[Artefact]
) -> dict[str, Floats]:
    if reference.film_logits is None:
        return {}
    given = {one.file: measured[one.file].outputs[:, 1] for one in artefacts}
    return {REFERENCE: reference.film_logits, **given}


def _gates(
    reference: Reference, logits: Mapping[str, Floats]
) -> tuple[dict[str, GateParity], dict[str, list[Fault]]]:
    """Return how the film gate of each artefact compares with Keras's, and its faults."""
    if reference.gate is None:
        return {}, {}
    expected, threshold = logits[REFERENCE], reference.gate.threshold
    gates = {file: compare_gate(expected, one, threshold) for file, one in logits.items()}
    model = gates[REFERENCE]
    return gates, {file: gate_faults(file, logits[file], one, model) for file, one in gates.items()}


def _evidence(  # noqa: PLR0917, of which graph, what all answer, held against what
    file: str,
    logits: Mapping[str, Floats],
    found: Mapping[str, Floats],
    threshold: float,
    rows: Rows,
    budget: Budget,
    faults: Sequence[Fault],
) -> Evidence:
    """Return what an artefact shows beside Keras; `found` are the probabilities of the logits."""
    decided = [found[one] >= threshold for one in (REFERENCE, file)]
    right = [one == rows.positive for one in decided]
    losses = {
        name: paired_loss(right[0][mask], right[1][mask])
        for name, mask in (("sensitivity", rows.positive), ("specificity", ~rows.positive))
    }
    area = auc_difference(rows.positive, logits[REFERENCE], logits[file])
    verdict = judge(
        losses["sensitivity"],
        losses["specificity"],
        flips=int((decided[0] != decided[1]).sum()),
        n=len(rows.positive),
        auc_difference=area.value,
        budget=budget,
        negative=rows.classes[0],
        positive=rows.classes[1],
        faults=faults,
    )
    return Evidence(losses, area, verdict)


def _calibration_errors(
    logits: Floats, calibrated: Floats, rows: Rows
) -> dict[str, CalibrationError]:
    test = np.array(rows.splits) == "test"
    return {
        name: calibration_error(rows.positive[test], probability[test])
        for name, probability in (("before", expit(logits)), ("after", calibrated))
    }


def refer(
    network: Network,
    rows: Rows,
    gate: FilmGate | None = None,
    *,
    method: str = CALIBRATIONS[0],
    rule: Rule | None = None,
) -> Reference:
    """Return what Keras answers to `rows`, calibrated on the validation rows among them.

    By one of `CALIBRATIONS`; the same rows choose the threshold, if there is a `rule`. A network
    with a film / not-film branch has a `gate`, any other none.

    Raises:
        DataError: as `reference_outputs` and `choose_threshold` do.
    """
    outputs = reference_outputs(network, rows.pixels)
    logits, film_logits = outputs[:, 0], None if gate is None else outputs[:, 1]
    validation = np.array(rows.splits) == "val"
    positive = rows.positive[validation]
    calibration = calibrate(positive, logits[validation], method)
    threshold = choose_threshold(positive, probabilities(logits[validation], calibration), rule)
    return Reference(logits, calibration, film_logits, gate, threshold)


def calibrate(positive: Bools, logits: Floats, method: str) -> Calibration:
    """Return the calibration that `method`, one of `CALIBRATIONS`, fits on films `(n,)`.

    Temperature moves no decision at a probability of one half; Platt's does.

    Raises:
        ValueError: a logit is not finite, or a class is missing.
    """
    if method == "platt":
        scale, offset = fit_platt(positive, logits)
    else:
        scale, offset = fit_temperature(positive, logits), 0.0
    return Calibration(method=method, scale=scale, offset=offset)


def reference_outputs(network: Network, pixels: Pixels) -> Floats:
    """Return what Keras itself gives, `(n, outputs)`, compared with the whole model's answer.

    Raises:
        DataError: not finite, or taking off the activation changed the answer.
    """
    black, white = np.float32(network.input_range.low), np.float32(network.input_range.high)
    shape = (len(pixels), len(network.logits.outputs))
    logits, answer = np.empty(shape), np.empty(shape)
    # In batches, for as floats all films at once take four times their memory, and more.
    batches = range(0, len(pixels), _BATCH)
    for start in progress(batches, len(batches), REFERENCE, "batch"):
        batch = slice(start, start + _BATCH)
        image = pixels[batch].astype(np.float32) * ((white - black) / 255) + black
        # Of two classes the second; all else has one column.
        logits[batch] = _last_columns(predicted(network.logits, pixels[batch]))
        answer[batch] = _last_columns(predicted(network.model, image))
    if not np.isfinite(logits).all():
        raise DataError(REFERENCE, "answers with numbers that are not finite", "train again")
    expected = logits.copy()
    if network.probability:
        expected[:, 0] = expit(logits[:, 0])
    if not np.allclose(answer, expected, rtol=1e-3, atol=1e-4):
        largest = float(np.abs(answer - expected).max())
        problem = f"its logit does not give back its answer (off by {largest:.3g})"
        raise DataError(REFERENCE, problem, "report this model's last layers to us")
    return logits


def _last_columns(outputs: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.stack([one[:, -1] for one in outputs], axis=1)


def _decision(
    calibration: Calibration, threshold: Threshold, found: Mapping[str, Floats]
) -> Decision:
    """Return threshold and band; the band covers what formats and engines were seen to differ.

    `found` are the probabilities by artefact. Away from one half the band is as wide in logits as
    it would be there: where probabilities are small, so are their differences. Whatever film two
    artefacts decide otherwise lies within.
    """
    widest = widest_difference(found)
    half = min(ONE_HALF, max(NARROWEST_BAND, math.ceil(widest * _BAND_STEP) / _BAND_STEP))
    reach, middle = float(logit(ONE_HALF + half)), float(logit(threshold.value))
    stacked = np.stack(list(found.values()))
    least, most = stacked.min(axis=0), stacked.max(axis=0)
    parted = (least < threshold.value) & (most >= threshold.value)
    low = min(float(expit(middle - reach)), float(least[parted].min(initial=1.0)))
    high = max(float(expit(middle + reach)), float(most[parted].max(initial=0.0)))
    return Decision(
        calibration=calibration,
        threshold=threshold.value,
        uncertain=Uncertain(
            low=min(threshold.value, round(low, 6)), high=max(threshold.value, round(high, 6))
        ),
        chosen=threshold.chosen,
    )
