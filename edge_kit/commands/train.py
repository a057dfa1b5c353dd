"""`edge-kit train`: a network on a folder of films."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from edge_export.films.film import SPLITS
from edge_kit.arguments import reader_of
from edge_kit.commands.training_judge import films_from_elsewhere, judge_of
from edge_kit.commands.training_options import add_options, shared_training_of
from edge_kit.commands.training_plan import plan_of
from edge_kit.console import refusing, say, saying, write
from edge_runtime.errors import EdgeError, UsageError

if TYPE_CHECKING:
    from edge_export.cautions import Cautions
    from edge_export.films.film import Film, Split
    from edge_export.statistics.estimates import Metrics
    from edge_kit.data.dataset import Dataset
    from edge_kit.data.labels import Modality
    from edge_kit.data.reader import FilmReader
    from edge_kit.evaluation.elsewhere import ElsewhereFilms
    from edge_kit.training.plan import TrainingPlan
    from edge_kit.training.shared_training import SharedTraining

HELP = "train a network on a folder of films"
__all__ = ["HELP", "add_options", "run"]


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    from edge_kit.models.registry import architecture

    shared = shared_training_of(options)
    if shared:
        from edge_kit.training.supervise import is_member, supervise

        if not is_member():
            supervise(shared, options.arguments)
    done = _place(options) if shared is None or shared.writes else False
    options.data = options.data.leaving_out(options.without_source)
    architecture(options.model)  # whether there is one, before films are looked for
    with refusing(options.modality, options.positive, options.negative):
        modality = _modality(options)
    with refusing(modality, options.positive, options.negative):
        if shared is None or done:
            _trained(options, modality, done=done)
            return
        from edge_kit.training.joining import together

        with together(shared, say):
            _trained(options, modality, shared=shared)


def _trained(
    options: argparse.Namespace,
    modality: Modality,
    *,
    done: bool = False,
    shared: SharedTraining | None = None,
) -> None:
    """Train on films of `modality`, with the other processes of `shared`; a `done` run is shown."""
    from edge_export.cautions import Cautions
    from edge_export.quiet import import_tensorflow
    from edge_export.words import words
    from edge_kit.data.leaks import require_no_leaks
    from edge_kit.training.plan import require_same_training

    reader = reader_of(options)
    plan = plan_of(options, modality)
    reader.expect(plan.preprocess)
    dataset = _dataset(options, modality, reader, done=done)
    cautions = Cautions(say, words(dataset.modality, *dataset.names))
    show_dataset(dataset, cautions)
    if not (options.allow_leaks or options.folds):
        require_no_leaks(dataset)
    import_tensorflow()
    if done:
        require_same_training(options.out, dataset, options.data, plan)
        say(f"{options.out}: is finished; there is nothing to resume")
        _show_finished(options, cautions)
        return
    if shared and not shared.writes:
        _take_part(options, dataset, plan, shared, reader)
        return
    others = _counter_examples(options, dataset.modality, reader, cautions)
    judged = reader, cautions, films_from_elsewhere(options, dataset, plan, reader)
    method = _cross_validate if options.folds else partial(_train, shared=shared)
    method(options, dataset, plan, others, *judged)


def _take_part(
    options: argparse.Namespace,
    dataset: Dataset,
    plan: TrainingPlan,
    shared: SharedTraining,
    reader: FilmReader,
) -> None:
    """Train a run that process 0 of `shared` writes."""
    from edge_kit.training.train import take_part

    said = saying(dataset.modality, *dataset.names)
    take_part(dataset, options.data, plan, options.out, said, reader=reader, shared=shared)


def _place(options: argparse.Namespace) -> bool:
    """Return whether the run is finished already; its place is free or has a training to resume.

    Raises:
        UsageError: options contradict each other.
        CannotWrite: something else stands there.
    """
    from edge_kit.files import require_new
    from edge_kit.training.run import finished

    if options.folds and options.allow_leaks:
        problem = "folds never separate films that belong together, so none leaks"
        raise UsageError("--allow-leaks", problem, "leave it out")
    if done := options.resume and finished(options.out):
        return done
    if not options.folds:
        require_new(options.out, resume=options.resume)
    return False


def _dataset(
    options: argparse.Namespace, modality: Modality, reader: FilmReader, *, done: bool
) -> Dataset:
    from edge_kit.data.dataset import load_dataset

    return load_dataset(
        options.data,
        modality=modality,
        positive=options.positive,
        negative=options.negative,
        seed=_split_seed(options, done=done),
        skip_unreadable=options.skip_unreadable,
        groups=options.groups,
        reader=reader,
    )


def _split_seed(options: argparse.Namespace, *, done: bool) -> int:
    """Return what deals the splits; where it is not said, a finished run goes by its own."""
    from edge_kit.training.run import read_config

    if options.split_seed is None and done:
        return read_config(options.out).dealt_by
    return options.split_seed or 0


def _modality(options: argparse.Namespace) -> Modality:
    from edge_kit.data.collection import modality_in

    return modality_in(options.data, options.modality, options.positive, options.negative)


def _train(  # noqa: PLR0917, what is trained of what, and how
    options: argparse.Namespace,
    dataset: Dataset,
    plan: TrainingPlan,
    others: tuple[Film, ...],
    reader: FilmReader,
    cautions: Cautions,
    elsewhere: ElsewhereFilms | None,
    *,
    shared: SharedTraining | None,
) -> None:
    """Train one run, and say what its accuracy is worth."""
    from edge_kit.training.records import recorded
    from edge_kit.training.train import train

    record = recorded(
        options.out, dataset.films, tensorboard=options.tensorboard, cautions=cautions
    )
    with record as callbacks:
        trained = train(
            *(dataset, options.data, plan, options.out, saying(dataset.modality, *dataset.names)),
            others=others,
            reader=reader,
            resume=options.resume,
            callbacks=callbacks,
            cautions=cautions,
            judge=judge_of(options, plan, reader, elsewhere),
            shared=shared,
        )
    _show(cautions.caveat, trained.metrics)
    if options.allow_leaks and not dataset.leaks:
        say("--allow-leaks: no split parts a group or near-duplicates: nothing to measure")


def _show(caveat: Sequence[str], metrics: Mapping[Split, Metrics]) -> None:
    """Print what films from elsewhere say, the figures, and what else they are worth."""
    from edge_export.cautions import on_elsewhere

    elsewhere, others = on_elsewhere(caveat)
    _show_caveat(elsewhere)
    show_metrics(metrics)
    _show_caveat(others)


def _show_finished(options: argparse.Namespace, cautions: Cautions) -> None:
    """Print the figures of a run that had ended before, and beside them what they are worth."""
    from edge_kit.training.run import read_cautions, read_metrics

    warnings, caveat = read_cautions(options.out)
    cautions.warn(*warnings)
    _show(caveat, read_metrics(options.out))
    if not (warnings or caveat):  # a run of an older version
        say(f"{options.out}: has no record of an audit; edge-kit audit --model RUN makes one")


def _cross_validate(  # noqa: PLR0917, what is trained of what, and how
    options: argparse.Namespace,
    dataset: Dataset,
    plan: TrainingPlan,
    others: tuple[Film, ...],
    reader: FilmReader,
    cautions: Cautions,
    elsewhere: ElsewhereFilms | None,
) -> None:
    from edge_export.cautions import on_elsewhere
    from edge_export.words import words
    from edge_kit.training.folds import cross_validate, table

    outcome = cross_validate(
        *(dataset, options.data, plan, options.out, saying(dataset.modality, *dataset.names)),
        folds=options.folds,
        others=others,
        reader=reader,
        resume=options.resume,
        tensorboard=options.tensorboard,
        cautions=cautions,
        judge=judge_of(options, plan, reader, elsewhere),
    )
    told = words(dataset.modality, *dataset.names)
    elsewhere_first, others_after = on_elsewhere(cautions.caveat)
    _show_caveat(elsewhere_first)
    write(told(table(outcome) + "the films of the first fold:\n"))
    _show_caveat(others_after)


def _show_caveat(sentences: Sequence[str]) -> None:
    for sentence in sentences:
        write(f"{sentence}\n")


def _counter_examples(
    options: argparse.Namespace, modality: Modality, reader: FilmReader, cautions: Cautions
) -> tuple[Film, ...]:
    """Return the films of other modalities; a training does not need them, so it only says so."""
    from edge_kit.data.dataset import other_films

    if not (options.counter_examples and options.film_gate):
        return ()
    try:
        films = other_films(
            *(options.data, modality),
            positive=options.positive,
            negative=options.negative,
            seed=options.split_seed or 0,
            reader=reader,
        )
    except EdgeError as error:
        cautions.warn("films of other modalities are left out: they cannot be used")
        say(f"of other modalities: {error}")
        return ()
    if films:
        say(f"counter-examples: {len(films)} films of another modality")
    return films


def show_dataset(dataset: Dataset, cautions: Cautions) -> None:
    """Print what was found: classes as matched, splits, and what the owner should know."""
    say = saying(dataset.modality, *dataset.names)
    for name, (label, films) in dataset.classes.items():
        say(f"class {name!r} is {label}: {films} films")
    for note in dataset.notes:
        say(note)
    for split in SPLITS:
        rows = [film for film in dataset.films if film.split == split]
        positive = sum(film.label == dataset.positive for film in rows)
        groups = len({film.group for film in rows})
        say(f"{split}: {len(rows)} films in {groups} groups, {positive} {dataset.positive}")
    cautions.warn(*dataset.warnings)
    for line in dataset.details:
        say(line)


def show_metrics(metrics: Mapping[Split, Metrics]) -> None:
    """Print the metrics of each held-out split to stdout, with 95 % intervals and n."""
    from edge_export.statistics.estimates import METHODS

    say(f"95 % intervals: {METHODS}")
    for split, figures in metrics.items():
        for name in ("accuracy", "sensitivity", "specificity", "auc"):
            write(f"{split:<5} {name:<12} {getattr(figures, name)}\n")
