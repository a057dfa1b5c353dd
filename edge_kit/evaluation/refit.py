"""A bundle's decision fitted again on a site's own labelled films: same graphs, new manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from sklearn.model_selection import StratifiedGroupKFold

from edge_export.films.labels import are_positive
from edge_export.proof.calibration import fit_calibration
from edge_export.proof.decision import MOST_UNCERTAIN, require_certain, uncertain_share
from edge_export.proof.parity import probabilities
from edge_export.proof.threshold import Rule, Threshold, choose_threshold
from edge_export.statistics.clustered import grouped_proportion
from edge_export.statistics.estimates import Bools, Estimate, Floats
from edge_kit.evaluation.evaluated import EvaluatedModel
from edge_kit.evaluation.evaluation import set_digest
from edge_kit.evaluation.films import LabelledFilms
from edge_runtime.bundle.records import Decision, Site, Uncertain
from edge_runtime.errors import DataError, UsageError

LEAST = 2
"""Films of each class without which there is no interval; fewer are refused."""
FEW = 50
"""Films of each class under which an interval is too wide to rely on: it is said."""
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Shares:
    """Sensitivity and specificity of one decision, with intervals that know of groups."""

    sensitivity: Estimate
    specificity: Estimate


@dataclass(frozen=True, slots=True)
class Refit:
    """A new decision beside the old one, and what both do on the films it was fitted on.

    `fitted` is too good for that reason; `validated` is of decisions on films left out of the
    fitting, in five parts of whole groups, and None where too little is left to fit. `warnings`
    name no film, and travel with the decision.
    """

    decision: Decision
    threshold: Threshold | None
    site: Site
    moved: bool
    before: Shares
    fitted: Shares
    validated: Shares | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Films:
    positive: Bools
    raw: Floats
    groups: tuple[str, ...]


def refit(
    model: EvaluatedModel,
    labelled: LabelledFilms,
    rule: Rule | None,
    method: str | None,
    max_uncertain: float = MOST_UNCERTAIN,
) -> Refit:
    """Return the decision that the films of a site give the bundle `model`.

    By `rule` the threshold is chosen, by `method` the calibration is fitted; without one of them
    that part stays: a threshold as the same probability.

    Raises:
        UsageError: nothing is to be fitted, or a calibration would leave a chosen threshold behind.
        DataError: fewer than two films of a class were judged, no threshold does what is asked, or
            the calibration that is asked for does not fit.
        ParityFailed: more than `max_uncertain` of the films would be uncertain.
    """
    _require_order(model, rule, method)
    films, digests, refused = _judged(model, labelled)
    decision, threshold, note = _fit(films, model.decision, rule, method)
    _require_certain(model, films, decision, max_uncertain)
    site = _site(model, films, digests, rule, method)
    moved = abs(_cut(model.decision) - _cut(decision)) > 1e-9
    return Refit(
        decision=decision,
        threshold=threshold,
        site=site,
        moved=moved,
        before=_shares(films, films.raw >= _cut(model.decision)),
        fitted=_shares(films, _decided(films.raw, decision)),
        validated=_validated(films, model.decision, rule, method),
        warnings=(
            *labelled.warnings,
            *_of_sources(labelled),
            *([note] if note else []),
            *_warnings(model, site, digests, refused),
            *_of_decision(moved=moved),
        ),
    )


def _require_order(model: EvaluatedModel, rule: Rule | None, method: str | None) -> None:
    if model.kind != "bundle":
        cure = "give a bundle, or export the run with --sensitivity or --youden"
        raise UsageError(model.name, "is a run", cure)
    if rule is None and method is None:
        problem = "nothing to fit"
        raise UsageError("threshold", problem, "add --sensitivity X, --youden or --calibration")
    if rule is None and model.decision.chosen is not None:
        problem = "this bundle's threshold was chosen for the probabilities that it has now"
        raise UsageError("--calibration", problem, "add --sensitivity X or --youden")


def _site(
    model: EvaluatedModel, films: _Films, digests: list[str], rule: Rule | None, method: str | None
) -> Site:
    """Return what a manifest says of the films of a site, and of what was fitted on them."""
    cases = int(films.positive.sum())
    return Site(
        bundle=model.identity or "",
        fitted=(*(["calibration"] if method else []), *(["threshold"] if rule else [])),
        films=set_digest(digests),
        negative=len(films.positive) - cases,
        positive=cases,
    )


def _require_certain(
    model: EvaluatedModel, films: _Films, decision: Decision, limit: float
) -> None:
    share = uncertain_share(decision, probabilities(films.raw, decision.calibration))
    cure = "fit on more films, or leave --calibration out"
    require_certain(model.name, decision, share, limit, cure)


def _judged(model: EvaluatedModel, labelled: LabelledFilms) -> tuple[_Films, list[str], int]:
    """Return the films that got a logit, their digests, and how many were refused."""
    outcomes = model.classify([film.path for film in labelled.films])
    kept = [
        (film, outcome.logit)
        for film, outcome in zip(labelled.films, outcomes, strict=True)
        if outcome.logit is not None
    ]
    positive = are_positive((film for film, _ in kept), labelled.positive)
    cases = int(positive.sum())
    if min(cases, len(kept) - cases) < LEAST:
        problem = (
            f"{cases} {labelled.positive} and {len(kept) - cases} {labelled.negative} films were "
            f"judged, {LEAST} of each are needed, and {FEW} make sense"
        )
        raise DataError(labelled.folders, problem, "add films")
    films = _Films(
        positive, np.array([logit for _, logit in kept]), tuple(film.group for film, _ in kept)
    )
    return films, [film.sha256 for film, _ in kept], len(outcomes) - len(kept)


def _fit(
    films: _Films, before: Decision, rule: Rule | None, method: str | None
) -> tuple[Decision, Threshold | None, str]:
    """Return the fitted decision and threshold, and what has to be known of the calibration."""
    calibration, note = before.calibration, ""
    if method:
        fit = fit_calibration(films.positive, films.raw, method, films.groups)
        calibration, note = fit.calibration, fit.note
    threshold = None
    if rule:
        threshold = choose_threshold(films.positive, probabilities(films.raw, calibration), rule)
    value = threshold.value if threshold else before.threshold
    decision = Decision(
        calibration=calibration,
        threshold=value,
        uncertain=Uncertain(low=value, high=value),
        chosen=threshold.chosen if threshold else None,
    )
    return _with_band(decision, before), threshold, note


def _with_band(decision: Decision, before: Decision) -> Decision:
    """Return a decision with a band as wide in the graph's own logits as it was before.

    That is what graphs and engines differ by; what it is in probability depends on the scale.
    """
    band, cut = before.uncertain, _cut(before)
    if band.low == band.high:
        return decision
    edges = [_cut(decision) + _raw(edge, before) - cut for edge in (band.low, band.high)]
    scale, offset = decision.calibration.scale, decision.calibration.offset
    low, high = (round(float(expit(scale * edge + offset)), 6) for edge in edges)
    uncertain = Uncertain(low=min(low, decision.threshold), high=max(high, decision.threshold))
    return Decision(
        calibration=decision.calibration,
        threshold=decision.threshold,
        uncertain=uncertain,
        chosen=decision.chosen,
    )


def _raw(probability: float, decision: Decision) -> float:
    """Return the graph's logit that `decision` makes a probability of."""
    return float(logit(probability) - decision.calibration.offset) / decision.calibration.scale


