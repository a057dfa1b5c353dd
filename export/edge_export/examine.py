"""Make every graph that is ordered, and measure what report and verdict need."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from edge_export.description import BundleDescription
from edge_export.films.film import HELD_OUT, Film, counts_by_split
from edge_export.films.labels import are_positive
from edge_export.films.pixels import Decoder, PixelReader
from edge_export.graph.artefact import Artefact, measure
from edge_export.graph.float_graphs import FloatGraphs, float_graphs
from edge_export.graph.input_transform import InputTransform
from edge_export.graph.layer_names import naming_layers
from edge_export.graph.network import InputRange, Network, network
from edge_export.graph.nodes import node_counts
from edge_export.proof.calibration import CALIBRATIONS, PLATT
from edge_export.proof.choose import Candidate, choose
from edge_export.proof.decision import MOST_UNCERTAIN
from edge_export.proof.faults import Fault, logit_faults
from edge_export.proof.findings import AttemptResult, Findings
from edge_export.proof.latency import Latency, latencies, slower_than_float
from edge_export.proof.one_side import decision_faults, require_chosen
from edge_export.proof.parity import REFERENCE, Budget, probabilities
from edge_export.proof.preparation import (
    Expectations,
    Preparation,
    PreparedModel,
    examine_preparation,
)
from edge_export.proof.prove import Proof
from edge_export.proof.reference import HeldOut, refer
from edge_export.proof.threshold import Rule
from edge_export.quantize.calibrate import CalibrationRecord, choose_films, require_sound
from edge_export.quantize.quantizer import Quantizer, Ranges, require_fits_bundle
from edge_export.quantize.recipe import FLOAT32, INT8, RECIPES, Setting
from edge_export.quantize.stability import Stability, halves, ranges_of_halves, stability
from edge_export.remedy.ladder import Attempt, try_remedies
from edge_export.remedy.parity_check import MeasuredGraphs, ParityCheck

if TYPE_CHECKING:
    import keras

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What to export and by which rules; `description` goes into the bundle.

    `recipes` are names of `RECIPES`; `allowed` are faults of calibration films to be ignored;
    `recorded_accuracy` is the accuracy on the test films at the end of training, if known, and
    `expected` what the author of somebody else's model says of its answers. On the validation films
    `calibration` is fitted and `rule` chooses the threshold; without a rule it is one half. With
    `choose_one` only the best graph is shipped; with `require_pass` no graph that is not proved;
    and none where more than `max_uncertain` of the held-out films are `uncertain`.
    """

    description: BundleDescription
    input_range: InputTransform = field(default_factory=InputRange)
    recipes: Sequence[str] = (INT8.name,)
    choose_one: bool = False
    calibration_count: int = 300
    method: str = "min_max"
    allowed: Sequence[str] = ()
    seed: int = 0
    budget: Budget = field(default_factory=Budget)
    require_pass: bool = False
    recorded_accuracy: float | None = None
    expected: Expectations = field(default_factory=Expectations)
    calibration: str = CALIBRATIONS[0]
    rule: Rule | None = None
    max_uncertain: float = MOST_UNCERTAIN


def examine(
    model: keras.Model,
    films: Sequence[Film],
    plan: ExportPlan,
    say: Say,
    reader: PixelReader | None = None,
) -> Findings:
    """Return the findings on `model` and on the small graphs that `plan` orders.

    `reader` gives the pixels of the films; without one they are decoded here.

    Raises:
        DataError: model or films cannot be used, or a number was not finite.
        NoEngine: an ONNX graph cannot be run on every processor.
    """
    reader = reader or Decoder()
    calibrated = _calibrated(model, films, plan, reader, say)
    held_out = _held_out(films, plan.description, reader)
    say(f"proving on the {len(held_out.splits)} films of the validation and test splits")
    gate, rule = plan.description.film_gate, plan.rule
    reference = refer(calibrated.network, held_out, gate, method=plan.calibration, rule=rule)
    for note in reference.notes:
        say(note)  # among the warnings of the papers, too
    check = ParityCheck(calibrated.graphs, reference, held_out, plan.budget)
    faults, preparation = _reference_faults(model, films, plan, check, reader, say=say)
    constant = logit_faults(REFERENCE, reference.logits)
    require_chosen(reference, held_out, faults)
    if constant:  # LiteRT ends the process where it quantizes a layer that is never above zero
        plan = replace(plan, recipes=(FLOAT32.name,))
    # No remedy helps against what is wrong before quantization.
    sound = not faults and not constant
    quantized = _quantized(check, calibrated.quantizer, plan, say if sound else None)
    proof = check.prove(quantized.measured, faults)
    findings = _findings(films, plan, calibrated, check, quantized=quantized, proof=proof)
    return replace(findings, fit=reference.fit, preparation=preparation)


