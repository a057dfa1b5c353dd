"""`edge-kit models`: the networks that can be trained, and their recipes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from edge_kit.arguments import count
from edge_kit.console import write
from edge_kit.models.recipe import EPSILON
from edge_kit.models.registry import HELP as NAMES
from edge_kit.models.registry import MODELS, architecture

if TYPE_CHECKING:
    from edge_kit.models.description import Description
    from edge_kit.models.recipe import TrainingRecipe

HELP = "list the networks that can be trained"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("model", nargs="*", default=list(MODELS), metavar="MODEL", help=NAMES)
    parser.add_argument(
        "--side", type=count, metavar="N", help="pixels; default: the author's, 224 in the studies"
    )
    parser.add_argument(
        "--format", choices=("table", "json"), default="table", help="of what is printed"
    )


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    from edge_export.quiet import import_tensorflow
    from edge_kit.models.description import describe

    import_tensorflow()
    networks = [architecture(name) for name in options.model]
    descriptions = [describe(known, options.side or known.films.side) for known in networks]
    if options.format == "json":
        write(json.dumps([asdict(description) for description in descriptions], indent=2) + "\n")
    else:
        write(table(descriptions))


def table(models: Sequence[Description]) -> str:
    """Return a line for each network, and below what it is made of and how it is trained."""
    width = max(len(model.name) for model in models)
    head = f"{'model':<{width}}  {'input':<11} {'layers':>6} {'parameters':>11}"
    lines = [f"{head} {'float MB':>8} {'int8 MB':>7}"]
    for model in models:
        shape = "x".join(map(str, model.input))
        lines.append(
            f"{model.name:<{width}}  {shape:<11} {len(model.layers):>6} {model.parameters:>11,}"
            f" {model.float_mb:>8.1f} {model.int8_mb:>7.1f}"
        )
    for model in models:
        lines += ["", f"{model.name}: {recipe(model.recipe)}"]
        lines += [f"  layers: {' - '.join(map(str, model.layers))}"]
        lines += [f"  ours: {model.ours}"] * bool(model.ours)
    note = "Sizes are estimates: four bytes for each parameter, or one."
    return "\n".join([*lines, "", note, ""])


def recipe(chosen: TrainingRecipe) -> str:
    """Return a recipe in one line."""
    stop = chosen.early_stopping
    drawn = chosen.augmentation.to_json() if chosen.augmentation else {}
    varied = {name: value for name, value in drawn.items() if value is not False}
    parts = [
        f"{chosen.epochs} epochs",
        f"batch {chosen.batch_size}",
        f"Adam{'W' * bool(chosen.weight_decay)} {chosen.learning_rate:g}",
        f"weight decay {chosen.weight_decay:g}" if chosen.weight_decay else "",
        "cosine" if chosen.cosine else "",
        f"epsilon {chosen.epsilon:g}" if chosen.epsilon != EPSILON else "",
        f"stops early (min_delta {stop.min_delta:g}, patience {stop.patience})" if stop else "",
        ", ".join(f"{name} {value:g}" for name, value in varied.items() if value is not True),
        "horizontal flip" if varied.get("horizontal_flip") else "",
        f"tracks {', '.join(chosen.metrics)}" if chosen.metrics != ("accuracy",) else "",
    ]
    return ", ".join(part for part in parts if part)
