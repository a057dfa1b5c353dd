"""`edge-kit ensemble`: several runs as one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edge_kit.arguments import cache_options, folders_option, reader_of
from edge_kit.console import refusing, say, saying, write
from edge_runtime.text import printable

if TYPE_CHECKING:
    from edge_kit.training.ensemble import Ensemble

HELP = "average several runs into one network that is exported like a run"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Average the logits of several runs, trained on the same split of the same films, into one "
        "network in a new run's folder, and measure it and its members on the held-out films."
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="two runs or more")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="a new folder")
    folders_option(parser, "default: what the first RUN trained on")
    cache_options(parser)
    parser.add_argument("--skip-unreadable", action="store_true", help="leave out damaged films")


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    from edge_export.cautions import Cautions
    from edge_export.words import words
    from edge_kit.audit.caveat import caveat
    from edge_kit.files import require_new
    from edge_kit.training.ensemble import average
    from edge_kit.training.run import read_config

    require_new(options.out)  # before anything is read
    first = read_config(options.runs[0])
    spoken = first.modality, first.negative, first.positive
    told, cautions = saying(*spoken), Cautions(say, words(*spoken))
    reader = reader_of(options)

    def judge(ensemble: Ensemble) -> None:
        preprocess = ensemble.members[0].config.preprocessing()
        judged = ensemble.dataset, ensemble.data, preprocess, ensemble.trained.predict
        caveat(*judged, reader=reader, cautions=cautions)

    with refusing(*spoken):
        ensemble = average(
            *(options.runs, options.out, told),
            data=options.data,
            skip_unreadable=options.skip_unreadable,
            reader=reader,
            cautions=cautions,
            judge=judge,
        )
    for note in ensemble.dataset.notes:
        told(note)
    _show(ensemble)
    say(f"wrote {options.out}")
    for sentence in cautions.caveat:
        write(f"{sentence}\n")


def _show(ensemble: Ensemble) -> None:
    """Print the figures of an ensemble and of its members."""
    from edge_export.statistics.estimates import METHODS

    names = ["ensemble", *(printable(member.run) for member in ensemble.members)]
    say(f"95 % intervals: {METHODS}")
    for name, figures in zip(names, [ensemble.trained.metrics, *ensemble.of_members], strict=True):
        for split, metrics in figures.items():
            for measure in ("accuracy", "sensitivity", "specificity", "auc"):
                write(f"{split:<5} {measure:<12} {getattr(metrics, measure)}  {name}\n")