def _reference_faults(
    model: keras.Model,
    films: Sequence[Film],
    plan: ExportPlan,
    check: ParityCheck,
    reader: PixelReader,
    *,
    say: Say,
) -> tuple[list[Fault], Preparation | None]:
    """Return the faults of the model or of preprocessing, and what its author said of answers."""
    faults, preparation = examine_preparation(
        PreparedModel(model, films, plan.input_range, plan.description.preprocess, reader),
        check.held_out,
        check.reference.logits,
        plan.expected,
        recorded=plan.recorded_accuracy,
        say=say,
    )
    asked = plan.rule is not None or plan.calibration == PLATT
    faults = faults or decision_faults(check.reference, check.held_out, asked=asked)
    return faults, preparation


@dataclass(frozen=True, slots=True)
class _Calibrated:
    """The network with its float graphs, and what the calibration films tell of their tensors.

    `films` calibrated it in spite of the faults in `overrides`; `halves` are the ranges of either
    half of them.
    """

    network: Network
    graphs: FloatGraphs
    quantizer: Quantizer
    halves: Sequence[Ranges]
    films: Sequence[Film]
    overrides: tuple[str, ...]


def _calibrated(
    model: keras.Model, films: Sequence[Film], plan: ExportPlan, reader: PixelReader, say: Say
) -> _Calibrated:
    chosen = choose_films(films, plan.calibration_count, plan.seed)
    held_out = [film for film in films if film.split in HELD_OUT]
    pixels = reader.pixels(chosen, plan.description.preprocess)
    modality = plan.description.intended_use.modality
    overrides = require_sound(chosen, held_out, pixels, plan.allowed, modality=modality)
    say(f"converting, and calibrating with {len(chosen)} training films drawn by seed {plan.seed}")
    candidate = network(model, plan.input_range)
    graphs = float_graphs(candidate, pixels)
    require_fits_bundle(graphs, plan.recipes, (1, *pixels.shape[1:]))
    with naming_layers(graphs.layers):
        ranges, *of_halves = ranges_of_halves(graphs.tflite, pixels, halves(chosen), plan.method)
    quantizer = Quantizer(graphs, pixels, {plan.method: ranges})
    return _Calibrated(candidate, graphs, quantizer, of_halves, chosen, overrides)


@dataclass(frozen=True, slots=True)
class _Quantized:
    """Every graph that was ordered, measured; `attempt` is that of static int8, if it was."""

    measured: MeasuredGraphs
    attempt: Attempt | None
    ladder: Sequence[AttemptResult]


def _findings(
    films: Sequence[Film],
    plan: ExportPlan,
    calibrated: _Calibrated,
    check: ParityCheck,
    *,
    quantized: _Quantized,
    proof: Proof,
) -> Findings:
    measured, attempt = quantized.measured, quantized.attempt
    method = attempt.setting.method if attempt else plan.method
    timed = latencies(measured.artefacts, check.held_out.pixels)
    shipped = _shipped(measured, proof, timed, plan)
    return Findings(
        artefacts=measured.artefacts,
        measured=measured.answers,
        held_out=check.held_out,
        proof=proof,
        budget=plan.budget,
        shipped=shipped,
        calibration=CalibrationRecord.of(method, calibrated.films, calibrated.overrides),
        stability=_stability(check, calibrated.quantizer, calibrated.halves) if attempt else None,
        ladder=quantized.ladder,
        layers=measured.layers,
        latencies=timed,
        nodes={
            artefact.file: node_counts(artefact.graph, artefact.format)
            for artefact in measured.artefacts
        },
        warnings=[*check.reference.notes, *_shipping(measured, shipped, proof, plan)],
        slower=slower_than_float(timed),
        splits=counts_by_split(films),
    )


