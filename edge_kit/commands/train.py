"""`edge-kit train`: a network on a folder of films."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from edge_export.films.film import SPLITS
from edge_kit.arguments import (
    Parser,
    cache_options,
    count,
    data_options,
    folds,
    rate,
    reader_of,
    seed,
    side,
)
from edge_kit.console import say, saying, write
from edge_kit.models.registry import HELP as MODELS
from edge_kit.training.device import PRECISIONS
from edge_runtime.errors import EdgeError, UsageError

if TYPE_CHECKING:
    from edge_export.films.film import Film, Split
    from edge_export.statistics.estimates import Metrics
    from edge_kit.data.dataset import Dataset
    from edge_kit.data.labels import Modality
    from edge_kit.data.reader import FilmReader
    from edge_kit.training.plan import TrainingPlan

HELP = "train a network on a folder of films"
SIDE = 224
"""Height and width of the studies' films, in pixels."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of films")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="a new folder")
    parser.add_argument("--model", default="model3", metavar="NAME", help=f"{MODELS}; model3")
    parser.add_argument("--epochs", type=count, help="default: what the network's author chose")
    parser.add_argument(
        "--batch-size", type=count, metavar="N", help="default: what the author chose"
    )
    parser.add_argument(
        "--learning-rate", type=rate, metavar="R", help="default: what the author chose"
    )
    parser.add_argument(
        "--channels", type=int, choices=(1, 3), help="1 grey, 3 RGB; default: the author's"
    )
    parser.add_argument(
        "--side",
        type=side,
        default=SIDE,
        metavar="PIXELS",
        help=f"height and width that films are resized to, default {SIDE}",
    )
    parser.add_argument("--positive", default="covid", metavar="CLASS", help="default covid")
    parser.add_argument("--seed", type=seed, default=0, help="of weights and splits, default 0")
    parser.add_argument(
        "--no-counter-examples",
        dest="counter_examples",
        action="store_false",
        help="do not train the film branch on films of another modality in the folder",
    )
    parser.add_argument(
        "--no-film-gate",
        dest="film_gate",
        action="store_false",
        help="train no film branch: whatever the model is shown, it judges",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on where an interrupted training ended"
    )
    parser.add_argument(
        "--deterministic",
        action=argparse.BooleanOptionalAction,
        help="the same seed gives the same weights; default on a CPU, costs speed on a GPU",
    )
    parser.add_argument(
        "--precision", choices=PRECISIONS, help="default: mixed where the device gains by it"
    )
    parser.add_argument(
        "--groups", type=Path, metavar="CSV", help="groups.csv of edge-kit data scan"
    )
    parser.add_argument(
        "--allow-leaks",
        action="store_true",
        help="train on a leaking split, and measure what the leak adds",
    )
    parser.add_argument("--folds", type=folds, metavar="K", help="cross-validate: K runs below RUN")
    parser.add_argument("--tensorboard", action="store_true", help="log to RUN/tensorboard")
    cache_options(parser)
    data_options(parser)


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    from edge_export.quiet import import_tensorflow
    from edge_kit.data.dataset import load_dataset
    from edge_kit.data.leaks import require_no_leaks
    from edge_kit.files import require_new
    from edge_kit.models.registry import architecture
    from edge_kit.training.plan import require_same_training
    from edge_kit.training.run import finished

    if options.folds and options.allow_leaks:
        problem = "folds never separate films that belong together, so none leaks"
        raise UsageError("--allow-leaks", problem, "leave it out")
    done = options.resume and finished(options.out)
    if not (options.folds or done):
        require_new(options.out, resume=options.resume)
    network, reader = architecture(options.model), reader_of(options)
    plan = _plan(options, network.channels, _modality(options))
    reader.expect(plan.preprocess)
    dataset = load_dataset(
        options.data,
        modality=options.modality,
        positive=options.positive,
        seed=options.seed,
        skip_unreadable=options.skip_unreadable,
        groups=options.groups,
        reader=reader,
    )
    show_dataset(dataset)
    if not (options.allow_leaks or options.folds):
        require_no_leaks(dataset)
    import_tensorflow()
    if done:
        require_same_training(options.out, dataset, options.data, plan)
        say(f"{options.out}: is finished; there is nothing to resume")
        _show_finished(options, dataset, plan, reader)
        return
    others = _counter_examples(options, dataset.modality, reader)
    (_cross_validate if options.folds else _train)(options, dataset, plan, others, reader)


def _modality(options: argparse.Namespace) -> Modality:
    from edge_kit.data.index import modality_in

    return modality_in(options.data, options.modality, positive=options.positive)


# Their values are paths, which may be private; the others change nothing of what is trained.
_PLACES = {"groups": "GROUPS"}
_LEFT_OUT = ("help", "data", "out", "resume", "tensorboard", "cache", "no_cache")


