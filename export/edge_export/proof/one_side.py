"""Are all films decided alike? Then no graph can lose a decision, which proves nothing."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.special import expit

from edge_export.graph.artefact import Floats
from edge_export.proof.faults import PREPARED, Fault, area_faults, logit_faults
from edge_export.proof.parity import REFERENCE, probabilities
from edge_export.proof.reference import HeldOut, Reference
from edge_export.proof.threshold import ONE_HALF
from edge_export.statistics.estimates import Estimate, auc


def decision_faults(reference: Reference, held_out: HeldOut, *, asked: bool) -> list[Fault]:
    """Return `one_side` where the model decides all held-out films alike, and a wrong order beside.

    Unless its maker `asked` for a threshold or for a calibration that moves decisions, its own
    probabilities count as well: a calibration that had to be found must not choose the threshold.
    """
    if logit_faults(REFERENCE, reference.logits):
        return []
    calibrated = probabilities(reference.logits, reference.calibration)
    decisions = [(calibrated, reference.threshold.value)]
    if not asked:
        decisions.insert(0, (expit(reference.logits), ONE_HALF))
    area = auc(held_out.positive, reference.logits)
    for answers, threshold in decisions:
        every = held_out.classes[bool(answers[0] >= threshold)]
        if faults := side_faults(REFERENCE, answers, threshold, every, area):
            wrong_order = area_faults(REFERENCE, area) if area.high < ONE_HALF else []
            return [*faults, *wrong_order]
    return []


def require_chosen(reference: Reference, held_out: HeldOut, faults: Sequence[Fault]) -> None:
    """Refuse a rule that finds no threshold, unless a fault of the model is why, which is named.

    Raises:
        DataError: it finds none.
    """
    if reference.unchosen is None or faults or logit_faults(REFERENCE, reference.logits):
        return
    if auc(held_out.positive, reference.logits).high >= ONE_HALF:
        raise reference.unchosen


def side_faults(
    subject: str, probability: Floats, threshold: float, every: str, area: Estimate
) -> list[Fault]:
    """Return `one_side` if all of the probabilities `(n,)` lie on one side of the threshold.

    `every` names the class that is
    decided; where the `area` is no better than chance, another threshold is no cure.
    """
    positive = int((probability >= threshold).sum())
    if positive not in (0, len(probability)):
        return []
    side = "above" if positive else "below"
    half = "one half" if threshold == ONE_HALF else f"the threshold {threshold:g}"
    problem = (
        f"all {len(probability)} films fall on one side of {half}, {side} it: every one is "
        f"{every} (probabilities {probability.min():.3g} to {probability.max():.3g})"
    )
    cure = "a threshold has to be chosen, add --youden or --sensitivity X"
    if area.low <= 0.5:
        problem += f"; its AUC is {area}"
        cure = f"{PREPARED[:-1]}, or the order of --classes? or train again"
    return [Fault("one_side", f"{subject}: one_side: {problem}; {cure}")]
