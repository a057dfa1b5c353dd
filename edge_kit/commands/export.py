"""`edge-kit export`: a network quantized, proved and packed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edge_export.description import ADULTS
from edge_export.proof.reference import CALIBRATIONS
from edge_export.quantize.calibrate import CalibrationFault
from edge_export.quantize.ranges import METHODS
from edge_export.quantize.recipe import INT8, RECIPES
from edge_kit.arguments import (
    ages,
    cache_options,
    count,
    data_options,
    logit,
    margin,
    name,
    out_file,
    reader_of,
    seed,
    share,
    side,
    version,
    views,
)
from edge_kit.console import say, write
from edge_runtime.errors import UsageError

if TYPE_CHECKING:
    from edge_export.graph.network import InputRange
    from edge_export.proof.threshold import Rule
    from edge_kit.exporting.order import ExportOrder, ProofRules

HELP = "quantize, prove and pack a network"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "source", type=Path, metavar="RUN|MODEL.keras", help="what to export; MODEL.h5 too"
    )
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
    parser.add_argument(
        "--out", type=out_file, required=True, metavar="NAME.edge", help="the bundle"
    )
    parser.add_argument(
        "--format", choices=("table", "json"), default="table", help="of what is printed"
    )
    _model_options(parser)
    _use_options(parser)
    _calibration_options(parser)
    decision_options(parser)
    _verdict_options(parser)
    parser.add_argument("--name", type=name, help="default MODEL-MODALITY")
    parser.add_argument(
        "--bundle-version", type=version, default="0.1.0", metavar="X.Y.Z", help="default 0.1.0"
    )
    parser.add_argument(
        "--limits", type=Path, metavar="FILE", help="limits of the data, for the card"
    )
    cache_options(parser)
    data_options(parser)


def _model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--classes", metavar="NEG,POS", help="for a model that is not a RUN")
    parser.add_argument("--input-range", metavar="LOW,HIGH", help="its values of black and white")
    parser.add_argument("--positive", metavar="CLASS", help="checked against the model's")
    parser.add_argument(
        "--film-threshold",
        type=logit,
        metavar="LOGIT",
        help="film logit below which a picture is refused; default 0, for a RUN its own",
    )
    parser.add_argument(
        "--side",
        type=side,
        metavar="PIXELS",
        help="size of its images, for a model that takes any, (None, None, 3)",
    )
    parser.add_argument(
        "--output", metavar="NAME", help="the output to export, of a model that has several"
    )
    parser.add_argument(
        "--fold-grey",
        action=argparse.BooleanOptionalAction,
        help="fold three channels of grey into one; default for a RUN whose films are all grey",
    )


def _use_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ages",
        type=ages,
        default=ADULTS,
        metavar="YOUNGEST,OLDEST",
        help="years of age that the bundle is for, default 18,150: most films come without an age",
    )
    parser.add_argument(
        "--views",
        type=views,
        metavar="VIEW,...",
        help="DICOM views that the bundle is for, default PA,AP of X-rays, any of CT",
    )


def _calibration_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=seed, default=0, help="of the choice of calibration films")
    parser.add_argument(
        "--calibration-films", type=count, default=300, metavar="N", help="default 300"
    )
    parser.add_argument(
        "--calibration-method", choices=METHODS, default=METHODS[0], help=f"default {METHODS[0]}"
    )
    parser.add_argument(
        "--allow-calibration",
        action="append",
        choices=list(CalibrationFault),
        default=[],
        metavar="FAULT",
        help=f"ignore a fault of the calibration films, and say so: {', '.join(CalibrationFault)}",
    )


def decision_options(parser: argparse.ArgumentParser) -> None:
    """Add how the threshold is chosen, and what makes probabilities of logits."""
    rules = parser.add_mutually_exclusive_group()
    rules.add_argument(
        "--sensitivity",
        type=margin,
        metavar="X",
        help="choose the highest threshold with at least this sensitivity",
    )
    rules.add_argument(
        "--youden", action="store_true", help="choose the threshold of the largest Youden index"
    )
    parser.add_argument(
        "--calibration", choices=CALIBRATIONS, help=f"of probabilities, default {CALIBRATIONS[0]}"
    )


def _verdict_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-flips", type=share, default=0.01, metavar="SHARE", help="budget, default 0.01"
    )
    parser.add_argument(
        "--max-auc-difference",
        type=share,
        default=0.005,
        metavar="X",
        help="budget, default 0.005",
    )
    parser.add_argument(
        "--margin",
        type=margin,
        default=0.02,
        metavar="X",
        help="loss of sensitivity and of specificity to be ruled out, default 0.02",
    )
    parser.add_argument(
        "--require-pass", action="store_true", help="no bundle where too few films can tell"
    )


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    if not (options.int8 or options.recipe):
        raise UsageError("export", "no recipe chosen", "add --int8, or --recipe NAME")
    require_bundle_name(options.out)
    from edge_kit.exporting.export import export_source

    export_source(order(options), reader_of(options), say, write, options.format)


def order(options: argparse.Namespace) -> ExportOrder:
    """Return what the options order.

    Raises:
        UsageError: the classes or the input range are not two.
    """
    from edge_kit.exporting.order import BundleWishes, ExportOrder, ModelMeaning

    classes, scale = options.classes, options.input_range
    return ExportOrder(
        source=options.source,
        out=options.out,
        data=options.data,
        modality=options.modality,
        skip_unreadable=options.skip_unreadable,
        positive=options.positive,
        fold_grey=options.fold_grey,
        meaning=ModelMeaning(
            classes=None if classes is None else two(classes, "--classes", "NEG,POS"),
            input_range=None if scale is None else input_range(scale),
            film_threshold=options.film_threshold,
            side=options.side,
            output=options.output,
        ),
        wishes=BundleWishes(
            name=options.name,
            version=options.bundle_version,
            ages=options.ages,
            views=options.views,
            limits=options.limits,
        ),
        rules=_rules(options),
    )


def _rules(options: argparse.Namespace) -> ProofRules:
    from edge_export.proof.parity import Budget
    from edge_kit.exporting.order import ProofRules

    ordered = [*([INT8.name] if options.int8 else []), *options.recipe]
    return ProofRules(
        recipes=list(dict.fromkeys(ordered)),  # each once
        choose_one=options.choose,
        calibration_count=options.calibration_films,
        method=options.calibration_method,
        allowed=options.allow_calibration,
        seed=options.seed,
        budget=Budget(options.max_flips, options.max_auc_difference, options.margin),
        require_pass=options.require_pass,
        calibration=options.calibration or CALIBRATIONS[0],
        rule=threshold_rule(options),
    )


def threshold_rule(options: argparse.Namespace) -> Rule | None:
    """Return how `decision_options` say to choose the threshold; None where they do not."""
    from edge_export.proof.threshold import Rule

    if options.sensitivity is None and not options.youden:
        return None
    return Rule(options.sensitivity)


def input_range(text: str) -> InputRange:
    """Return the range that LOW,HIGH names.

    Raises:
        UsageError: it names none.
    """
    from edge_export.graph.network import InputRange

    try:
        low, high = map(float, two(text, "--input-range", "LOW,HIGH"))
    except ValueError:
        low = high = 0.0
    if not -1e6 < low < high < 1e6:
        problem = f"{text!r} is not two numbers in order"
        raise UsageError("--input-range", problem, "for example 0,255 or 0,1 or -1,1")
    return InputRange(low, high)


def two(text: str, option: str, form: str) -> tuple[str, str]:
    """Return the two words of `text` with a comma between.

    Raises:
        UsageError: they are not two, as `form` shows them.
    """
    first, comma, second = (part.strip() for part in text.partition(","))
    if not (first and comma and second) or "," in second:
        raise UsageError(option, f"{text!r} is not {form}", "give two, with a comma between")
    return first, second


def require_bundle_name(out: Path) -> None:
    """Refuse a bundle's name that `edge-run` would not look for.

    Raises:
        UsageError: it does not end in `.edge`.
    """
    if out.suffix != ".edge":
        raise UsageError("--out", f"{out.name} is not a .edge file", "name it NAME.edge")
