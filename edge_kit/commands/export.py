"""`edge-kit export`: a network quantized, proved and packed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edge_export.proof.calibration import CALIBRATIONS
from edge_export.proof.decision import MOST_UNCERTAIN
from edge_export.quantize.calibrate import CalibrationFault
from edge_export.quantize.ranges import METHODS
from edge_export.quantize.recipe import INT8, RECIPES
from edge_kit.arguments import (
    Parser,
    cache_options,
    count,
    data_options,
    elsewhere_option,
    folders_option,
    margin,
    name,
    out_file,
    reader_of,
    seed,
    share,
    split_options,
    use_options,
    version,
)
from edge_kit.commands.model_meaning import author_answers, meaning, model_options
from edge_kit.console import say, write
from edge_runtime.errors import UsageError

if TYPE_CHECKING:
    from edge_export.proof.threshold import Rule
    from edge_kit.exporting.order import ExportOrder, ProofRules

HELP = "quantize, prove and pack a network"
# Their values are paths, which may be private; the others change nothing of the bundle.
_PLACES = {
    "limits": "LIMITS",
    "elsewhere": "ELSEWHERE",
    "expected_predictions": "PREDICTIONS.csv",
}
_LEFT_OUT = ("help", "data", "out", "format", "cache", "no_cache")


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
    folders_option(parser, "default: what RUN trained on")
    parser.add_argument(
        "--out", type=out_file, required=True, metavar="NAME.edge", help="the bundle"
    )
    parser.add_argument(
        "--format", choices=("table", "json"), default="table", help="of what is printed"
    )
    model_options(parser)
    use_options(parser)
    _calibration_options(parser)
    decision_options(parser)
    _verdict_options(parser)
    parser.add_argument("--name", type=name, help="of the bundle; default: that of its file")
    parser.add_argument(
        "--bundle-version", type=version, default="0.1.0", metavar="X.Y.Z", help="default 0.1.0"
    )
    parser.add_argument(
        "--limits", type=Path, metavar="FILE", help="limits of the data, for the card"
    )
    elsewhere_option(parser)
    cache_options(parser)
    data_options(parser)
    split_options(parser)


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


def decision_options(parser: argparse.ArgumentParser, *, coverage: bool = False) -> None:
    """Add how the threshold is chosen, what makes probabilities of logits, and the band's limit.

    With `coverage`, the band may be fitted in place of the threshold.
    """
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
    if coverage:
        rules.add_argument(
            "--coverage",
            type=margin,
            metavar="X",
            help="fit the uncertain band, so that at most 1 - X of each class get a wrong answer",
        )
    parser.add_argument(
        "--calibration",
        choices=CALIBRATIONS,
        help="of probabilities; auto: temperature, or another where that does not fit",
    )
    parser.add_argument(
        "--max-uncertain",
        type=share,
        default=MOST_UNCERTAIN,
        metavar="SHARE",
        help=f"of the films, that may be called uncertain, default {MOST_UNCERTAIN:g}",
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
        UsageError: what is said of the model contradicts itself.
    """
    from edge_kit.exporting.order import BundleWishes, ExportOrder

    if options.film_threshold is not None and not options.film_gate:
        problem = "does not go with --no-film-gate"
        raise UsageError("--film-threshold", problem, "leave one of them out")
    parser = Parser()
    add_options(parser)
    return ExportOrder(
        source=options.source,
        out=options.out,
        data=options.data,
        modality=options.modality,
        skip_unreadable=options.skip_unreadable,
        positive=options.positive,
        negative=options.negative,
        split_seed=options.split_seed,
        fold_grey=options.fold_grey,
        film_gate=options.film_gate,
        options=parser.given(options, _places(options), _left_out(options)),
        elsewhere=options.elsewhere,
        meaning=meaning(options),
        wishes=BundleWishes(
            name=options.name,
            version=options.bundle_version,
            ages=options.ages,
            views=options.views,
            body_parts=options.body_part,
            limits=options.limits,
        ),
        rules=_rules(options),
        answers=author_answers(options),
    )


def _places(options: argparse.Namespace) -> dict[str, str]:
    """Return what stands for the options whose values are paths."""
    from edge_kit.exporting.preprocessing import PRESETS

    named = options.preprocessing in PRESETS
    return _PLACES if named else {**_PLACES, "preprocessing": "PREPROCESSING.toml"}


def _left_out(options: argparse.Namespace) -> tuple[str, ...]:
    """Return the options that change nothing: the positive class, where it is only checked."""
    return _LEFT_OUT if options.negative else (*_LEFT_OUT, "positive")


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
        max_uncertain=options.max_uncertain,
    )


def threshold_rule(options: argparse.Namespace) -> Rule | None:
    """Return how `decision_options` say to choose the threshold; None where they do not."""
    from edge_export.proof.threshold import Rule

    if options.sensitivity is None and not options.youden:
        return None
    return Rule(options.sensitivity)


def require_bundle_name(out: Path) -> None:
    """Refuse a bundle's name that `edge-run` would not look for.

    Raises:
        UsageError: it does not end in `.edge`.
    """
    if out.suffix != ".edge":
        raise UsageError("--out", f"{out.name} is not a .edge file", "name it NAME.edge")
