"""`edge-kit threshold`: a bundle's decision, fitted again on a site's own films."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edge_kit.arguments import data_options, folders_option, out_file
from edge_kit.commands.evaluate import films_to_judge
from edge_kit.commands.export import decision_options, require_bundle_name, threshold_rule
from edge_kit.commands.keys import signing_key_of
from edge_kit.console import refusing, say, write
from edge_runtime.errors import CannotWrite, UsageError
from edge_runtime.output import require_place

if TYPE_CHECKING:
    from edge_kit.evaluation.evaluated import EvaluatedModel
    from edge_kit.evaluation.films import LabelledFilms
    from edge_kit.evaluation.site_decision import SiteDecision
    from edge_runtime.bundle.records import Decision

HELP = "fit a bundle's threshold, calibration or uncertain band to a site's own labelled films"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="its graphs stay as they are")
    folders_option(parser, "labelled films", required=True)
    parser.add_argument(
        "--out", type=out_file, required=True, metavar="NEW.edge", help="the bundle"
    )
    decision_options(parser, coverage=True)
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FOLDER",
        help="a new folder for the report of a --coverage, with its risk-coverage curve",
    )
    parser.add_argument("--positive", metavar="CLASS", help="default: the bundle's own positive")
    parser.add_argument(
        "--key", type=Path, metavar="KEY.pem", help="sign the decision by this key of the site"
    )
    data_options(parser)


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    from edge_export.cautions import Cautions
    from edge_export.words import words
    from edge_kit.evaluation.evaluated import open_evaluated
    from edge_kit.evaluation.site_bundle import write_site_bundle

    _require_places(options)
    key = signing_key_of(options)
    model = open_evaluated(options.bundle)
    labelled = films_to_judge(options, model)
    with refusing(model.modality, model.name, *labelled.classes):
        fitted = _fitted(options, model, labelled)
    in_words = words(model.modality, model.name, *labelled.classes)
    Cautions(say, in_words).warn(*fitted.warnings)
    identity = write_site_bundle(options.bundle, options.out, fitted, key)
    write(in_words(_changed(model.decision, fitted)))
    say(in_words(f"95 % intervals: {fitted.method}"))
    for line in fitted.figures:
        write(f"{in_words(line)}\n")
    _write_report(options, model, fitted, identity)
    say(f"wrote {options.out}, identity {identity}")
    if key:
        say(f"its decision is signed by key {key.public.id}")


def _require_places(options: argparse.Namespace) -> None:
    from edge_kit.files import require_new

    require_bundle_name(options.out)
    if options.out.exists() and options.out.samefile(options.bundle):
        raise UsageError("--out", f"{options.out} is the bundle itself", "name a new file")
    if options.out.exists():
        raise CannotWrite(options.out, "exists already", "name a new file")
    require_place(options.out, "a .edge file")
    if options.report and options.coverage is None:
        raise UsageError("--report", "there is one of a coverage alone", "add --coverage X")
    if options.report:
        require_new(options.report)


def _fitted(
    options: argparse.Namespace, model: EvaluatedModel, labelled: LabelledFilms
) -> SiteDecision:
    from edge_kit.evaluation.coverage import cover
    from edge_kit.evaluation.refit import refit

    method, limit = options.calibration, options.max_uncertain
    if options.coverage is not None:
        return cover(model, labelled, options.coverage, method, limit)
    return refit(model, labelled, threshold_rule(options), method, limit)


def _changed(before: Decision, fitted: SiteDecision) -> str:
    """Return the lines that tell the new decision from the one before."""
    now, lines = fitted.decision, []
    threshold = fitted.threshold or ("as it was" if now.threshold == before.threshold else None)
    lines.append(f"threshold    {before.threshold:g} -> {threshold or f'{now.threshold:g}'}\n")
    if now.uncertain != before.uncertain:
        bands = [f"{band.low:g} to {band.high:g}" for band in (before.uncertain, now.uncertain)]
        lines.append(f"uncertain    {' -> '.join(bands)}\n")
    return "".join(lines)


def _write_report(
    options: argparse.Namespace, model: EvaluatedModel, fitted: SiteDecision, identity: str
) -> None:
    from edge_kit.evaluation.coverage_report import write_coverage_report
    from edge_kit.evaluation.covered import Covered

    if options.report and isinstance(fitted, Covered):
        write_coverage_report(options.report, fitted, model, identity)
        say(f"wrote {options.report}")
