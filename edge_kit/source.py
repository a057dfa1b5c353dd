"""What `edge-kit export` is given: a run of ours, or somebody else's `.keras` file."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_export.examine import ExportPlan, Say
from edge_export.export import export
from edge_export.facts import BundleFacts, intended_use
from edge_export.film import Film
from edge_export.findings import Findings
from edge_export.fold import fold
from edge_export.graph.network import InputRange, load_model
from edge_export.proof.parity import Budget
from edge_export.proof.prove import CALIBRATIONS
from edge_export.proof.threshold import Rule
from edge_export.quantize.recipe import INT8
from edge_export.report.document import encoded
from edge_export.report.summary import summary
from edge_kit.audit.caveat import caveat
from edge_kit.data.dataset import Dataset, load_dataset
from edge_kit.data.labels import class_key
from edge_kit.data.split import with_splits
from edge_kit.evaluation.subject import open_subject
from edge_kit.models.function import word
from edge_kit.models.registry import MODELS
from edge_kit.training.run import MODEL, SPLITS, RunConfig, is_run, read_accuracy, read_config
from edge_runtime.bundle.records import Preprocess, Training
from edge_runtime.errors import DataError, UsageError
from edge_runtime.film.preprocess import standard

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class Source:
    """A model to export, its films below `root` with their splits, and what is known of both."""

    model: keras.Model
    root: Path
    films: tuple[Film, ...]
    modality: str
    negative: str
    positive: str
    preprocess: Preprocess
    input_range: InputRange
    training: Training
    warnings: tuple[str, ...]
    ours: bool = False
    recorded_accuracy: float | None = None
    film_threshold: float | None = None
    caution: str = ""
    made_by: str = ""


def export_source(options: argparse.Namespace, say: Say, write: Say) -> Findings:
    """Carry out `edge-kit export` as its options say; `write` gets the result as text.

    Raises:
        EdgeError: any of those of `edge_export.export`, or the options contradict the model.
    """
    path: Path = options.source
    say(f"reading {path} and its films")
    if not path.exists():
        raise DataError(path, "no such file or folder", "give a run's folder or a .keras file")
    if path.name == MODEL and is_run(path.parent):
        path = path.parent
    if path.is_dir() and not is_run(path):
        raise DataError(path, "is no run: it has no config.json", "give a run or a .keras file")
    source = (_from_run if is_run(path) else _from_file)(path, options)
    for warning in source.warnings:
        say(f"warning: {warning}")
    if options.positive and class_key(options.positive) != class_key(source.positive):
        problem = f"{options.positive!r} is not the model's positive class, {source.positive!r}"
        raise UsageError("--positive", problem, "leave it out")
    facts, model = _facts(source, options), source.model
    of_itself = source.ours and source.preprocess.channels == 3
    if of_itself if options.fold_grey is None else options.fold_grey:
        model, facts = _folded(source, facts, options.fold_grey, say)

    def show(findings: Findings, document: dict[str, Any]) -> None:
        as_json = options.format == "json"
        write(encoded(document).decode() if as_json else summary(findings, facts))

    findings = export(model, source.films, _plan(source, facts, options), options.out, say, show)
    if options.format == "table":  # JSON is one document, that of the export
        subject, skip = open_subject(options.out), options.skip_unreadable
        for line in caveat(subject, source.root, None, say, skip_unreadable=skip):
            write(f"{line}\n")
    return findings


def _folded(
    source: Source, facts: BundleFacts, ordered: bool | None, say: Say
) -> tuple[keras.Model, BundleFacts]:
    """Fold three channels into one; where nobody asked for it, only if that can be done."""
    try:
        folded = fold(source.model, source.films, facts, source.input_range)
    except DataError as error:
        if ordered:
            raise
        say(f"three channels stay three: {error.problem}")
        return source.model, facts
    say("three channels of grey were folded into one")
    return folded


def _facts(source: Source, options: argparse.Namespace) -> BundleFacts:
    return BundleFacts(
        name=options.name or f"{source.training.model}-{source.modality}",
        version=options.bundle_version,
        intended_use=intended_use(source.modality, options.ages, options.views),
        negative=source.negative,
        positive=source.positive,
        preprocess=source.preprocess,
        training=source.training,
        film_threshold=source.film_threshold,
        limits=_limits(options.limits, source.caution),
        made_by=source.made_by,
    )


def _plan(source: Source, facts: BundleFacts, options: argparse.Namespace) -> ExportPlan:
    return ExportPlan(
        facts=facts,
        input_range=source.input_range,
        recipes=_recipes(options),
        choose_one=options.choose,
        calibration_count=options.calibration_films,
        method=options.calibration_method,
        allowed=options.allow_calibration,
        seed=options.seed,
        budget=Budget(options.max_flips, options.max_auc_difference, options.margin),
        require_pass=options.require_pass,
        recorded_accuracy=source.recorded_accuracy,
        calibration=options.calibration or CALIBRATIONS[0],
        rule=threshold_rule(options),
    )


def threshold_rule(options: argparse.Namespace) -> Rule | None:
    """Return how the options say to choose the threshold; None where they do not."""
    if options.sensitivity is None and not options.youden:
        return None
    return Rule(options.sensitivity)


def against(options: argparse.Namespace) -> tuple[Path | None, InputRange | None]:
    """Return the model that `edge-kit debug` compares with, and what black and white are to it.

    Raises:
        UsageError: a range is said of a run, which knows its own.
    """
    path: Path | None = options.against
    text: str | None = options.input_range
    if path is None or not (is_run(path) or is_run(path.parent)):
        return path, input_range(text) if text else None
    if text:
        raise UsageError("--input-range", f"{path} is a run and knows its own", "leave it out")
    return path, InputRange()


def _recipes(options: argparse.Namespace) -> list[str]:
    """Return the recipes that are ordered, each once."""
    return list(dict.fromkeys([*([INT8.name] if options.int8 else []), *options.recipe]))


def _from_run(run: Path, options: argparse.Namespace) -> Source:
    for name in ("classes", "input_range", "film_threshold"):
        if getattr(options, name) is not None:
            option = "--" + name.replace("_", "-")
            raise UsageError(option, f"{run} is a run and knows its own", "leave it out")
    config = read_config(run)
    if options.modality not in (None, config.modality):
        problem = f"{run} was trained on {config.modality}"
        raise UsageError("--modality", problem, "leave it out")
    data = options.data or Path(config.data)
    dataset = _films(options, data, config.modality, config.positive, config.seed)
    return Source(
        model=load_model(run / MODEL),
        root=data,
        films=with_splits(dataset.films, run / SPLITS),
        modality=config.modality,
        negative=config.negative,
        positive=config.positive,
        preprocess=config.recipe(),
        input_range=InputRange(),
        training=config.training(),
        warnings=(*([config.caution()] if config.leaks else []), *dataset.warnings),
        ours=True,
        caution=config.caution(),
        made_by=made_by(config),
        recorded_accuracy=read_accuracy(run),
        film_threshold=config.film_threshold,
    )


def made_by(config: RunConfig) -> str:
    """Return the command that made a run, with what is not the recipe's of its model's name."""
    if config.members:
        return "edge-kit ensemble RUN... --out RUN"
    known = MODELS.get(config.model)
    options = [
        *("--channels", config.recipe().channels, "--positive", config.positive),
        *("--seed", config.seed, "--epochs", config.epochs),
    ]
    if (side := config.recipe().height) != standard().height:
        options += ["--side", side]
    if known is None or config.batch_size != known.recipe.batch_size:
        options += ["--batch-size", config.batch_size]
    if known is None or config.learning_rate != known.recipe.learning_rate:
        options += ["--learning-rate", config.learning_rate]
    model = config.model if known else "MODEL"
    return (
        f"edge-kit train --data DATA --out RUN --model {model} --modality {config.modality} \\\n"
        f"        {shlex.join(map(str, options))}"
    )


def _from_file(path: Path, options: argparse.Namespace) -> Source:
    """Take a foreign model by what is said of it; nothing is guessed."""
    if options.classes is None or options.input_range is None or options.data is None:
        problem = "is not a run of edge-kit train, so its meaning has to be said"
        raise UsageError(path, problem, "add --classes NEG,POS --input-range LOW,HIGH --data DIR")
    negative, positive = _pair(options.classes, "--classes", "NEG,POS")
    given_range = input_range(options.input_range)
    model = load_model(path)
    dataset = _films(options, options.data, options.modality, positive, options.seed)
    if class_key(dataset.negative) != class_key(negative):
        found = f"{dataset.negative},{dataset.positive}"
        problem = f"{options.classes!r} are not the classes of the data, {found!r}"
        raise UsageError("--classes", problem, "name them as the data does")
    _, height, width, channels = model.input_shape
    return Source(
        model=model,
        root=options.data,
        films=dataset.films,
        modality=dataset.modality,
        negative=dataset.negative,
        positive=dataset.positive,
        preprocess=standard(height, width, channels),
        input_range=given_range,
        training=Training(model=word(model.name), seed=None, epochs=None),
        warnings=dataset.warnings,
        film_threshold=_film_threshold(model, options.film_threshold),
    )


def _film_threshold(model: keras.Model, given: float | None) -> float | None:
    """Return the threshold of a foreign model's film output: a probability of one half, if unsaid.

    Raises:
        UsageError: one is given for a model without such an output.
    """
    if len(model.outputs) == 2:
        return 0.0 if given is None else given
    if given is not None:
        problem = f"{model.name} has no film / not-film output"
        raise UsageError("--film-threshold", problem, "leave it out")
    return None


def _films(
    options: argparse.Namespace, data: Path, modality: str | None, positive: str, seed: int
) -> Dataset:
    return load_dataset(
        data,
        modality=modality,
        positive=positive,
        seed=seed,
        skip_unreadable=options.skip_unreadable,
    )


def input_range(text: str) -> InputRange:
    """Return the range that LOW,HIGH names.

    Raises:
        UsageError: it names none.
    """
    try:
        low, high = map(float, _pair(text, "--input-range", "LOW,HIGH"))
    except ValueError:
        low = high = 0.0
    if not -1e6 < low < high < 1e6:
        problem = f"{text!r} is not two numbers in order"
        raise UsageError("--input-range", problem, "for example 0,255 or 0,1 or -1,1")
    return InputRange(low, high)


def _pair(text: str, option: str, wanted: str) -> tuple[str, str]:
    first, comma, second = (part.strip() for part in text.partition(","))
    if not (first and comma and second) or "," in second:
        raise UsageError(option, f"{text!r} is not {wanted}", "give two, with a comma between")
    return first, second


def _limits(path: Path | None, caution: str) -> str:
    """Return what the card says of limits: what the maker wrote, and what the run has to say."""
    own = f"- Of this model: {caution}.\n" if caution else ""
    if path is None:
        return own
    try:
        return own + path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(path, f"cannot be read ({error})", "give a text file in UTF-8") from error
