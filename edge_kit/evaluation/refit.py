"""A bundle's decision fitted again on a site's own labelled films: same graphs, new manifest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from edge_export.proof.calibration import fit_calibration
from edge_export.proof.decision import MOST_UNCERTAIN, require_certain, uncertain_share
from edge_export.proof.parity import probabilities
from edge_export.proof.threshold import Rule, Threshold, choose_threshold
from edge_export.statistics.clustered import grouped_proportion
from edge_export.statistics.estimates import Bools, Estimate, Floats
from edge_kit.evaluation.evaluated import EvaluatedModel
from edge_kit.evaluation.films import LabelledFilms
from edge_kit.evaluation.site_decision import (
    SiteDecision,
    engine_band,
    has_moved,
    of_decision,
    raw_logit,
    require_maker_s,
)
from edge_kit.evaluation.site_films import (
    FEW,
    LEAST,
    SiteFilms,
    judged_films,
    of_films,
    of_sources,
    require_films,
    site_record,
)
from edge_runtime.bundle.records import Decision
from edge_runtime.errors import DataError, UsageError

_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Shares:
    """Sensitivity and specificity of one decision, with intervals that know of groups."""

    sensitivity: Estimate
    specificity: Estimate

    def __str__(self) -> str:
        return f"sensitivity {self.sensitivity}, specificity {self.specificity}"


@dataclass(frozen=True, slots=True)
class Refit(SiteDecision):
    """A new decision beside the old one, and what both do on the films it was fitted on.

    `fitted` is too good for that reason; `validated` is of decisions on films left out of the
    fitting, in five parts of whole groups, and None where too little is left to fit.
    """

    before: Shares
    fitted: Shares
    validated: Shares | None

    @property
    def fitted_parts(self) -> str:
        """What of the decision was fitted, in words."""
        return " and the ".join(self.site.fitted)

    @property
    def method(self) -> str:
        """How the intervals of the figures are made, in words."""
        return "by group (Rao and Scott's)"

    @property
    def figures(self) -> list[str]:
        """What the old and the new decision are worth, in lines with intervals."""
        lines = [f"before: {self.before}", f"after, on the films it was fitted on: {self.fitted}"]
        if self.validated:
            lines.append(f"after, on films left out of the fitting: {self.validated}")
        return lines


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
    films = judged_films(model, labelled)
    require_films(
        films, labelled, LEAST, f"judged, {LEAST} of each are needed, and {FEW} make sense"
    )
    decision, threshold, note = _fit(films, model.decision, rule, method)
    _require_certain(model, films, decision, max_uncertain)
    parts = (*(["calibration"] if method else []), *(["threshold"] if rule else []))
    return Refit(
        decision=decision,
        threshold=threshold,
        site=site_record(model, films, parts),
        moved=has_moved(decision, model.decision),
        before=_shares(films, films.raw >= raw_logit(model.decision.threshold, model.decision)),
        fitted=_shares(films, _decided(films.raw, decision)),
        validated=_validated(films, model.decision, rule, method),
        warnings=tuple(_warnings(model, labelled, films, decision, note)),
    )


def _warnings(
    model: EvaluatedModel, labelled: LabelledFilms, films: SiteFilms, decision: Decision, note: str
) -> Iterator[str]:
    yield from labelled.warnings
    yield from of_sources(labelled)
    if note:
        yield note
    yield from of_films(model, films)
    yield "a decision looks better than it is on the films that it was fitted on"
    yield from of_decision(moved=has_moved(decision, model.decision))


def _require_order(model: EvaluatedModel, rule: Rule | None, method: str | None) -> None:
    require_maker_s(model)
    if rule is None and method is None:
        problem = "nothing to fit"
        cure = "add --sensitivity X, --youden, --coverage X or --calibration"
        raise UsageError("threshold", problem, cure)
    if rule is None and model.decision.chosen is not None:
        problem = "this bundle's threshold was chosen for the probabilities that it has now"
        raise UsageError("--calibration", problem, "add --sensitivity X or --youden")


def _require_certain(
    model: EvaluatedModel, films: SiteFilms, decision: Decision, limit: float
) -> None:
    share = uncertain_share(decision, probabilities(films.raw, decision.calibration))
    cure = "fit on more films, or leave --calibration out"
    require_certain(model.name, decision, share, limit, cure)


def _fit(
    films: SiteFilms, before: Decision, rule: Rule | None, method: str | None
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
        uncertain=engine_band(calibration, value, before),
        chosen=threshold.chosen if threshold else None,
    )
    return decision, threshold, note


def _decided(raw: Floats, decision: Decision) -> Bools:
    return probabilities(raw, decision.calibration) >= decision.threshold


def _shares(films: SiteFilms, decided: Bools) -> Shares:
    groups, positive = np.array(films.groups), films.positive
    return Shares(
        grouped_proportion(decided[positive], groups[positive].tolist()),
        grouped_proportion(~decided[~positive], groups[~positive].tolist()),
    )


def _validated(
    films: SiteFilms, before: Decision, rule: Rule | None, method: str | None
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
        try:
            decision, _, _ = _fit(films.only(fitting.tolist()), before, rule, method)
        except DataError:  # what is left takes every film for positive, or does not fit
            return None
        decided[left_out] = _decided(films.raw[left_out], decision)
    return _shares(films, decided)
