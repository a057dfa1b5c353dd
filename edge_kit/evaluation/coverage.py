"""A band that keeps a coverage of each class: conformal prediction on a site's own films."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logit

from edge_export.proof.calibration import fit_calibration
from edge_export.proof.decision import (
    MOST_UNCERTAIN,
    is_uncertain,
    require_certain,
    uncertain_share,
)
from edge_export.proof.parity import probabilities
from edge_export.statistics.conformal import Ends, class_coverage, conformal_ends, least_films
from edge_export.statistics.estimates import Bools, Estimate, proportion
from edge_export.statistics.selective import SelectivePoint, risk_coverage, selective_point
from edge_export.words import counted
from edge_kit.evaluation.coverage_band import covering_band, decision_within
from edge_kit.evaluation.coverage_words import coverage_warnings
from edge_kit.evaluation.covered import ClassOutcome, Coverage, Covered
from edge_kit.evaluation.evaluated import EvaluatedModel
from edge_kit.evaluation.films import LabelledFilms
from edge_kit.evaluation.site_decision import has_moved, of_decision, require_maker_s
from edge_kit.evaluation.site_films import (
    LEAST,
    SiteFilms,
    judged_films,
    of_films,
    of_sources,
    one_a_patient,
    require_films,
    site_record,
)
from edge_runtime.bundle.records import Decision

_LEAST_EDGE = 1e-300  # an end of 0 has no logit
_LEAST_SIDE = 1e-9  # nor has a band one side only, where the threshold is its end


def cover(
    model: EvaluatedModel,
    labelled: LabelledFilms,
    asked: float,
    method: str | None = None,
    max_uncertain: float = MOST_UNCERTAIN,
) -> Covered:
    """Return the decision that answers the films of each class with the coverage `asked`, a share.

    A film is answered where one class is left, and uncertain where both are, or neither. The
    threshold stays the same probability where the band has it, else it is its middle. By
    `method` the calibration is fitted as well, which changes no answer: it keeps the ranks. Where
    the folder has films of `val` and of `test`, it fits on the first and is judged on the others.

    Raises:
        UsageError: `model` is a run, or a bundle that has such a band already.
        DataError: too few patients of a class, or the calibration does not fit.
        ParityFailed: more than `max_uncertain` of the films would be uncertain.
    """
    require_maker_s(model)
    fitting, testing, parted = _parts(labelled)
    judged = judged_films(model, fitting)
    films = one_a_patient(judged)
    _require_enough(films, fitting, asked)
    fit = _fit(films, model.decision, asked, method)
    require_certain(model.name, fit.decision, fit.uncertain, max_uncertain, "ask for less coverage")
    held_out = one_a_patient(judged_films(model, testing)) if testing else None
    coverage = _coverage(films, held_out, fit, asked)
    warnings = _warnings(model, films, fitting, fit, len(judged.digests) - len(films.digests))
    said = coverage_warnings(coverage, model.negative, model.positive)
    return Covered(
        decision=fit.decision,
        threshold=None,
        site=site_record(model, films, (*(["calibration"] if method else []), "threshold")),
        moved=has_moved(fit.decision, model.decision),
        names=(model.negative, model.positive),
        coverage=coverage,
        warnings=(*said, *parted, *warnings),
    )


def _parts(
    labelled: LabelledFilms,
) -> tuple[LabelledFilms, LabelledFilms | None, list[str]]:
    """Return the films to fit on and those held out, and how many are neither.

    Films of `val` choose and those of `test` are held out, as in everything else. Where the folder
    does not give both, all films are fitted on.
    """
    places = {
        split: [at for at, given in enumerate(labelled.splits) if given == split]
        for split in ("val", "test")
    }
    if not all(places.values()):
        return labelled, None, []
    groups = {labelled.films[at].group for at in places["val"]}
    testing = [at for at in places["test"] if labelled.films[at].group not in groups]
    left = len(labelled.films) - len(places["val"]) - len(testing)
    notes = [
        "it was fitted on the films of the folder's val split alone",
        *([f"{counted(left, 'film')} left out, of neither split or akin to both"] if left else []),
    ]
    held_out = _only(labelled, testing) if testing else None
    return _only(labelled, places["val"]), held_out, notes


def _only(labelled: LabelledFilms, places: list[int]) -> LabelledFilms:
    return replace(
        labelled,
        films=tuple(labelled.films[at] for at in places),
        splits=tuple(labelled.splits[at] for at in places),
        attributes=tuple(labelled.attributes[at] for at in places),
    )


def _require_enough(films: SiteFilms, labelled: LabelledFilms, asked: float) -> None:
    least = max(LEAST, least_films(asked))
    why = (
        f"judged, counting one film a patient and class, and a coverage of {asked:g} needs {least} "
        "of each: ask for less"
    )
    require_films(films, labelled, least, why)


@dataclass(frozen=True, slots=True)
class _Fit:
    """A decision; the ends that it was made of, and what has to be known of its calibration.

    `uncertain` is the share of the films that it was fitted on.
    """

    decision: Decision
    ends: Ends
    widened: bool
    uncertain: Estimate
    note: str


def _fit(films: SiteFilms, before: Decision, asked: float, method: str | None) -> _Fit:
    calibration, note = before.calibration, ""
    if method:
        fit = fit_calibration(films.positive, films.raw, method, films.groups)
        calibration, note = fit.calibration, fit.note
    probability = probabilities(films.raw, calibration)
    ends = conformal_ends(films.positive, probability, asked)
    band = covering_band(ends, probability)
    decision = decision_within(band, calibration, before)
    share = uncertain_share(decision, probability)
    return _Fit(decision, ends, decision.uncertain != band, share, note)


def _warnings(
    model: EvaluatedModel, films: SiteFilms, labelled: LabelledFilms, fit: _Fit, left_out: int
) -> Iterator[str]:
    yield from labelled.warnings
    yield (
        "one film a patient and class counts, as far as patients are known: "
        f"{counted(left_out, 'film')} left out"
    )
    yield from of_sources(labelled)
    if fit.note:
        yield fit.note
    yield from of_films(model, films)
    yield from of_decision(moved=has_moved(fit.decision, model.decision))


def _coverage(films: SiteFilms, held_out: SiteFilms | None, fit: _Fit, asked: float) -> Coverage:
    """Return what a decision is worth on the films held out, or else on those it was fitted on."""
    judged = held_out if held_out and min(held_out.counts) else films
    probability = probabilities(judged.raw, fit.decision.calibration)
    answered = ~is_uncertain(fit.decision, probability)
    right = (probability >= fit.decision.threshold) == judged.positive
    controls, cases = films.counts
    return Coverage(
        asked=asked,
        negative=class_coverage(controls, asked),
        positive=class_coverage(cases, asked),
        ends=fit.ends,
        widened=fit.widened,
        held_out=judged is held_out,
        of_negative=_outcome(answered, right, ~judged.positive),
        of_positive=_outcome(answered, right, judged.positive),
        chosen=selective_point(answered, right),
        curve=_curve(judged, fit.decision),
    )


def _outcome(answered: Bools, right: Bools, mask: Bools) -> ClassOutcome:
    n = int(mask.sum())
    counts = (answered & right & mask, answered & ~right & mask, ~answered & mask)
    return ClassOutcome(*(proportion(int(part.sum()), n) for part in counts))


def _curve(films: SiteFilms, decision: Decision) -> tuple[SelectivePoint, ...]:
    """Return the risk-coverage curve of bands about the threshold, from the widest to none.

    Each is the chosen band, stretched by one factor on both sides of the threshold in logits, where
    neither end of the scale presses films together. So the chosen band is one of them, and without
    any every film is decided at the threshold.
    """
    scale, offset = decision.calibration.scale, decision.calibration.offset
    band = np.array([decision.uncertain.low, decision.threshold, decision.uncertain.high])
    low, middle, high = logit(np.clip(band, _LEAST_EDGE, 1 - np.finfo(float).eps))
    distance = scale * films.raw + offset - middle
    side = np.where(distance >= 0, high - middle, middle - low)
    certainty = np.abs(distance) / np.maximum(side, _LEAST_SIDE)
    return risk_coverage(certainty, (distance >= 0) == films.positive)