def _cut(decision: Decision) -> float:
    return _raw(decision.threshold, decision)


def _decided(raw: Floats, decision: Decision) -> Bools:
    return probabilities(raw, decision.calibration) >= decision.threshold


def _shares(films: _Films, decided: Bools) -> Shares:
    groups, positive = np.array(films.groups), films.positive
    return Shares(
        grouped_proportion(decided[positive], groups[positive].tolist()),
        grouped_proportion(~decided[~positive], groups[~positive].tolist()),
    )


def _validated(
    films: _Films, before: Decision, rule: Rule | None, method: str | None
) -> Shares | None:
    """Return the shares of decisions fitted without the film that is decided, or its group."""
    groups = np.array(films.groups)
    parts = min(
        _FOLDS, *(len(np.unique(groups[mask])) for mask in (films.positive, ~films.positive))
    )
    if parts < 2:
        return None
    decided = np.zeros(len(groups), np.bool_)
    folds = StratifiedGroupKFold(parts, shuffle=True, random_state=0)
    for fitting, left_out in folds.split(groups, films.positive, groups):
        if len(np.unique(films.positive[fitting])) < 2:
            return None
        part = _Films(films.positive[fitting], films.raw[fitting], tuple(groups[fitting].tolist()))
        try:
            decision, _, _ = _fit(part, before, rule, method)
        except DataError:  # what is left takes every film for positive, or does not fit
            return None
        decided[left_out] = _decided(films.raw[left_out], decision)
    return _shares(films, decided)


def _warnings(model: EvaluatedModel, site: Site, digests: list[str], refused: int) -> Iterator[str]:
    if seen := sum(digest in model.known for digest in digests):
        yield f"{seen} of these films calibrated the bundle: fit it on films that it has not seen"
    if refused:
        yield f"{refused} {'film was' if refused == 1 else 'films were'} refused and left out"
    for name, count in ((model.positive, site.positive), (model.negative, site.negative)):
        if count < FEW:
            yield f"{count} films of {name} are few: under {FEW}, mind the width of the intervals"


def _of_sources(labelled: LabelledFilms) -> Iterator[str]:
    classes: dict[str, set[str]] = {}
    for film, cells in zip(labelled.films, labelled.attributes, strict=True):
        if source := cells.get("source", ""):
            classes.setdefault(source, set()).add(film.label)
    single = sum(len(labels) == 1 for labels in classes.values())
    if single and len(classes) > 1:
        yield (
            f"{single} of {len(classes)} sources have films of one class only, so that what is "
            "fitted here tells sources apart as well"
        )


def _of_decision(*, moved: bool) -> Iterator[str]:
    yield "a decision looks better than it is on the films that it was fitted on"
    if moved:
        yield "parity was proved at the maker's threshold, so the new bundle is stamped undecided"


def lines(refitted: Refit) -> Mapping[str, Shares]:
    """Return what is known of the old and the new decision, by the words for it."""
    shares = {"before": refitted.before, "after, on the films it was fitted on": refitted.fitted}
    if refitted.validated:
        shares["after, on films left out of the fitting"] = refitted.validated
    return shares
