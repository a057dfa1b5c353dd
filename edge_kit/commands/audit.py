"""`edge-kit audit`: how far shortcuts alone get on a folder of films."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge_kit.arguments import (
    cache_options,
    data_options,
    elsewhere_option,
    folders_option,
    reader_of,
    split_options,
)
from edge_kit.console import refusing, say, saying, write

if TYPE_CHECKING:
    from edge_kit.audit.audit import Audit
    from edge_kit.data.dataset import Dataset
    from edge_kit.data.reader import FilmReader
    from edge_kit.evaluation.evaluated import EvaluatedModel
    from edge_runtime.bundle.records import Preprocess

HELP = "measure shortcuts: the AUC of file sizes, grey levels, corners, a model without lungs"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    folders_option(parser, "folder of films", required=True)
    parser.add_argument(
        "--model", type=Path, metavar="RUN|BUNDLE", help="audit this model too, on the same films"
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="a new folder for the report")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--positive", default=None, metavar="CLASS", help="default covid")
    elsewhere_option(parser)
    split_options(parser)
    cache_options(parser)
    data_options(parser)


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    from edge_kit.audit.audit import AUDITED, audit, rows
    from edge_kit.audit.report import document, mean_films, write_report
    from edge_kit.evaluation.evaluated import open_evaluated
    from edge_kit.files import require_new

    if options.out:
        require_new(options.out)
    model = open_evaluated(options.model) if options.model else None
    reader, predict = reader_of(options), model.predict if model else None
    preprocess = model.preprocess if model else _preprocess(options)
    reader.expect(preprocess)
    dataset = _dataset(options, model, reader)
    with refusing(dataset.modality, *dataset.names):
        told = _elsewhere(options, model, dataset, preprocess, reader)
        pixels = {split: reader.pixels(rows(dataset, split), preprocess) for split in AUDITED}
        outcome = audit(dataset, options.data, preprocess, predict, pixels=pixels)
        outcome = replace(outcome, elsewhere=told)
    if options.out:
        pictures = mean_films(dataset, pixels["train"], hidden=bool(model))
        write_report(options.out, outcome, pictures, dataset.modality)
        say(f"wrote {options.out}")
    if options.format == "json":
        content = document(outcome, dataset.modality)
        write(json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n")
    else:
        write(_table(outcome, dataset.modality))


def _elsewhere(
    options: argparse.Namespace,
    model: EvaluatedModel | None,
    dataset: Dataset,
    preprocess: Preprocess,
    reader: FilmReader,
) -> tuple[str, ...]:
    """Return what films from elsewhere say of the baseline, and of `model` if there is one."""
    from edge_kit.audit.elsewhere import against_baseline, require_own
    from edge_kit.evaluation.elsewhere import elsewhere_films
    from edge_kit.evaluation.elsewhere_words import elsewhere_sentences
    from edge_kit.evaluation.evaluated import OF_A_RUN

    if options.elsewhere is None:
        return ()
    if model:
        require_own(model, dataset)
    names = dataset.class_names
    films = elsewhere_films(
        *(options.elsewhere, dataset.films),
        digests=model.known if model else (),
        modality=dataset.modality,
        names=[names, (names[0], None)],
        preprocess=preprocess,
        skip_unreadable=options.skip_unreadable,
        reader=reader,
    )
    outcome = against_baseline(
        *(films, dataset, preprocess, model.predict if model else None),
        decision=model.decision if model else OF_A_RUN,
        reader=reader,
    )
    return tuple(elsewhere_sentences(outcome, dataset.positive, dataset.negative))


def _preprocess(options: argparse.Namespace) -> Preprocess:
    """Return how the films are prepared where no model says it."""
    from edge_kit.data.collection import modality_in
    from edge_runtime.film.preprocess import standard

    chosen = options.positive or "covid", options.negative
    with refusing(options.modality, *chosen):
        return standard(modality=modality_in(options.data, options.modality, *chosen))


def _dataset(
    options: argparse.Namespace, model: EvaluatedModel | None, reader: FilmReader
) -> Dataset:
    from edge_kit.audit.films import audited_films

    modality = model.modality if model else options.modality
    with refusing(modality, options.positive, options.negative):
        dataset = audited_films(
            *(options.data, model),
            modality=options.modality,
            positive=options.positive,
            negative=options.negative,
            seed=options.split_seed,
            skip_unreadable=options.skip_unreadable,
            reader=reader,
        )
    told = saying(dataset.modality, *dataset.names)
    for note in dataset.notes:
        told(note)
    for warning in dataset.warnings:
        told(f"warning: {warning}")
    for line in dataset.details:
        told(line)
    return dataset


def _table(outcome: Audit, modality: str) -> str:
    """Return every AUC on a line of its own, then what they mean."""
    from edge_export.words import words
    from edge_kit.audit.sentences import areas, told_sentences

    told = words(modality)
    lines = [f"{told(name):<40} AUC {area}, DeLong" for name, area in areas(outcome).items()]
    return "\n".join([*lines, "", *told_sentences(outcome, modality), ""])
