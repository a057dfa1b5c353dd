"""`edge-kit train`: a network on a folder of films."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from edge_export.film import SPLITS
from edge_kit.arguments import count, data_options, seed
from edge_kit.console import say
from edge_kit.models.registry import MODELS
from edge_runtime.errors import EdgeError

if TYPE_CHECKING:
    from edge_export.film import Film, Split
    from edge_export.proof.statistics import Metrics
    from edge_kit.data.dataset import Dataset
    from edge_kit.data.labels import Modality

HELP = "train a network on a folder of films"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of films")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="a new folder")
    parser.add_argument("--model", choices=sorted(MODELS), default="model3", help="default model3")
    parser.add_argument("--epochs", type=count, default=20, help="default 20, no early stopping")
    parser.add_argument("--channels", type=int, choices=(1, 3), default=1, help="1 grey, 3 RGB")
    parser.add_argument("--positive", default="covid", metavar="CLASS", help="default covid")
    parser.add_argument("--seed", type=seed, default=0, help="of weights and splits, default 0")
    parser.add_argument(
        "--no-counter-examples",
        dest="counter_examples",
        action="store_false",
        help="do not train the film branch on films of another modality in the folder",
    )
    data_options(parser)


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    from edge_export.quiet import import_tensorflow
    from edge_kit.data.dataset import load_dataset
    from edge_kit.training.run import require_new
    from edge_kit.training.train import TrainingPlan, train
    from edge_runtime.film.preprocess import standard

    require_new(options.out)
    dataset = load_dataset(
        options.data,
        modality=options.modality,
        positive=options.positive,
        seed=options.seed,
        skip_unreadable=options.skip_unreadable,
    )
    show_dataset(dataset)
    others = _counter_examples(options, dataset.modality)
    import_tensorflow()
    plan = TrainingPlan(
        model=options.model,
        preprocess=standard(channels=options.channels),
        epochs=options.epochs,
        seed=options.seed,
    )
    show_metrics(train(dataset, options.data, plan, options.out, say, others=others))


def _counter_examples(options: argparse.Namespace, modality: Modality) -> tuple[Film, ...]:
    """Return the films of other modalities; a training does not need them, so it only says so."""
    from edge_kit.data.dataset import other_films

    if not options.counter_examples:
        return ()
    try:
        found = other_films(options.data, modality, positive=options.positive, seed=options.seed)
    except EdgeError as error:
        say(f"warning: films of other modalities are left out: {error}")
        return ()
    if found:
        say(f"counter-examples: {len(found)} films of another modality")
    return found


def show_dataset(dataset: Dataset) -> None:
    """Print what was found: classes as matched, splits, and what the owner should know."""
    for name, (label, films) in dataset.classes.items():
        say(f"class {name!r} is {label}: {films} films")
    for split in SPLITS:
        rows = [film for film in dataset.films if film.split == split]
        positive = sum(film.label == dataset.positive for film in rows)
        groups = len({film.group for film in rows})
        say(f"{split}: {len(rows)} films in {groups} groups, {positive} {dataset.positive}")
    for warning in dataset.warnings:
        say(f"warning: {warning}")


def show_metrics(metrics: Mapping[Split, Metrics]) -> None:
    """Print the metrics of each held-out split to stdout, with 95 % intervals and n."""
    for split, one in metrics.items():
        for name in ("accuracy", "sensitivity", "specificity", "auc"):
            sys.stdout.write(f"{split:<5} {name:<12} {getattr(one, name)}\n")
