"""The whole way from a Keras model to a proved bundle, one step after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge_export.artefact import Artefact
from edge_export.facts import BundleFacts
from edge_export.film import HELD_OUT, Film, require_held_out
from edge_export.graph.network import InputRange, Network, network
from edge_export.graph.pair import float_graphs
from edge_export.package import write
from edge_export.pixels import Pixels, load_pixels
from edge_export.proof.parity import Budget
from edge_export.proof.prove import Proof, Rows, prove
from edge_export.quantize.calibrate import choose_films
from edge_export.quantize.correct import mean_shift, shift_onnx, shift_tflite
from edge_export.quantize.onnx import quantize_onnx
from edge_export.quantize.ranges import measure_ranges
from edge_export.quantize.recipe import FLOAT32, INT8, Format, Recipe
from edge_export.quantize.tflite import quantize_tflite
from edge_export.report.document import report_path, write_report
from edge_runtime.errors import CannotWrite, DataError, ParityFailed

if TYPE_CHECKING:
    import keras

    from edge_runtime.manifest import Preprocess

# From both formats' float and int8 graphs, those that a bundle ships.
SHIPPED = ("model.int8.tflite", "model.int8.onnx")


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What to export and by which rules; `facts` is what the bundle says of itself."""

    facts: BundleFacts
    input_range: InputRange = field(default_factory=InputRange)
    calibration_count: int = 300
    seed: int = 0
    budget: Budget = field(default_factory=Budget)


def export(
    model: keras.Model,
    films: Sequence[Film],
    plan: ExportPlan,
    out: Path,
    say: Callable[[str], None],
) -> Proof:
    """Convert, quantize, prove and pack `model` into the bundle `out`.

    `films` carry their splits: training rows calibrate, validation and test rows prove. The
    report is written beside the bundle whatever the outcome, the bundle only if the proof holds.

    Raises:
        DataError: model or films cannot be used, or a number was not finite.
        ParityFailed: an artefact is over the budget; there is a report and no bundle.
        CannotWrite: the bundle or the report could not be written.
    """
    recipe = plan.facts.preprocess
    _check_place(out)
    _check_fit(model, recipe)
    require_held_out(films)
    chosen = choose_films(films, plan.calibration_count, plan.seed)
    say(f"converting and quantizing, with {len(chosen)} training films drawn by seed {plan.seed}")
    candidate = network(model, plan.input_range)
    artefacts = convert(candidate, load_pixels(chosen, recipe))
    rows = _held_out(films, plan)
    say(f"proving on the {len(rows.positive)} films of the validation and test rows")
    proof = prove(candidate, artefacts, rows, plan.budget)
    write_report(out, proof, plan.facts)
    if proof.failures:
        raise ParityFailed(
            out, "; ".join(proof.failures), f"no bundle was written, see {report_path(out).name}"
        )
    shipped = [artefact for artefact in artefacts if artefact.file in SHIPPED]
    identity = write(out, shipped, proof, plan.facts, sorted(film.sha256 for film in chosen))
    say(f"wrote {out}, identity {identity}")
    return proof


def convert(candidate: Network, calibration: Pixels) -> list[Artefact]:
    """Return the float and int8 graphs of a network in both formats.

    The ranges are measured once, on `calibration` pixels `(n, h, w, c)`, and quantize both; what
    quantization shifts the logit by on average there is taken out again, in both.
    """
    graphs = float_graphs(candidate, calibration)
    ranges = measure_ranges(graphs.tflite, calibration)
    reference = _artefact(FLOAT32, "tflite", graphs.tflite)
    # Both formats compute the same integers, so one shift is right for both.
    raw = _artefact(INT8, "tflite", quantize_tflite(graphs.tflite, ranges))
    shift = mean_shift(reference, raw, calibration)
    int8_onnx = quantize_onnx(graphs.onnx, ranges, graphs.same)
    return [
        reference,
        _artefact(FLOAT32, "onnx", graphs.onnx),
        replace(raw, graph=shift_tflite(raw.graph, shift)),
        _artefact(INT8, "onnx", shift_onnx(int8_onnx, shift)),
    ]


def _artefact(recipe: Recipe, form: Format, graph: bytes) -> Artefact:
    return Artefact(recipe.file(form), form, recipe.name, graph)


def _check_place(out: Path) -> None:
    """Refuse a place that cannot be written to before minutes are spent on filling it."""
    if not os.access(out.parent, os.W_OK):
        raise CannotWrite(out, f"{out.parent} is no folder to write to", "name another place")


def _check_fit(model: keras.Model, recipe: Preprocess) -> None:
    wanted = (recipe.height, recipe.width, recipe.channels)
    if tuple(model.input_shape[1:]) != wanted:
        raise DataError(
            model.name, f"takes {model.input_shape[1:]}, not the {wanted} it was prepared for"
        )


def _held_out(films: Sequence[Film], plan: ExportPlan) -> Rows:
    held_out = [film for film in films if film.split in HELD_OUT]
    positive = np.array([film.label == plan.facts.positive for film in held_out], np.bool_)
    splits = [film.split for film in held_out]
    return Rows(load_pixels(held_out, plan.facts.preprocess), positive, splits)
