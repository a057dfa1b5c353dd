"""`edge-kit audit`: how far shortcuts alone get on a folder of films."""

from __future__ import annotations

import argparse
import json
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge_kit.arguments import data_options, seed
from edge_kit.console import say, write
from edge_runtime.errors import UsageError

if TYPE_CHECKING:
    from edge_kit.audit.audit import Audit
    from edge_kit.audit.subject import Subject
    from edge_kit.data.dataset import Dataset

HELP = "tell how far shortcuts alone get: file sizes, grey levels, corners, a model without lungs"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of films")
    parser.add_argument(
        "--model", type=Path, metavar="RUN|BUNDLE", help="audit this model too, on the same films"
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="a new folder for the report")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--positive", default=None, metavar="CLASS", help="default covid")
    parser.add_argument("--seed", type=seed, default=None, help="of splits, default 0")
    data_options(parser)


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    from edge_export.pixels import load_pixels
    from edge_kit.audit.audit import AUDITED, audit, rows
    from edge_kit.audit.report import mean_films, write_report
    from edge_kit.audit.sentences import sentences
    from edge_kit.audit.subject import open_subject
    from edge_kit.training.run import require_new
    from edge_runtime.film.preprocess import standard

    if options.out:
        require_new(options.out)
    with ExitStack() as stack:
        subject = stack.enter_context(open_subject(options.model)) if options.model else None
        dataset = _dataset(options, subject)
        recipe = subject.recipe if subject else standard()
        pixels = {split: load_pixels(rows(dataset, split), recipe) for split in AUDITED}
        predict = subject.predict if subject else None
        found = audit(dataset, options.data, recipe, predict, pixels=pixels)
    if options.out:
        write_report(options.out, found, mean_films(dataset, pixels["train"]))
        say(f"wrote {options.out}")
    if options.format == "json":
        content = {**found.to_json(), "sentences": sentences(found)}
        write(json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n")
    else:
        write(_table(found))


def _dataset(options: argparse.Namespace, subject: Subject | None) -> Dataset:
    """Return the films, dealt as the model's run dealt them where they are the run's."""
    from edge_kit.data.dataset import load_dataset
    from edge_kit.data.labels import class_key

    known = subject.seed if subject else 0
    if subject and options.positive and class_key(options.positive) != class_key(subject.positive):
        problem = f"{options.positive!r} is not the model's positive class, {subject.positive!r}"
        raise UsageError("--positive", problem, "leave it out")
    dataset = load_dataset(
        options.data,
        modality=options.modality or (subject.modality if subject else None),
        positive=options.positive or (subject.positive if subject else "covid"),
        seed=known if options.seed is None else options.seed,
        skip_unreadable=options.skip_unreadable,
    )
    for warning in dataset.warnings:
        say(f"warning: {warning}")
    return replace(dataset, films=subject.dealt(dataset.films)) if subject else dataset


def _table(found: Audit) -> str:
    """Return every AUC on a line of its own, then what they mean."""
    from edge_kit.audit.sentences import areas, sentences

    lines = [f"{name:<40} AUC {one}" for name, one in areas(found).items()]
    return "\n".join([*lines, "", *sentences(found), ""])
