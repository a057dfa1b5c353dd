"""`edge-kit threshold`: a bundle's decision, fitted again on a site's own films."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge_kit.arguments import data_options, folders_option, out_file
from edge_kit.commands.evaluate import films_to_judge
from edge_kit.commands.export import decision_options, require_bundle_name, threshold_rule
from edge_kit.console import refusing, say, write
from edge_runtime.errors import CannotWrite, UsageError
from edge_runtime.output import require_place

HELP = "fit a bundle's threshold and calibration to a site's own labelled films"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="its graphs stay as they are")
    folders_option(parser, "labelled films", required=True)
    parser.add_argument(
        "--out", type=out_file, required=True, metavar="NEW.edge", help="the bundle"
    )
    decision_options(parser)
    parser.add_argument("--positive", metavar="CLASS", help="default: the bundle's own positive")
    data_options(parser)


def run(options: argparse.Namespace) -> None:
    """Carry out the command."""
    from edge_export.cautions import Cautions
    from edge_export.words import words
    from edge_kit.evaluation.evaluated import open_evaluated
    from edge_kit.evaluation.refit import lines, refit
    from edge_kit.evaluation.site_bundle import write_site_bundle

    require_bundle_name(options.out)
    if options.out.exists() and options.out.samefile(options.bundle):
        raise UsageError("--out", f"{options.out} is the bundle itself", "name a new file")
    if options.out.exists():
        raise CannotWrite(options.out, "exists already", "name a new file")
    require_place(options.out, "a .edge file")
    model = open_evaluated(options.bundle)
    rule = threshold_rule(options)
    labelled = films_to_judge(options, model)
    with refusing(model.modality, model.name, *labelled.classes):
        refitted = refit(model, labelled, rule, options.calibration, options.max_uncertain)
    in_words = words(model.modality, model.name, *labelled.classes)
    Cautions(say, in_words).warn(*refitted.warnings)
    identity = write_site_bundle(options.bundle, options.out, refitted)
    now = in_words(str(refitted.threshold or "as it was"))
    write(f"threshold    {model.decision.threshold:g} -> {now}\n")
    say("95 % intervals: by group (Rao and Scott's)")
    for which, shares in lines(refitted).items():
        figures = f"sensitivity {shares.sensitivity}, specificity {shares.specificity}"
        write(f"{in_words(which)}: {figures}\n")
    say(f"wrote {options.out}, identity {identity}")