def _plan(options: argparse.Namespace, channels: int, modality: str) -> TrainingPlan:
    from edge_kit.training.plan import TrainingPlan
    from edge_runtime.film.preprocess import standard

    parser = Parser()
    add_options(parser)
    return TrainingPlan(
        model=options.model,
        preprocess=standard(options.side, options.side, options.channels or channels, modality),
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        seed=options.seed,
        deterministic=options.deterministic,
        precision=options.precision,
        film_gate=options.film_gate,
        options=parser.given(options, _PLACES, _LEFT_OUT),
    )


def _train(
    options: argparse.Namespace,
    dataset: Dataset,
    plan: TrainingPlan,
    others: tuple[Film, ...],
    reader: FilmReader,
) -> None:
    """Train one run, and say what its accuracy is worth."""
    from edge_kit.audit.caveat import caveat
    from edge_kit.training.records import recorded
    from edge_kit.training.train import train

    tensorboard = options.tensorboard
    with recorded(options.out, dataset.films, tensorboard=tensorboard) as callbacks:
        trained = train(
            *(dataset, options.data, plan, options.out, saying(dataset.modality, *dataset.names)),
            others=others,
            reader=reader,
            resume=options.resume,
            callbacks=callbacks,
        )
    show_metrics(trained.metrics)
    judged = dataset, options.data, plan.preprocess, trained.predict
    for line in caveat(*judged, reader=reader, say=saying(dataset.modality, *dataset.names)):
        write(f"{line}\n")
    _show_leaks(options, dataset, plan, reader)


def _show_finished(
    options: argparse.Namespace, dataset: Dataset, plan: TrainingPlan, reader: FilmReader
) -> None:
    """Print the figures of a run that had ended before, and beside them what they are worth."""
    from edge_kit.training.run import read_metrics

    show_metrics(read_metrics(options.out))
    _show_caveat(options, options.out, reader)
    _show_leaks(options, dataset, plan, reader)


def _show_leaks(
    options: argparse.Namespace, dataset: Dataset, plan: TrainingPlan, reader: FilmReader
) -> None:
    from edge_kit.training.leak_effect import leak_effect

    if dataset.leaks:
        told = saying(dataset.modality, *dataset.names)
        write(f"{leak_effect(dataset, options.data, plan, told, reader=reader)}\n")
    elif options.allow_leaks:
        say("--allow-leaks: no split parts a group or near-duplicates: nothing to measure")


def _cross_validate(
    options: argparse.Namespace,
    dataset: Dataset,
    plan: TrainingPlan,
    others: tuple[Film, ...],
    reader: FilmReader,
) -> None:
    from edge_export.report.words import words
    from edge_kit.training.folds import cross_validate, fold_run, table

    outcome = cross_validate(
        *(dataset, options.data, plan, options.out, saying(dataset.modality, *dataset.names)),
        folds=options.folds,
        others=others,
        reader=reader,
        resume=options.resume,
        tensorboard=options.tensorboard,
    )
    write(words(dataset.modality)(table(outcome)))
    write(words(dataset.modality)("the films of the first fold:\n"))
    _show_caveat(options, fold_run(options.out, 1), reader)


def _show_caveat(options: argparse.Namespace, run: Path, reader: FilmReader) -> None:
    """Say how far shortcuts alone get on the films of a run on the disk, beside its accuracy."""
    from edge_kit.audit.caveat import caveat_of_model
    from edge_kit.evaluation.evaluated import open_evaluated

    skip = options.skip_unreadable
    model = open_evaluated(run)
    for line in caveat_of_model(model, options.data, reader, say, skip_unreadable=skip):
        write(f"{line}\n")


def _counter_examples(
    options: argparse.Namespace, modality: Modality, reader: FilmReader
) -> tuple[Film, ...]:
    """Return the films of other modalities; a training does not need them, so it only says so."""
    from edge_kit.data.dataset import other_films

    if not (options.counter_examples and options.film_gate):
        return ()
    try:
        films = other_films(
            options.data, modality, positive=options.positive, seed=options.seed, reader=reader
        )
    except EdgeError as error:
        say(f"warning: films of other modalities are left out: {error}")
        return ()
    if films:
        say(f"counter-examples: {len(films)} films of another modality")
    return films


def show_dataset(dataset: Dataset) -> None:
    """Print what was found: classes as matched, splits, and what the owner should know."""
    say = saying(dataset.modality, *dataset.names)
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
    from edge_export.statistics.estimates import METHODS

    say(f"95 % intervals: {METHODS}")
    for split, figures in metrics.items():
        for name in ("accuracy", "sensitivity", "specificity", "auc"):
            write(f"{split:<5} {name:<12} {getattr(figures, name)}\n")
