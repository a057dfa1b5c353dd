"""`edge-kit ensemble`: several runs as one."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge_kit.arguments import cache_options, reader_of
from edge_kit.console import say, write

HELP = "average several runs into one network that is exported like a run"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Average the logits of several runs, trained on the same split of the same films, into one "
        "network in a new run's folder, and measure it and its members on the held-out films."
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="two runs or more")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="a new folder")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="default: what the first RUN trained on"
    )
    cache_options(parser)
    parser.add_argument("--skip-unreadable", action="store_true", help="leave out damaged films")


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    from edge_export.cautions import Cautions
    from edge_export.statistics.estimates import METHODS
    from edge_kit.audit.caveat import caveat
    from edge_kit.training.ensemble import Ensemble, average

    reader, cautions = reader_of(options), Cautions(say)

    def judge(ensemble: Ensemble) -> None:
        preprocess = ensemble.members[0].config.preprocessing()
        judged = ensemble.dataset, ensemble.data, preprocess, ensemble.trained.predict
        caveat(*judged, reader=reader, cautions=cautions)

    ensemble = average(
        *(options.runs, options.out, say),
        data=options.data,
        skip_unreadable=options.skip_unreadable,
        reader=reader,
        cautions=cautions,
        judge=judge,
    )
    for note in ensemble.dataset.notes:
        say(note)
    names = ["ensemble", *(str(member.run) for member in ensemble.members)]
    say(f"95 % intervals: {METHODS}")
    for name, figures in zip(names, [ensemble.trained.metrics, *ensemble.of_members], strict=True):
        for split, metrics in figures.items():
            for measure in ("accuracy", "sensitivity", "specificity", "auc"):
                write(f"{split:<5} {measure:<12} {getattr(metrics, measure)}  {name}\n")
    say(f"wrote {options.out}")
    for sentence in cautions.caveat:
        write(f"{sentence}\n")
