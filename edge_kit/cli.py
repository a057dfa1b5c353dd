"""`edge-kit`: train, export, demo."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from edge_export.film import SPLITS
from edge_kit.options import parser
from edge_runtime.errors import EdgeError, UsageError, printable

if TYPE_CHECKING:
    from edge_export.film import Film, Split
    from edge_export.proof.statistics import Metrics
    from edge_kit.dataset import Dataset
    from edge_kit.labels import Modality

INTERRUPTED, TERMINATED = 130, 143


class Terminated(BaseException):
    """SIGTERM, raised so that half-written folders are removed on the way out."""


def main() -> NoReturn:
    """Run the command line and exit with the status it documents."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Carry out a command line and return its exit status."""
    signal.signal(signal.SIGTERM, _terminate)
    if sys.stderr is None:  # closed; what is said would go to stdout
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115, until the end
    try:
        options = parser().parse_args(arguments)
        handlers = {"train": _train, "export": _export, "debug": _debug, "demo": _demo}
        handlers[options.command](options)
        sys.stdout.flush()
    except EdgeError as error:
        say(f"edge-kit: {error}")
        return error.exit_status
    except KeyboardInterrupt:
        say("edge-kit: interrupted")
        return INTERRUPTED
    except Terminated:
        say("edge-kit: terminated")
        return TERMINATED
    except BrokenPipeError:
        # Nobody reads on; what could not be written must not be tried again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0


def _train(options: argparse.Namespace) -> None:
    from edge_export.quiet import import_tensorflow
    from edge_kit.dataset import load_dataset
    from edge_kit.run import require_new
    from edge_kit.train import TrainingPlan, train
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
    from edge_kit.dataset import other_films

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


def _export(options: argparse.Namespace) -> None:
    if not (options.int8 or options.recipe):
        raise UsageError("export", "no recipe chosen", "add --int8, or --recipe NAME")
    if options.out.suffix != ".edge":
        raise UsageError("--out", f"{options.out.name} is not a .edge file", "name it NAME.edge")
    from edge_kit.source import export_source

    export_source(options, say, write)


def _debug(options: argparse.Namespace) -> None:
    from edge_export.debug import debug, render
    from edge_kit.source import against

    diagnosis = debug(options.bundle, options.film, *against(options))
    for warning in diagnosis.warnings:
        say(f"warning: {warning}")
    sys.stdout.write(render(diagnosis, options.format))


def _demo(options: argparse.Namespace) -> None:
    from edge_kit.demo import demo

    demo(options.out, options.seed, run, say)


def say(line: str) -> None:
    """Write one line to stderr."""
    print(printable(line), file=sys.stderr, flush=True)  # noqa: T201


def write(text: str) -> None:
    """Write a result to stdout."""
    sys.stdout.write(text)


def show_dataset(dataset: Dataset) -> None:
    """Print what was found: classes as matched, splits, and what the owner should know."""
    for name, (label, count) in dataset.classes.items():
        say(f"class {name!r} is {label}: {count} films")
    for split in SPLITS:
        films = [film for film in dataset.films if film.split == split]
        positive = sum(film.label == dataset.positive for film in films)
        groups = len({film.group for film in films})
        say(f"{split}: {len(films)} films in {groups} groups, {positive} {dataset.positive}")
    for warning in dataset.warnings:
        say(f"warning: {warning}")


def show_metrics(metrics: Mapping[Split, Metrics]) -> None:
    """Print the metrics of each held-out split to stdout, with 95 % intervals and n."""
    for split, one in metrics.items():
        for name in ("accuracy", "sensitivity", "specificity", "auc"):
            sys.stdout.write(f"{split:<5} {name:<12} {getattr(one, name)}\n")


def _terminate(signum: int, frame: object) -> NoReturn:
    del signum, frame
    raise Terminated
