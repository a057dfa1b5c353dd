"""A new decision for a bundle's graphs: what all of them have in common, and the engines' band."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scipy.special import expit, logit

from edge_export.proof.threshold import Threshold
from edge_kit.evaluation.evaluated import EvaluatedModel
from edge_runtime.bundle.records import Calibration, Decision, Site, Uncertain
from edge_runtime.errors import UsageError


@dataclass(frozen=True, slots=True)
class SiteDecision(ABC):
    """A new decision, and the site whose films gave it.

    `threshold` is None where no rule chose it anew; `moved` tells whether a logit is decided
    otherwise at it. `warnings` name no film, and travel with the decision.
    """

    decision: Decision
    threshold: Threshold | None
    site: Site
    moved: bool
    warnings: tuple[str, ...]

    @property
    @abstractmethod
    def fitted_parts(self) -> str:
        """What of the decision was fitted, in words."""

    @property
    @abstractmethod
    def method(self) -> str:
        """How the intervals of the figures are made, in words."""

    @property
    @abstractmethod
    def figures(self) -> list[str]:
        """What the decision is worth, in lines with intervals."""

    def to_json(self) -> dict[str, Any]:
        """Return what parity.json says of it besides its warnings."""
        return {}


def require_maker_s(model: EvaluatedModel) -> None:
    """Refuse what has no decision of its maker's to begin with.

    Raises:
        UsageError: it is a run, or a bundle whose band was fitted for a coverage.
    """
    if model.kind != "bundle":
        cure = "give a bundle, or export the run with --sensitivity or --youden"
        raise UsageError(model.name, "is a run", cure)
    if model.covered:
        problem = "its band was fitted for a coverage, and is not what engines differ by"
        raise UsageError(model.name, problem, "give the bundle that it was made of")


def raw_logit(probability: float, decision: Decision) -> float:
    """Return the graph's logit that `decision` makes a probability of."""
    return float(logit(probability) - decision.calibration.offset) / decision.calibration.scale


def has_moved(decision: Decision, before: Decision) -> bool:
    """Tell whether the thresholds of two decisions are different logits."""
    cut = raw_logit(decision.threshold, decision)
    return abs(raw_logit(before.threshold, before) - cut) > 1e-9


def of_decision(*, moved: bool) -> Iterator[str]:
    """Yield what has to be said of a threshold that `moved`."""
    if moved:
        yield "parity was proved at the maker's threshold, so the new bundle is stamped undecided"


def engine_band(calibration: Calibration, threshold: float, before: Decision) -> Uncertain:
    """Return a band around `threshold`, as wide in the graph's own logits as it was `before`.

    That is what graphs and engines differ by; what it is in probability depends on the scale.
    """
    band, cut = before.uncertain, raw_logit(before.threshold, before)
    if band.low == band.high:
        return Uncertain(low=threshold, high=threshold)
    middle = float(logit(threshold) - calibration.offset) / calibration.scale
    edges = [middle + raw_logit(edge, before) - cut for edge in (band.low, band.high)]
    low, high = (
        round(float(expit(calibration.scale * edge + calibration.offset)), 6) for edge in edges
    )
    return Uncertain(low=min(low, threshold), high=max(high, threshold))
