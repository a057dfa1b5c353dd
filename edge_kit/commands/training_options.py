"""The options of `edge-kit train`."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge_kit.arguments import (
    cache_options,
    count,
    data_options,
    elsewhere_option,
    folders_option,
    folds,
    radius,
    rate,
    seed,
    share,
    side,
    split_options,
)
from edge_kit.models.registry import HELP as MODELS
from edge_kit.training.balance import BALANCES
from edge_kit.training.device import PRECISIONS
from edge_kit.training.shared_training import WAIT, SharedTraining, address, require_jax
from edge_runtime.bundle.records import LEAST_CROP
from edge_runtime.errors import UsageError


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `edge-kit train`."""
    folders_option(parser, "folder of films", required=True)
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="a new folder")
    parser.add_argument("--model", default="model3", metavar="NAME", help=f"{MODELS}; model3")
    _recipe_options(parser)
    _film_options(parser)
    _run_options(parser)
    elsewhere_option(parser)
    cache_options(parser)
    data_options(parser)


def _recipe_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--epochs", type=count, help="default: what the network's author chose")
    parser.add_argument(
        "--batch-size", type=count, metavar="N", help="default: what the author chose"
    )
    parser.add_argument(
        "--learning-rate", type=rate, metavar="R", help="default: what the author chose"
    )
    parser.add_argument(
        "--keep",
        choices=("last", "best"),
        default="last",
        help="the epoch whose weights are kept: the last, as in the studies, or that of the lowest "
        "loss on the validation films",
    )
    _preparation_options(parser)
    parser.add_argument(
        "--balance",
        choices=BALANCES,
        default="none",
        help="show both classes equally often in an epoch, or within each class its sources or "
        "hospitals; default none",
    )
    parser.add_argument("--seed", type=seed, default=0, help="of weights, default 0")


def _preparation_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--channels",
        type=int,
        choices=(1, 3),
        help="1 grey, 3 RGB; default: the author's, and 3 with --modality other",
    )
    parser.add_argument(
        "--side",
        type=side,
        metavar="PIXELS",
        help="height and width that films are resized to; default: the author's (224)",
    )
    parser.add_argument(
        "--trim",
        type=share,
        metavar="SHARE",
        help="cut off a border darker than this share of the film's levels, 0 for not at all; "
        "default: the author's",
    )
    parser.add_argument(
        "--crop",
        type=middle,
        metavar="SHARE",
        help="keep this middle share of each side, 0.1 to 1; default: the author's",
    )
    parser.add_argument(
        "--local-radius",
        type=radius,
        metavar="PIXELS",
        help="hold each level against those this far around it, 0 for not at all; "
        "default: the author's",
    )


def middle(text: str) -> float:
    """Return the share of a side that is kept."""
    if (value := share(text)) >= LEAST_CROP:
        return value
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from {LEAST_CROP} to 1")


def _film_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--positive", default="covid", metavar="CLASS", help="default covid")
    parser.add_argument(
        "--without-source",
        action="append",
        default=[],
        metavar="NAME",
        help="leave out the films of this source, as manifests or folders name it; may be repeated",
    )
    split_options(parser)
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
        "--groups", type=Path, metavar="CSV", help="groups.csv of edge-kit data scan"
    )
    parser.add_argument(
        "--allow-leaks",
        action="store_true",
        help="train on a leaking split, and measure what the leak adds",
    )


def _run_options(parser: argparse.ArgumentParser) -> None:
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
    parser.add_argument("--folds", type=folds, metavar="K", help="cross-validate: K runs below RUN")
    parser.add_argument("--tensorboard", action="store_true", help="log to RUN/tensorboard")
    _shared_options(parser)


def _shared_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--coordinator",
        type=coordinator,
        metavar="HOST:PORT",
        help="train with other processes, on JAX: where process 0 listens",
    )
    parser.add_argument(
        "--processes", type=count, metavar="N", help="how many processes train together"
    )
    parser.add_argument(
        "--process", type=seed, metavar="I", help="which of them this is, from 0, which writes RUN"
    )
    parser.add_argument(
        "--wait",
        type=count,
        default=WAIT,
        metavar="SECONDS",
        help=f"for which a process waits for the others to come, and for a sign of life; {WAIT}",
    )


def coordinator(text: str) -> tuple[str, int]:
    """Return host and port of process 0."""
    try:
        return address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def shared_training_of(options: argparse.Namespace) -> SharedTraining | None:
    """Return the shared training that the options ask for, if they do.

    Raises:
        UsageError: they do not go together, or JAX is not installed.
    """
    named = (options.coordinator, options.processes, options.process)
    if all(one is None for one in named):
        return None
    if None in named:
        cure = "give all three, --coordinator, --processes and --process"
        raise UsageError("--coordinator", "goes with --processes and --process", cure)
    if options.process >= options.processes:
        problem = f"there is no process {options.process} of {options.processes}"
        raise UsageError("--process", problem, f"give 0 to {options.processes - 1}")
    if options.folds:
        cure = "train the folds on one machine each, or leave out --folds"
        raise UsageError("--folds", "are not trained by several processes", cure)
    require_jax()
    host, port = options.coordinator
    return SharedTraining(host, port, options.processes, options.process, options.wait)
