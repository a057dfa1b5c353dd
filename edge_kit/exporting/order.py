"""What is to be exported, of which films, how and where to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge_export.description import ADULTS, BundleDescription
from edge_export.examine import ExportPlan
from edge_export.graph.network import InputRange
from edge_export.proof.parity import Budget
from edge_export.proof.reference import CALIBRATIONS
from edge_export.proof.threshold import Rule
from edge_export.quantize.ranges import METHODS
from edge_export.quantize.recipe import INT8


@dataclass(frozen=True, slots=True)
class ModelMeaning:
    """The meaning of input and outputs of a model that is not a run.

    `classes` are the negative and the positive one, as the data names them; `input_range` is what
    black and white are to it. `side` is the size of its images where it takes any, `output` the
    name of the output to export where it has several. A run knows them all, so none may be set for
    a run.
    """

    classes: tuple[str, str] | None = None
    input_range: InputRange | None = None
    film_threshold: float | None = None
    side: int | None = None
    output: str | None = None


@dataclass(frozen=True, slots=True)
class BundleWishes:
    """What the maker chooses for the manifest and the card; `None` takes it from the source.

    `ages` are the youngest and the oldest, in years; `views` are DICOM's names. `limits` is a text
    file for the card.
    """

    name: str | None = None
    version: str = "0.1.0"
    ages: tuple[int, int] = ADULTS
    views: tuple[str, ...] | None = None
    limits: Path | None = None


@dataclass(frozen=True, slots=True)
class ProofRules:
    """How graphs are made and judged: the fields of an `ExportPlan` that no source knows."""

    recipes: Sequence[str] = (INT8.name,)
    choose_one: bool = False
    calibration_count: int = 300
    method: str = METHODS[0]
    allowed: Sequence[str] = ()
    seed: int = 0
    budget: Budget = field(default_factory=Budget)
    require_pass: bool = False
    calibration: str = CALIBRATIONS[0]
    rule: Rule | None = None

    def plan(
        self, facts: BundleDescription, input_range: InputRange, recorded_accuracy: float | None
    ) -> ExportPlan:
        """Return the plan of an export by these rules."""
        return ExportPlan(
            description=facts,
            input_range=input_range,
            recipes=self.recipes,
            choose_one=self.choose_one,
            calibration_count=self.calibration_count,
            method=self.method,
            allowed=self.allowed,
            seed=self.seed,
            budget=self.budget,
            require_pass=self.require_pass,
            recorded_accuracy=recorded_accuracy,
            calibration=self.calibration,
            rule=self.rule,
        )


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """A run or a `.keras` file at `source`, and the bundle `out` that it is to become.

    `data` is the folder of films, by default the one that the run was trained on. Films of a
    foreign model are split by the seed of `rules`, those of a run as its training had them.
    `positive` is checked against the model's own. With `fold_grey` three channels of grey become
    one; `None` does so for a run whose films are all grey.
    """

    source: Path
    out: Path
    data: Path | None = None
    modality: str | None = None
    skip_unreadable: bool = False
    positive: str | None = None
    fold_grey: bool | None = None
    meaning: ModelMeaning = field(default_factory=ModelMeaning)
    wishes: BundleWishes = field(default_factory=BundleWishes)
    rules: ProofRules = field(default_factory=ProofRules)
