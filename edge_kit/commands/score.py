"""`edge-kit score`: the answers to an archive of films, as Parquet."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from edge_kit.console import say
from edge_runtime.errors import UsageError

HELP = "classify an archive of films, on one machine or on many"
NOTICE = "research use; not a medical device"
_ACTIONS = ("manifest", "merge")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "source",
        nargs="+",
        metavar="SOURCE",
        help="a folder, a list of paths, a Parquet of paths, a URL such as s3://BUCKET/FOLDER, or "
        "a manifest; `manifest SOURCE` lists the films alone, `merge DIR...` puts shards together "
        "(a folder of that name is ./manifest or ./merge)",
    )
    parser.add_argument("--bundle", metavar="B", help="the bundle that answers")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="a folder for all that is written"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on in DIR: parts that hold are not done again"
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="with --resume, do parts anew that hold films which could not be read",
    )
    parser.add_argument(
        "--shard",
        type=shard,
        default=(0, 1),
        metavar="i/N",
        help="parts i, i+N, ... alone, i from 0",
    )
    parser.add_argument(
        "--part", type=rows, default=10_000, metavar="ROWS", help="films a part, default 10000"
    )
    _workers_options(parser)


def _workers_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--engine", default="auto", metavar="E", help="as of edge-run classify")
    parser.add_argument(
        "--workers", type=rows, metavar="N", help="parts at once; default one for each processor"
    )
    cluster = parser.add_mutually_exclusive_group()
    cluster.add_argument("--ray", action="store_true", help="start a Ray cluster here")
    cluster.add_argument("--address", metavar="A", help="join a Ray cluster, HOST:PORT")


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    from edge_kit.scoring.tables import require_scale

    require_scale()
    if options.source[0] in _ACTIONS and len(options.source) > 1:
        action, *sources = options.source
        {"manifest": _manifest, "merge": _merge}[action](options, sources)
        return
    if len(options.source) > 1:
        raise UsageError("score", "takes one SOURCE", "name them in a list of paths")
    _score(options)


def _manifest(options: argparse.Namespace, sources: list[str]) -> None:
    from edge_kit.scoring.score import list_films, require_beside
    from edge_runtime.output import new_folder_at

    if len(sources) > 1:
        raise UsageError("score manifest", "takes one SOURCE", "name them in a list of paths")
    require_beside(sources[0], options.out)
    new_folder_at(options.out, or_empty=True)
    list_films(sources[0], options.out, options.part, say)


def _merge(options: argparse.Namespace, sources: list[str]) -> None:
    from edge_kit.scoring.merge import merge

    others = (options.resume, options.again, options.workers, options.ray, options.address)
    if any(others) or options.shard != (0, 1):
        raise UsageError("score merge", "scores nothing", "give it --out and --bundle alone")
    say(merge([Path(source) for source in sources], options.out, options.bundle))
    say(f"wrote {options.out}/index.json and {options.out}/summary.html")


def _score(options: argparse.Namespace) -> None:
    from edge_kit.scoring.score import ScoringOrder, score
    from edge_kit.scoring.summary_page import write_summary
    from edge_kit.scoring.tables import require_scale
    from edge_runtime.answer.batch import processors

    if options.bundle is None:
        raise UsageError("score", "needs a --bundle", "name the .edge that answers")
    if options.again and not options.resume:
        raise UsageError("--again", "goes on with --resume alone", "add --resume")
    cluster = "" if options.ray else options.address
    if cluster is not None:
        require_scale("ray")
    say(NOTICE)
    scored = score(
        ScoringOrder(
            source=options.source[0],
            bundle=options.bundle,
            out=options.out,
            engine=options.engine,
            shard=options.shard,
            resume=options.resume,
            again=options.again,
            part_rows=options.part,
            workers=options.workers or processors(),
            cluster=cluster,
        ),
        say,
    )
    write_summary(options.out, scored.manifest, scored.parts, options.bundle)
    say(scored.line())
    say(f"wrote {options.out}/index.json and {options.out}/summary.html")


def shard(text: str) -> tuple[int, int]:
    """Return which of how many shards, the first being 0."""
    if match := re.fullmatch(r"(\d{1,6})/(\d{1,6})", text):
        number, count = int(match[1]), int(match[2])
        if number < count:
            return number, count
    raise argparse.ArgumentTypeError(f"{text!r} is not i/N with i from 0 to N-1")


def rows(text: str) -> int:
    """Return a whole number from 1 to a million."""
    if text.isdecimal() and 1 <= int(text) <= 1_000_000:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 1000000")
