"""The command line of `edge-kit`: every option, its type and its help."""

from __future__ import annotations

import argparse
import re
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from edge_export.facts import ADULTS
from edge_export.quantize.calibrate import Fault
from edge_export.quantize.ranges import METHODS
from edge_export.quantize.recipe import RECIPES
from edge_runtime.errors import UsageError


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # argparse would take the value of "--input-range -1,1" for an option, and has no other say.
        self._negative_number_matcher = re.compile(r"-[\d.]")

    def error(self, message: str) -> NoReturn:
        subject = self.prog.removeprefix("edge-kit").strip() or "command line"
        raise UsageError(subject, message, f"see {self.prog} --help")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = _Parser(
        prog="edge-kit", description="Train networks on films, quantize them, prove them."
    )
    top.add_argument("--version", action="version", version=f"edge-kit {version('edge-kit')}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _train_options(commands.add_parser("train", help="train a network on a folder of films"))
    _export_options(commands.add_parser("export", help="quantize, prove and pack a network"))
    _debug_options(commands.add_parser("debug", help="find the layer that flips a film"))
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
    parser.add_argument(
        "--no-counter-examples",
        dest="counter_examples",
        action="store_false",
        help="do not train the film branch on films of another modality in the folder",
    )
    _data_options(parser)


def _export_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, metavar="RUN|MODEL.keras", help="what to export")
    parser.add_argument("--int8", action="store_true", help="static int8 TFLite and ONNX")
    parser.add_argument(
        "--recipe",
        action="append",
        choices=sorted(RECIPES),
        default=[],
        metavar="NAME",
        help=f"may be given several times; one of {', '.join(RECIPES)}",
    )
    parser.add_argument(
        "--choose", action="store_true", help="ship only the best graph that passes"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="default: what RUN trained on")
    parser.add_argument("--out", type=Path, required=True, metavar="NAME.edge", help="the bundle")
    parser.add_argument(
        "--format", choices=("table", "json"), default="table", help="of what is printed"
    )
    _model_options(parser)
    _use_options(parser)
    _calibration_options(parser)
    _verdict_options(parser)
    parser.add_argument("--name", type=_name, help="default MODEL-MODALITY")
    parser.add_argument(
        "--bundle-version", type=_version, default="0.1.0", metavar="X.Y.Z", help="default 0.1.0"
    )
    parser.add_argument(
        "--limits", type=Path, metavar="FILE", help="limits of the data, for the card"
    )
    _data_options(parser)


def _model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--classes", metavar="NEG,POS", help="for a model that is not a RUN")
    parser.add_argument("--input-range", metavar="LOW,HIGH", help="what black and white are to it")
    parser.add_argument("--positive", metavar="CLASS", help="checked against the model's")
    parser.add_argument(
        "--film-threshold",
        type=_logit,
        metavar="LOGIT",
        help="below which a model's second output says no film; default 0, for a RUN its own",
    )
    parser.add_argument(
        "--fold-grey",
        action=argparse.BooleanOptionalAction,
        help="fold three channels of grey into one; default for a RUN whose films are all grey",
    )


def _use_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ages",
        type=_ages,
        default=ADULTS,
        metavar="YOUNGEST,OLDEST",
        help="years of age that the bundle is for, default 18,150: most films come without an age",
    )
    parser.add_argument(
        "--views",
        type=_views,
        metavar="VIEW,...",
        help="DICOM views that the bundle is for, default PA,AP of X-rays, any of CT",
    )


def _calibration_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=_seed, default=0, help="of the choice of calibration films")
    parser.add_argument(
        "--calibration-films", type=_count, default=300, metavar="N", help="default 300"
    )
    parser.add_argument(
        "--calibration-method", choices=METHODS, default=METHODS[0], help=f"default {METHODS[0]}"
    )
    parser.add_argument(
        "--allow-calibration",
        action="append",
        choices=list(Fault),
        default=[],
        metavar="FAULT",
        help=f"ignore a fault of the calibration films, and say so: {', '.join(Fault)}",
    )


def _verdict_options(parser: argparse.ArgumentParser) -> None:
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
    parser.add_argument(
        "--margin",
        type=_margin,
        default=0.02,
        metavar="X",
        help="loss of sensitivity and of specificity to be ruled out, default 0.02",
    )
    parser.add_argument(
        "--require-pass", action="store_true", help="no bundle where too few films can tell"
    )


def _debug_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument("film", type=Path, metavar="FILM")
    parser.add_argument(
        "--against",
        type=Path,
        metavar="RUN|MODEL.keras",
        help="what the bundle was made from; not needed where it holds a float32 graph",
    )
    parser.add_argument("--input-range", metavar="LOW,HIGH", help="what black and white are to it")
    parser.add_argument(
        "--format", choices=("table", "json"), default="table", help="of what is printed"
    )


def _data_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--modality", choices=("xray", "ct"), help="needed where there are both")
    parser.add_argument("--skip-unreadable", action="store_true", help="leave out damaged films")


def _count(text: str) -> int:
    return _whole(text, 1, 10_000)


def _seed(text: str) -> int:
    return _whole(text, 0, 2**32 - 1)


def _whole(text: str, low: int, high: int) -> int:
    if text.isdecimal() and low <= int(text) <= high:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")


def _logit(text: str) -> float:
    with suppress(ValueError):
        if -1000 <= float(text) <= 1000:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from -1000 to 1000")


def _ages(text: str) -> tuple[int, int]:
    youngest, _, oldest = text.partition(",")
    if youngest.isdecimal() and oldest.isdecimal() and int(youngest) <= int(oldest) <= 150:
        return int(youngest), int(oldest)
    raise argparse.ArgumentTypeError(f"{text!r} is not two ages in order, up to 150")


def _views(text: str) -> tuple[str, ...]:
    views = tuple(dict.fromkeys(text.split(",")))
    if len(views) <= 16 and all(re.fullmatch(r"[A-Z][A-Z0-9_]{0,15}", one) for one in views):
        return views
    raise argparse.ArgumentTypeError(f"{text!r} is not of DICOM's views, PA,AP for example")


def _share(text: str) -> float:
    with suppress(ValueError):
        if 0 <= float(text) <= 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")


def _margin(text: str) -> float:
    if 0 < (share := _share(text)) < 1:
        return share
    raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and 1")


def _name(text: str) -> str:
    if re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", text):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is not of a-z, 0-9, '.', '_' and '-'")


def _version(text: str) -> str:
    if re.fullmatch(r"(?=.{1,32}$)[0-9]+(\.[0-9]+)*", text):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is not a version of digits and dots")
