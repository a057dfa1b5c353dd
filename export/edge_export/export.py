"""From a Keras model to a proved bundle: examine, report, pack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_export.cautions import Cautions
from edge_export.description import BundleDescription
from edge_export.examine import ExportPlan, Say, examine
from edge_export.films.film import Film, require_held_out
from edge_export.films.pixels import PixelReader
from edge_export.graph.input_transform import InputTransform
from edge_export.package import write
from edge_export.proof.decision import NARROWEST_BAND, require_certain
from edge_export.proof.findings import Findings
from edge_export.report.files import report_path, require_places, write_report
from edge_export.words import words
from edge_runtime.errors import DataError, ParityFailed, ParityUndecided

if TYPE_CHECKING:
    import keras


Show = Callable[[Findings, dict[str, Any]], None]


def export(  # noqa: PLR0917, what, of which films, how, where to
    model: keras.Model,
    films: Sequence[Film],
    plan: ExportPlan,
    out: Path,
    say: Say,
    show: Show = lambda *_: None,
    *,
    reader: PixelReader | None = None,
    cautions: Cautions | None = None,
    judge: Callable[[Findings], None] = lambda _: None,
) -> Findings:
    """Convert, quantize, prove and pack `model` into the bundle `out`.

    `films` carry their splits: training films calibrate, validation and test films prove.
    The report is written beside the bundle whatever the outcome, the bundle only if the proof
    holds. `say` gets a line for each step; `show` gets the findings and the report's document.
    `reader` gives the pixels of the films, which are decoded here without one. `cautions` stand
    first in all that is written; `judge` gets the findings before that, and may add to them.

    Raises:
        DataError: model or films cannot be used, or a number was not finite.
        ParityFailed: a graph does not decide like the model; there is a report and no bundle.
            Or more films are uncertain than the plan allows; nothing is written.
        ParityUndecided: there are too few films to tell, and a pass is required; likewise.
        NoEngine: an ONNX graph cannot be run on every processor; nothing is written.
        CannotWrite: the bundle or the report could not be written.
    """
    require_places(out)
    _check_fit(model, plan.description, plan.input_range)
    require_held_out(films)
    findings = examine(model, films, plan, say, reader)
    require_certain_graphs(out, findings, plan.max_uncertain)
    judge(findings)
    findings = _with(cautions or Cautions(say), in_words(findings, plan.description))
    show(findings, write_report(out, findings, plan.description))
    _require_proof(out, findings, require_pass=plan.require_pass)
    identity = write(out, findings, plan.description)
    say(f"wrote {out}, identity {identity}, verdict {findings.answer}")
    return findings


def require_certain_graphs(out: Path, findings: Findings, limit: float) -> None:
    """Refuse a bundle that would say `uncertain` of more than `limit` of the held-out films.

    Raises:
        ParityFailed: it would.
    """
    if findings.answer == "fail":  # which is said by itself
        return
    widest = max(pair.largest_difference for pair in findings.proof.matrix.values())
    # A band that is wider than its least width is as wide as graphs differ.
    cure = "they crowd around the threshold: train longer, or try another --calibration"
    if widest > NARROWEST_BAND:
        cure = f"its graphs differ by up to {widest:.3f}: choose another recipe"
    require_certain(out, findings.proof.decision, findings.uncertain, limit, cure)


def in_words(findings: Findings, description: BundleDescription) -> Findings:
    """Return `findings` whose sentences are in the words for what is in the pictures."""
    told = words(description.intended_use.modality, description.negative, description.positive)
    faults = tuple(replace(fault, line=told(fault.line)) for fault in findings.proof.faults)
    fit = findings.fit
    return replace(
        findings,
        warnings=[told(line) for line in findings.warnings],
        proof=replace(findings.proof, faults=faults),
        fit=replace(fit, note=told(fit.note)) if fit else None,
    )


def _with(cautions: Cautions, findings: Findings) -> Findings:
    """Return `findings` with what else has to be said, first."""
    warnings = (*cautions.warnings, *findings.warnings)
    return replace(findings, warnings=warnings, caveat=cautions.caveat)


def _require_proof(out: Path, findings: Findings, *, require_pass: bool) -> None:
    """Refuse a bundle whose graphs fail, or whose proof is not decided and has to be."""
    first, *more = findings.reasons
    problem = first + (f" (and {len(more)} more)" if more else "")
    written = "no new bundle, an older one is there" if out.exists() else "no bundle"
    cure = f"{written}, see {report_path(out).name}"
    if findings.answer == "fail":
        raise ParityFailed(out, problem, cure)
    if findings.answer == "undecided" and require_pass:
        raise ParityUndecided(out, problem, cure)


def _check_fit(
    model: keras.Model, description: BundleDescription, transform: InputTransform
) -> None:
    preprocess = description.preprocess
    expected = (preprocess.height, preprocess.width, preprocess.channels)
    *size, channels = model.input_shape[1:]
    if (*size, transform.pixel_channels(channels)) != expected:
        raise DataError(
            model.name, f"takes {model.input_shape[1:]}, not the {expected} it was prepared for"
        )
    if (len(model.outputs) == 2) != (description.film_threshold is not None):
        outputs, has = len(model.outputs), "none" if description.film_threshold is None else "one"
        problem = f"has {outputs} output(s) and {has} film threshold, which belong together"
        raise DataError(model.name, problem, "train again, or export the .keras file by itself")
