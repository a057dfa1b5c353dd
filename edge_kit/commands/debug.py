"""`edge-kit debug`: the layer that flips a film."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edge_kit.commands.model_meaning import input_range, preprocessing, preprocessing_option
from edge_kit.console import refusing, saying, write
from edge_runtime.errors import UsageError

if TYPE_CHECKING:
    from edge_export.graph.input_transform import InputTransform

HELP = "find the layer that flips a film"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument("film", type=Path, metavar="FILM")
    parser.add_argument(
        "--against",
        type=Path,
        metavar="RUN|MODEL.keras",
        help="what the bundle was made from; not needed where it holds a float32 graph",
    )
    parser.add_argument("--input-range", metavar="LOW,HIGH", help="its values of black and white")
    preprocessing_option(parser)
    parser.add_argument(
        "--format", choices=("table", "json"), default="table", help="of what is printed"
    )


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    from edge_export.debug import debug, render
    from edge_export.words import words
    from edge_runtime.bundle import open_bundle

    with open_bundle(options.bundle) as opened:
        use, classes = opened.manifest.intended_use, opened.manifest.classes
    kept = use.modality, classes.negative, classes.positive
    with refusing(*kept):
        diagnosis = debug(options.bundle, options.film, *against(options))
    for warning in diagnosis.warnings:
        saying(*kept)(f"warning: {warning}")
    write(render(diagnosis, options.format, words(*kept)))


def against(options: argparse.Namespace) -> tuple[Path | None, InputTransform | None]:
    """Return the model to compare with, and what it takes of pixels.

    Raises:
        UsageError: a range or a preprocessing is said of a run, which knows its own, or the bundle
            is not of that run.
        EdgeError: the bundle cannot be opened, or the run not be read.
    """
    from edge_export.graph.network import InputRange
    from edge_kit.training.run import is_run

    path: Path | None = options.against
    text: str | None = options.input_range
    stated = preprocessing(options)
    if path is None or not (is_run(path) or is_run(path.parent)):
        return path, stated.transform if stated else input_range(text) if text else None
    if text or stated:
        option = "--preprocessing" if stated else "--input-range"
        raise UsageError(option, f"{path} is a run and knows its own", "leave it out")
    _require_same(options.bundle, path if is_run(path) else path.parent)
    return path, InputRange()


def _require_same(bundle: Path, run: Path) -> None:
    """Refuse a run that tells other classes apart than the bundle, or takes other films.

    Raises:
        UsageError: it does.
    """
    from edge_kit.data.labels import class_key
    from edge_kit.training.run import read_config
    from edge_runtime.bundle import open_bundle

    config = read_config(run)
    with open_bundle(bundle) as opened:
        manifest = opened.manifest
    pixels, prepared = manifest.preprocess, config.preprocessing()
    own, theirs = manifest.classes, config
    names = ((own.negative, theirs.negative), (own.positive, theirs.positive))
    # Names that are alike are one class, and each is shown as its maker wrote it.
    alike = all(class_key(name) == class_key(other) for name, other in names)
    classes = ("",) * 2 if alike else tuple(map(",".join, zip(*names, strict=True)))
    compared = {
        "classes": classes,
        "modality": (manifest.intended_use.modality, config.modality),
        "size": (f"{pixels.height} x {pixels.width}", f"{prepared.height} x {prepared.width}"),
    }
    for what, (expected, actual) in compared.items():
        if actual != expected:
            problem = f"has the {what} {actual}, the bundle {expected}"
            raise UsageError(run, problem, "give the run that the bundle was made from")
