"""`edge-kit sweep`: networks, folds, seeds and ways to quantize, tried and put in one table."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edge_kit.arguments import Parser, cache_options, count, use_options
from edge_kit.commands.demo import carry_out
from edge_kit.commands.export import require_bundle_name
from edge_kit.commands.score import NOTICE
from edge_kit.console import say, write
from edge_runtime.errors import DataError, ParityFailed, UsageError

if TYPE_CHECKING:
    from edge_kit.sweeping.plan import Configuration, SweepPlan
    from edge_kit.sweeping.sweep import Swept

HELP = "try networks, folds, seeds and recipes, and show which are worth it"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "plan",
        nargs="+",
        metavar="PLAN.toml",
        help="what to try; `pick DIR [NUMBER]` makes a bundle of the winner in DIR, or of the "
        "configuration of that number (a plan of that name is ./pick)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="a folder for all that is written; of pick the bundle, NAME.edge",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on in DIR: trials with a record stay as they are"
    )
    parser.add_argument(
        "--again", action="store_true", help="with --resume, do trials anew that failed"
    )
    parser.add_argument(
        "--workers",
        type=count,
        metavar="N",
        help="trainings at once; default as many as the processors have room for",
    )
    cluster = parser.add_mutually_exclusive_group()
    cluster.add_argument("--ray", action="store_true", help="start a Ray cluster here")
    cluster.add_argument("--address", metavar="A", help="join a Ray cluster, HOST:PORT")
    cache_options(parser)
    use_options(parser)


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    if options.plan[0] == "pick" and len(options.plan) > 1:
        _pick(options)
        return
    if len(options.plan) > 1:
        raise UsageError("sweep", "takes one PLAN.toml", "give them one after the other")
    _sweep(options)


def _sweep(options: argparse.Namespace) -> None:
    from edge_kit.data.cache import default_cache
    from edge_kit.scoring.tables import require_scale
    from edge_kit.sweeping.plan_file import read_plan
    from edge_kit.sweeping.sweep import SweepOrder, sweep
    from edge_runtime.answer.batch import processors

    require_scale(command="sweep")
    if options.again and not options.resume:
        raise UsageError("--again", "goes on with --resume alone", "add --resume")
    for option in ("body_part", "views", "ages"):
        if getattr(options, option):
            name = f"--{option.replace('_', '-')}"
            raise UsageError(name, "is for sweep pick", "leave it out")
    cluster = "" if options.ray else options.address
    if cluster is not None:
        require_scale("ray", command="sweep")
    plan = read_plan(Path(options.plan[0]))
    say(NOTICE)
    swept = sweep(
        SweepOrder(
            plan=plan,
            out=options.out,
            cache=None if options.no_cache else options.cache or default_cache(),
            resume=options.resume,
            again=options.again,
            workers=options.workers or processors(),
            cpus=processors(),
            cluster=cluster,
        ),
        say,
    )
    _show(swept, plan, options.out)


def _show(swept: Swept, plan: SweepPlan, out: Path) -> None:
    """Print the table and the winner's command.

    Raises:
        DataError: trials failed; all is written.
        ParityFailed: nothing is on the front; likewise.
    """
    from edge_kit.sweeping.papers import HTML, commands, pick_command
    from edge_kit.sweeping.table import summary

    write(summary(swept.rows, plan.specificity))
    say(f"wrote {out}/{HTML}, sweep.parquet and sweep.json")
    if winner := swept.winner:
        write(f"a bundle of the winner:\n  {pick_command(out, winner.configuration)}\n")
        write("or step by step:\n")
        for line in commands(plan, winner.configuration):
            write(f"  {line}\n")
    if swept.failed:
        first, total = swept.failed[0], len(swept.records)
        problem = f"{len(swept.failed)} of {total} trials failed ({first.trial}: {first.reason})"
        raise DataError(out, problem, f"see {HTML}; --resume --again tries them anew")
    if not swept.winner:
        reasons = swept.rows[0].why_not
        raise ParityFailed(out, f"nothing is on the front (1: {reasons})", f"see {HTML}")


def _pick(options: argparse.Namespace) -> None:
    """Train the chosen configuration on the data's own splits, and export it."""
    from edge_kit.sweeping.binding import read_binding

    if len(options.plan) > 3:
        raise UsageError("sweep pick", "takes DIR and a NUMBER", "name one configuration")
    require_bundle_name(options.out)
    folder = Path(options.plan[1])
    plan, _ = read_binding(folder)
    chosen = _chosen(folder, plan, options.plan[2:])
    run_folder = options.out.with_name(f"{options.out.stem}-run")
    say(f"{chosen.number}: {chosen}")
    cached = [] if options.cache is None else ["--cache", str(options.cache)]
    cached += ["--no-cache"] if options.no_cache else []
    words = [*plan.train_words(chosen.model), "--out", str(run_folder), *cached]
    carry_out(["train", *words, "--resume"])
    wishes = Parser()
    use_options(wishes)
    use = wishes.given(options, {}, ("help",))
    words = [str(run_folder), *plan.export_words(chosen), "--out", str(options.out), *cached, *use]
    carry_out(["export", *words])


def _chosen(folder: Path, plan: SweepPlan, named: list[str]) -> Configuration:
    """Return the configuration of a number, or the winner.

    Raises:
        UsageError: there is none of that number, or no winner.
        DataError: the sweep has not ended.
    """
    from edge_kit.sweeping.papers import winner_in

    number = named[0] if named else str(winner_in(folder))
    for configuration in plan.configurations:
        if str(configuration.number) == number:
            return configuration
    problem = f"has no configuration {number!r}, but 1 to {len(plan.configurations)}"
    raise UsageError(folder, problem, "see the first column of its table")
