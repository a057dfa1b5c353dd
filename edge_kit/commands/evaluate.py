"""`edge-kit evaluate`: figures with intervals on labelled films."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge_kit.arguments import (
    cache_options,
    data_options,
    elsewhere_option,
    folders_option,
    margin,
    reader_of,
)
from edge_kit.console import refusing, say, saying, write
from edge_runtime.errors import UsageError

if TYPE_CHECKING:
    from edge_kit.data.reader import FilmReader
    from edge_kit.evaluation.elsewhere import Elsewhere
    from edge_kit.evaluation.evaluated import EvaluatedModel
    from edge_kit.evaluation.evaluation import Evaluation
    from edge_kit.evaluation.films import LabelledFilms

HELP = "measure a run or a bundle on labelled films"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("model", type=Path, metavar="RUN|BUNDLE", help="what to measure")
    folders_option(parser, "folder of films", required=True)
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="a new folder for the report")
    parser.add_argument(
        "--split",
        choices=("test", "val", "all"),
        help="default test of the films it was made with, all of others",
    )
    parser.add_argument(
        "--prevalence",
        type=margin,
        action="append",
        metavar="X",
        help="share of positives for predictive values; may be given several times",
    )
    parser.add_argument(
        "--by",
        type=_columns,
        metavar="COLUMN,...",
        help="columns of manifest.csv to judge within: source, hospital, and finding for the "
        "negative films; default all that it has",
    )
    parser.add_argument("--positive", metavar="CLASS", help="default: the model's own positive")
    parser.add_argument(
        "--format", choices=("table", "json"), default="table", help="of what is printed"
    )
    elsewhere_option(parser)
    cache_options(parser)
    data_options(parser)


def _columns(text: str) -> tuple[str, ...]:
    """Return columns of a manifest that films may be judged by."""
    names = tuple(dict.fromkeys(text.split(",")))
    if set(names) <= {"source", "hospital", "finding"}:
        return names
    raise argparse.ArgumentTypeError(f"{text!r} is not of source, hospital and finding")


def films_to_judge(
    options: argparse.Namespace, model: EvaluatedModel, reader: FilmReader | None = None
) -> LabelledFilms:
    """Return the films that the options name for `model`, and say what was found.

    Raises:
        UsageError: the options contradict the model.
        DataError: the films cannot be judged on.
    """
    from edge_kit.evaluation.films import labelled_films

    if options.modality not in (None, model.modality):
        raise UsageError("--modality", f"{model.name} is for {model.modality}", "leave it out")
    positive, negative = model.classes_among(options.data, options.positive, options.negative)
    with refusing(model.modality, positive, negative):
        labelled = labelled_films(
            options.data,
            modality=model.modality,
            positive=positive,
            negative=negative,
            skip_unreadable=options.skip_unreadable,
            reader=reader,
        )
    told = saying(model.modality, model.name, *labelled.classes)
    for name, (label, films) in labelled.classes.items():
        told(f"class {name!r} is {label}: {films} films")
    for line in (*labelled.notes, *labelled.skipped):
        told(line)
    return labelled


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    from edge_export.report.document import encoded
    from edge_kit.evaluation.evaluated import open_evaluated
    from edge_kit.evaluation.evaluation import document
    from edge_kit.evaluation.report import write_report
    from edge_kit.evaluation.table import table
    from edge_kit.files import require_new

    if options.out:
        require_new(options.out)
    model, reader = open_evaluated(options.model), reader_of(options)
    reader.expect(model.preprocess)
    labelled = films_to_judge(options, model, reader)
    with refusing(model.modality, model.name, *labelled.classes):
        evaluation = _evaluation(options, model, labelled, reader)
    if options.out:
        write_report(options.out, evaluation)
        say(f"wrote {options.out}")
    write(encoded(document(evaluation)).decode() if options.format == "json" else table(evaluation))


def _evaluation(
    options: argparse.Namespace, model: EvaluatedModel, labelled: LabelledFilms, reader: FilmReader
) -> Evaluation:
    """Return the figures of `model`, with all that has to be said beside them."""
    from edge_export.cautions import Cautions
    from edge_export.words import words
    from edge_kit.audit.caveat import caveat_of_evaluation
    from edge_kit.audit.probe import probe_of
    from edge_kit.evaluation.elsewhere_words import no_better_line
    from edge_kit.evaluation.evaluation import blind, evaluate
    from edge_kit.evaluation.figures import PREVALENCES

    elsewhere = _elsewhere(options, model, labelled, reader) if options.elsewhere else None
    choices = options.split, options.prevalence or PREVALENCES
    evaluation = evaluate(model, labelled, *choices, reader, by=options.by)
    cautions = Cautions(say, words(model.modality, model.name, *labelled.classes))
    cautions.warn(
        *(no_better_line(elsewhere) if elsewhere else []), *blind(evaluation), *evaluation.warnings
    )
    caveat_of_evaluation(
        *(evaluation, options.data, reader, cautions),
        positive=options.positive,
        negative=options.negative,
        skip_unreadable=options.skip_unreadable,
    )
    return replace(
        evaluation,
        warnings=cautions.warnings,
        caveat=cautions.caveat,
        elsewhere=elsewhere,
        told_apart=probe_of(model, evaluation.judged, reader, evaluation.by),
    )


def _elsewhere(
    options: argparse.Namespace, model: EvaluatedModel, labelled: LabelledFilms, reader: FilmReader
) -> Elsewhere:
    """Return what films from elsewhere say; the baseline is fitted on the training films of --data.

    Raises:
        UsageError: --data is not the folder of the training.
        DataError: the films cannot be judged on.
    """
    from edge_kit.audit.elsewhere import against_baseline, require_own
    from edge_kit.audit.films import audited_films
    from edge_kit.evaluation.elsewhere import elsewhere_films

    classes = options.positive, options.negative
    dataset = audited_films(
        *(options.data, model),
        positive=classes[0],
        negative=classes[1],
        skip_unreadable=options.skip_unreadable,
        reader=reader,
    )
    require_own(model, dataset)
    films = elsewhere_films(
        *(options.elsewhere, (*labelled.films, *dataset.films)),
        digests=model.known,
        modality=model.modality,
        names=[model.classes_among(options.elsewhere, *classes)],
        preprocess=model.preprocess,
        skip_unreadable=options.skip_unreadable,
        reader=reader,
    )
    judged = films, dataset, model.preprocess, model.predict
    return against_baseline(*judged, decision=model.decision, reader=reader)
