"""`edge-kit`: train, export, demo."""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from edge_export.film import SPLITS
from edge_runtime.errors import EdgeError, UsageError, printable

if TYPE_CHECKING:
    from edge_export.film import Split
    from edge_export.proof.statistics import Metrics
    from edge_kit.dataset import Dataset

INTERRUPTED, TERMINATED = 130, 143


class Terminated(BaseException):
    """SIGTERM, raised so that half-written folders are removed on the way out."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        subject = self.prog.removeprefix("edge-kit").strip() or "command line"
        raise UsageError(subject, message, f"see {self.prog} --help")


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
        handler = {"train": _train, "export": _export, "demo": _demo}[options.command]
        handler(options)
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


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = _Parser(
        prog="edge-kit", description="Train networks on films, quantize them, prove them."
    )
    top.add_argument("--version", action="version", version=f"edge-kit {version('edge-kit')}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _train_options(commands.add_parser("train", help="train a network on a folder of films"))
    _export_options(commands.add_parser("export", help="quantize, prove and pack a network"))
    demo = commands.add_parser("demo", help="all of it in four minutes, on generated films")
    demo.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR")
    demo.add_argument("--seed", type=_seed, default=0)
    return top


def _train_options(parser: argparse.ArgumentParser) -> None:
    from edge_kit.models import MODELS

    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of films")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="a new folder")
    parser.add_argument("--model", choices=sorted(MODELS), default="model3", help="default model3")
    parser.add_argument("--epochs", type=_count, default=20, help="default 20, no early stopping")
    parser.add_argument("--channels", type=int, choices=(1, 3), default=1, help="1 grey, 3 RGB")
    parser.add_argument("--positive", default="covid", metavar="CLASS", help="default covid")
    parser.add_argument("--seed", type=_seed, default=0, help="of weights and splits, default 0")
    _data_options(parser)


def _export_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, metavar="RUN|MODEL.keras", help="what to export")
    parser.add_argument("--int8", action="store_true", help="static int8 TFLite and ONNX")
    parser.add_argument("--data", type=Path, metavar="DIR", help="default: what RUN trained on")
    parser.add_argument("--out", type=Path, required=True, metavar="NAME.edge", help="the bundle")
    parser.add_argument("--classes", metavar="NEG,POS", help="for a model that is not a RUN")
    parser.add_argument("--input-range", metavar="LOW,HIGH", help="what black and white are to it")
    parser.add_argument("--positive", metavar="CLASS", help="checked against the model's")
    parser.add_argument("--seed", type=_seed, default=0, help="of the choice of calibration films")
    parser.add_argument(
        "--calibration-films", type=_count, default=300, metavar="N", help="default 300"
    )
    parser.add_argument(
        "--max-flips", type=_share, default=0.01, metavar="SHARE", help="budget, default 0.01"
    )
    parser.add_argument(
        "--max-auc-difference",
        type=_share,
        default=0.005,
        metavar="X",
        help="budget, default 0.005",
    )
    parser.add_argument("--name", type=_name, help="default MODEL-MODALITY")
    parser.add_argument(
        "--bundle-version", type=_version, default="0.1.0", metavar="X.Y.Z", help="default 0.1.0"
    )
    parser.add_argument(
        "--limits", type=Path, metavar="FILE", help="limits of the data, for the card"
    )
    _data_options(parser)


def _data_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--modality", choices=("xray", "ct"), help="needed where there are both")
    parser.add_argument("--skip-unreadable", action="store_true", help="leave out damaged films")


def _train(options: argparse.Namespace) -> None:
    from edge_export.quiet import import_tensorflow
    from edge_kit.dataset import load_dataset
    from edge_kit.run import require_new
    from edge_kit.train import TrainingPlan, train
    from edge_runtime.preprocess import standard

    require_new(options.out)
    dataset = load_dataset(
        options.data,
        modality=options.modality,
        positive=options.positive,
        seed=options.seed,
        skip_unreadable=options.skip_unreadable,
    )
    show_dataset(dataset)
    import_tensorflow()
    plan = TrainingPlan(
        model=options.model,
        preprocess=standard(channels=options.channels),
        epochs=options.epochs,
        seed=options.seed,
    )
    show_metrics(train(dataset, options.data, plan, options.out, say))


def _export(options: argparse.Namespace) -> None:
    from edge_export.report.summary import parity_table

    if not options.int8:
        raise UsageError("export", "no recipe chosen", "add --int8")
    if not options.out.name.endswith(".edge"):
        raise UsageError("--out", f"{options.out.name} is not a .edge file", "name it NAME.edge")
    from edge_kit.source import export_source

    proof = export_source(options, say)
    sys.stdout.write(parity_table(proof))


def _demo(options: argparse.Namespace) -> None:
    from edge_kit.demo import demo

    demo(options.out, options.seed, run, say)


def say(line: str) -> None:
    """Write one line to stderr."""
    print(printable(line), file=sys.stderr, flush=True)  # noqa: T201


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


def _count(text: str) -> int:
    return _whole(text, 1, 10_000)


def _seed(text: str) -> int:
    return _whole(text, 0, 2**32 - 1)


def _whole(text: str, low: int, high: int) -> int:
    if text.isdecimal() and low <= int(text) <= high:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")


def _share(text: str) -> float:
    with suppress(ValueError):
        if 0 <= float(text) <= 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")


def _name(text: str) -> str:
    if re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", text):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is not of a-z, 0-9, '.', '_' and '-'")


def _version(text: str) -> str:
    if re.fullmatch(r"(?=.{1,32}$)[0-9]+(\.[0-9]+)*", text):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is not a version of digits and dots")
