"""What a band that keeps a coverage is worth, class by class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from edge_export.statistics.conformal import ClassCoverage, Ends
from edge_export.statistics.estimates import Estimate
from edge_export.statistics.selective import SelectivePoint
from edge_kit.evaluation.papers import COVERAGE
from edge_kit.evaluation.site_decision import SiteDecision

HELD_OUT, FITTED = "films held out", "the films it was fitted on"


@dataclass(frozen=True, slots=True)
class ClassOutcome:
    """What becomes of the films of one class, as shares of all of them."""

    right: Estimate
    wrong: Estimate
    uncertain: Estimate

    def __str__(self) -> str:
        return f"right {self.right}, wrong {self.wrong}, uncertain {self.uncertain}"


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was asked of both classes, and what becomes of films.

    `ends` are those of the prediction sets; `widened` tells that the band is wider, as engines
    differ by more. Outcomes, the point that was `chosen` and the risk-coverage `curve` are of films
    `held_out`, or else of those that it was fitted on, which flatters them.
    """

    asked: float
    negative: ClassCoverage
    positive: ClassCoverage
    ends: Ends
    widened: bool
    held_out: bool
    of_negative: ClassOutcome
    of_positive: ClassOutcome
    chosen: SelectivePoint
    curve: tuple[SelectivePoint, ...]

    @property
    def judged_on(self) -> str:
        """Which films the outcomes are of, in words."""
        return HELD_OUT if self.held_out else FITTED

    def to_json(self) -> dict[str, Any]:
        """Return all but the curve, and the ends: these are the probabilities of single films."""
        return {
            **{key: part for key, part in asdict(self).items() if key not in ("curve", "ends")},
            "crossed": self.ends.crossed,
            "judged_on": self.judged_on,
        }


@dataclass(frozen=True, slots=True)
class Covered(SiteDecision):
    """A decision with a band for a coverage; `names` are those of the negative and positive class.

    Its `site` says that the threshold was fitted, for manifests have no word for a band.
    """

    names: tuple[str, str]
    coverage: Coverage

    @property
    def fitted_parts(self) -> str:
        """What of the decision was fitted, in words."""
        with_it = " and the calibration" if "calibration" in self.site.fitted else ""
        return f"uncertain band{with_it}"

    @property
    def method(self) -> str:
        """How the intervals of the figures are made, in words."""
        return "Wilson's, of one film a patient and class"

    @property
    def figures(self) -> list[str]:
        """What the decision is worth, in lines with intervals."""
        return list(self._figures())

    def _figures(self) -> Iterator[str]:
        of = self.coverage
        for name, fitted in zip(self.names, (of.negative, of.positive), strict=True):
            yield (
                f"coverage of {name}: {fitted.asked:g} asked, {fitted.mean:.3f} on average over "
                f"calibrations on {fitted.n} films, {fitted.low:.3f} to {fitted.high:.3f} in nine "
                "of ten of them"
            )
        for name, outcome in zip(self.names, (of.of_negative, of.of_positive), strict=True):
            yield f"{name}, on {of.judged_on}: {outcome}"
        wrong = f", of these wrong {of.chosen.wrong}" if of.chosen.wrong else ""
        yield f"both, on {of.judged_on}: answered {of.chosen.answered}{wrong}"

    def to_json(self) -> dict[str, Any]:
        """Return what parity.json says of it besides its warnings."""
        return {COVERAGE: self.coverage.to_json()}
