"""The plan of a training: the options of `edge-kit train`, else what the network's author chose."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from edge_kit.arguments import Parser
from edge_kit.commands.training_options import add_options
from edge_kit.console import say
from edge_kit.models.registry import architecture

if TYPE_CHECKING:
    from edge_kit.data.labels import Modality
    from edge_kit.training.plan import TrainingPlan
    from edge_runtime.bundle.records import Preprocess

# Their values are paths, which may be private; the others change nothing of what is trained.
_PLACES = {"groups": "GROUPS", "coordinator": "HOST:PORT"}
_LEFT_OUT = (
    "help",
    "data",
    "out",
    "resume",
    "tensorboard",
    "cache",
    "no_cache",
    "elsewhere",
    "wait",
)


def plan_of(options: argparse.Namespace, modality: Modality) -> TrainingPlan:
    """Return the plan of a training on films of `modality`.

    Raises:
        UsageError: a way to prepare films is not for pictures of its channels.
    """
    from edge_kit.training.plan import TrainingPlan

    parser = Parser()
    add_options(parser)
    return TrainingPlan(
        model=options.model,
        preprocess=_preprocess(options, modality),
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        seed=options.seed,
        deterministic=options.deterministic,
        precision=options.precision,
        keep=options.keep,
        film_gate=options.film_gate,
        balance=options.balance,
        options=parser.given(options, _PLACES, _LEFT_OUT),
    )


def _preprocess(options: argparse.Namespace, modality: Modality) -> Preprocess:
    """Return how films are prepared: as the author chose, but for what the options say."""
    from edge_kit.training.plan import preparation

    channels = _channels(options, modality)
    named = ("side", "trim", "crop", "local_radius")
    asked = {name: getattr(options, name) for name in named if getattr(options, name) is not None}
    return preparation(architecture(options.model), channels, modality, **asked)


def _channels(options: argparse.Namespace, modality: Modality) -> int:
    """Return the channels that are asked for, else the author's; of `other` pictures all colours.

    The authors' single channel is that of films. Grey pictures lose nothing: an export folds them.
    """
    from edge_kit.training.plan import usual_channels

    network = architecture(options.model)
    if options.channels:
        return int(options.channels)
    if (channels := usual_channels(network, modality)) != network.channels:
        say("--modality other: pictures keep their colour; --channels 1 makes them grey")
    return channels
