"""What is to be exported, of which films, how and where to."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge_export.description import BundleDescription
from edge_export.examine import ExportPlan
from edge_export.graph.input_transform import InputTransform
from edge_export.graph.network import InputRange
from edge_export.proof.calibration import CALIBRATIONS
from edge_export.proof.decision import MOST_UNCERTAIN
from edge_export.proof.parity import Budget
from edge_export.proof.predictions import TOLERANCE
from edge_export.proof.preparation import Expectations
from edge_export.proof.threshold import Rule
from edge_export.quantize.ranges import METHODS
from edge_export.quantize.recipe import INT8
from edge_kit.data.film_folders import Folders
from edge_kit.exporting.preprocessing import Preprocessing
from edge_runtime.errors import UsageError


@dataclass(frozen=True, slots=True)
class ModelMeaning:
    """The meaning of input and outputs of a model that is not a run.

    `classes` are the negative and the positive one, as the data names them; `input_range` is what
    black and white are to it, or `preprocessing` all that its author did to films. `side` is the
    size of its images where it takes any, `output` the name of the output to export where it has
    several. A run knows them all, so none may be set for a run.
    """

    classes: tuple[str, str] | None = None
    input_range: InputRange | None = None
    preprocessing: Preprocessing | None = None
    film_threshold: float | None = None
    side: int | None = None
    output: str | None = None


@dataclass(frozen=True, slots=True)
class BundleWishes:
    """What the maker says for the manifest and the card, none of which a source knows.

    Without a `name` the bundle is called like its file. `ages` are the youngest and the oldest, in
    years; `views` and `body_parts` are DICOM's names; what is not given is not stated. `limits` is
    a text file for the card.
    """

    name: str | None = None
    version: str = "0.1.0"
    ages: tuple[int, int] | None = None
    views: tuple[str, ...] = ()
    body_parts: tuple[str, ...] = ()
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
    max_uncertain: float = MOST_UNCERTAIN

    def plan(
        self,
        facts: BundleDescription,
        input_range: InputTransform,
        recorded_accuracy: float | None,
        expected: Expectations,
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
            expected=expected,
            calibration=self.calibration,
            rule=self.rule,
            max_uncertain=self.max_uncertain,
        )


@dataclass(frozen=True, slots=True)
class AuthorAnswers:
    """What the author of a model says that it answers.

    `accuracy` is on the test films; `predictions` is a CSV file, film by film, of which each
    probability may differ by `tolerance`.
    """

    accuracy: float | None = None
    predictions: Path | None = None
    tolerance: float = TOLERANCE


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """A run or a `.keras` file at `source`, and the bundle `out` that it is to become.

    `data` are the folders of films, by default those that the run was trained on. Films of a
    foreign model are split by `split_seed`, by default 0, those of a run as its training had them.
    `positive` is checked against the model's own, unless `negative` is said too: then both name the
    classes of the folder, each several with commas between. With `fold_grey` three channels of grey
    become one; `None` does so for a run whose films are all grey. Without a `film_gate` a film
    branch is left out. `options` are those of the command line that a card has to give.
    `elsewhere` is a folder of films that are none of these, judged last.
    """

    source: Path
    out: Path
    data: Folders | None = None
    modality: str | None = None
    skip_unreadable: bool = False
    positive: str | None = None
    negative: str | None = None
    split_seed: int | None = None
    fold_grey: bool | None = None
    film_gate: bool = True
    options: tuple[str, ...] = ()
    elsewhere: Path | None = None
    meaning: ModelMeaning = field(default_factory=ModelMeaning)
    wishes: BundleWishes = field(default_factory=BundleWishes)
    rules: ProofRules = field(default_factory=ProofRules)
    answers: AuthorAnswers = field(default_factory=AuthorAnswers)


def name_of_file(out: Path) -> str:
    """Return the name of a bundle that nobody named: that of its file, in letters that a name has.

    Raises:
        UsageError: the file's name has none of them.
    """
    letters = unicodedata.normalize("NFKD", out.stem.lower()).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9._]+", "-", letters).strip("._-")[:64]
    if not name:
        problem = "no name of a bundle can be made of it"
        raise UsageError(out.name, problem, "give the bundle a name with --name")
    return name
