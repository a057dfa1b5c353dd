"""Options that say what a model means that no run of `edge-kit train` is."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edge_export.proof.predictions import TOLERANCE
from edge_kit.arguments import logit, share, side
from edge_runtime.errors import UsageError

if TYPE_CHECKING:
    from edge_export.graph.network import InputRange
    from edge_kit.exporting.order import AuthorAnswers, ModelMeaning
    from edge_kit.exporting.preprocessing import Preprocessing


def model_options(parser: argparse.ArgumentParser) -> None:
    """Add what a model means that is not a run, and what its author says of its answers."""
    parser.add_argument("--classes", metavar="NEG,POS", help="for a model that is not a RUN")
    parser.add_argument("--input-range", metavar="LOW,HIGH", help="its values of black and white")
    preprocessing_option(parser)
    parser.add_argument(
        "--positive",
        metavar="CLASS",
        help="checked against the model's; with --negative, what the folder calls it",
    )
    _answer_options(parser)
    parser.add_argument(
        "--film-threshold",
        type=logit,
        metavar="LOGIT",
        help="film logit below which a picture is refused; default 0, for a RUN its own",
    )
    parser.add_argument(
        "--no-film-gate",
        dest="film_gate",
        action="store_false",
        help="leave the film branch out: whatever the bundle is shown, it judges",
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


def preprocessing_option(parser: argparse.ArgumentParser) -> None:
    """Add what the author of a model did to films, beyond an input range."""
    parser.add_argument(
        "--preprocessing",
        metavar="NAME|FILE.toml",
        help="in place of --input-range: tf, caffe, torch, or a file that states what was done",
    )


def _answer_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--expected-accuracy",
        type=share,
        metavar="X",
        help="what its author reports; no bundle where the test films' interval leaves it out",
    )
    parser.add_argument(
        "--expected-predictions",
        type=Path,
        metavar="FILE.csv",
        help="its author's own, by path, file or sha256: probability or logit; compared by film",
    )
    parser.add_argument(
        "--max-prediction-difference",
        type=share,
        default=TOLERANCE,
        metavar="X",
        help=f"of a probability from the author's, default {TOLERANCE:g}",
    )


def meaning(options: argparse.Namespace) -> ModelMeaning:
    """Return what the options say of input and outputs of a model.

    Raises:
        UsageError: the classes or the input range are not two, or no preprocessing is named.
        DataError: a class has a name that no class may have.
    """
    from edge_kit.data.labels import require_class_names
    from edge_kit.exporting.order import ModelMeaning

    scale = options.input_range
    classes = None if options.classes is None else two(options.classes, "--classes", "NEG,POS")
    require_class_names(classes or (), "--classes")
    return ModelMeaning(
        classes=classes,
        input_range=None if scale is None else input_range(scale),
        preprocessing=preprocessing(options),
        film_threshold=options.film_threshold,
        side=options.side,
        output=options.output,
    )


def author_answers(options: argparse.Namespace) -> AuthorAnswers:
    """Return what the options say of the answers that a model's author got."""
    from edge_kit.exporting.order import AuthorAnswers

    return AuthorAnswers(
        options.expected_accuracy,
        options.expected_predictions,
        options.max_prediction_difference,
    )


def preprocessing(options: argparse.Namespace) -> Preprocessing | None:
    """Return what `--preprocessing` says was done to films; None where it is not given.

    Raises:
        UsageError: it names nothing known, or the input range is given too.
    """
    from edge_kit.exporting.preprocessing import read_preprocessing

    if options.preprocessing is None:
        return None
    if options.input_range is not None:
        problem = "says what --input-range says too"
        raise UsageError("--preprocessing", problem, "give one of them")
    return read_preprocessing(options.preprocessing)


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