def _held_out(
    films: Sequence[Film], description: BundleDescription, reader: PixelReader
) -> HeldOut:
    held_out = [film for film in films if film.split in HELD_OUT]
    return HeldOut(
        pixels=reader.read(held_out, description.preprocess),
        positive=are_positive(held_out, description.positive),
        splits=[film.split for film in held_out],
        digests=[film.sha256 for film in held_out],
        classes=(description.negative, description.positive),
        groups=[film.group for film in held_out],
    )


def _quantized(
    check: ParityCheck, quantizer: Quantizer, plan: ExportPlan, say: Say | None
) -> _Quantized:
    """Make and try every graph: the float ones first, then static int8 with its remedies.

    `say` gets a line for each remedy; without it none is tried.
    """
    setting = Setting(plan.method)
    measured = check.run(quantizer.artefacts(FLOAT32, setting)[0])
    attempt, ladder = None, list[AttemptResult]()
    if INT8.name in plan.recipes:
        attempt, int8_graphs, ladder = try_remedies(check, quantizer, setting, say)
        measured += int8_graphs
    for name in dict.fromkeys(plan.recipes):
        if name != INT8.name and name not in {artefact.recipe for artefact in measured.artefacts}:
            measured += check.run(quantizer.artefacts(RECIPES[name], setting)[0])
    return _Quantized(measured, attempt, ladder)


def _shipped(
    measured: MeasuredGraphs, proof: Proof, timed: Mapping[str, Latency], plan: ExportPlan
) -> list[str]:
    """Return the files that were ordered, or the one of them to choose; preferred ones first.

    A graph that `edge-run` leaves to others is chosen only where nothing else was ordered.
    """
    ordered = [artefact for artefact in measured.artefacts if artefact.recipe != FLOAT32.name]
    if FLOAT32.name in plan.recipes:
        ordered += [artefact for artefact in measured.artefacts if artefact.recipe == FLOAT32.name]
    candidates = [
        Candidate(file, len(artefact.graph), timed[file], proof.evidence[file].verdict.answer)
        for artefact in [artefact for artefact in ordered if _runs(artefact)] or ordered
        for file in [artefact.file]
    ]
    if plan.choose_one and any(candidate.answer == "pass" for candidate in candidates):
        return [choose(candidates)]
    return [artefact.file for artefact in ordered]


def _runs(artefact: Artefact) -> bool:
    """Tell whether `edge-run` has an engine for `artefact`: one that gives a logit."""
    return RECIPES[artefact.recipe].float_logit


def _shipping(
    measured: MeasuredGraphs, shipped: Sequence[str], proof: Proof, plan: ExportPlan
) -> list[str]:
    """Return warnings about the shipped graphs, a line each."""
    lines = []
    if plan.choose_one and not any(
        proof.evidence[file].verdict.answer == "pass" for file in shipped
    ):
        lines.append("no graph passes, so --choose chose none: all that were ordered stay")
    if not any(_runs(artefact) for artefact in measured.artefacts if artefact.file in shipped):
        lines.append("edge-run runs none of these graphs; for a clinic's machine add --int8")
    return lines


def _stability(check: ParityCheck, quantizer: Quantizer, tables: Sequence[Ranges]) -> Stability:
    """Return how far int8 TFLite would move if either half of the films had calibrated it."""
    halved = [quantizer.uncorrected(INT8, "tflite", table, Setting()) for table in tables]
    answers = [
        probabilities(measure(graph, check.held_out.pixels).logits, check.reference.calibration)
        for graph in halved
    ]
    threshold = check.reference.threshold.value
    return stability(tables[0], tables[1], answers[0], answers[1], threshold)
