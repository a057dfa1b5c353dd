"""Graphs, golden films, parity and card -> one bundle, the same bytes for the same input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from edge_export.description import BundleDescription
from edge_export.films.golden import golden_images
from edge_export.graph.artefact import Artefact, integer_outputs, open_artefact
from edge_export.proof.findings import Findings
from edge_export.report.card import CARD, card
from edge_export.report.document import TOOLS, encoded, parity
from edge_runtime.bundle.pack import write_bundle
from edge_runtime.bundle.provenance import PARITY
from edge_runtime.bundle.records import Calibration, Graph, Preprocess, Quantization
from edge_runtime.film.preprocess import STAGES, film_stages
from edge_runtime.machine.check import stage_digest

# Kernels of other processors round differently, and tflite-runtime's were seen to move a
# probability by 0.033. A calibrated logit that moves by four times this moves no probability by
# more, since a sigmoid is nowhere steeper than one quarter. The film logit has no calibration and
# is held to the same number, 0.83 for Model 3, where int8 alone moved it by 0.18 on 348 films.
PROBABILITY_TOLERANCE = 0.05
"""By how much a probability may differ on another processor."""


def write(out: Path, findings: Findings, description: BundleDescription) -> str:
    """Write the bundle `out` of what `findings` ships, and return its identity.

    Raises:
        CannotWrite: the disk refused, or a fact has no place in a manifest; `out` is as it was.
    """
    artefacts = findings.bundled
    images = _golden_images(description.preprocess)
    members = {artefact.file: artefact.graph for artefact in artefacts}
    members |= images
    members[PARITY] = encoded(parity(findings, description))
    members[CARD] = card(findings, description).encode()
    fields: dict[str, object] = {
        "name": description.name,
        "version": description.version,
        "intended_use": description.intended_use,
        "classes": {"negative": description.negative, "positive": description.positive},
        "preprocess": description.preprocess,
        "decision": findings.proof.decision,
        "film_gate": description.film_gate,
        "graphs": [
            Graph(
                file=artefact.file,
                format=artefact.format,
                recipe=artefact.recipe,
                outputs=integer_outputs(artefact),
            )
            for artefact in artefacts
        ],
        "golden": {
            "tolerance": _golden_tolerance(findings.proof.decision.calibration),
            "films": _golden_films(images, artefacts, description.preprocess),
        },
        "quantization": _quantization(findings),
        "verdict": findings.answer,
        "training": description.training,
        "tools": {tool: version(tool) for tool in TOOLS},
    }
    return write_bundle(out, fields, members)


def _golden_tolerance(calibration: Calibration) -> float:
    """Return by how much a golden logit may differ elsewhere, with a `calibration`."""
    return float(f"{4 * PROBABILITY_TOLERANCE / calibration.scale:.3g}")


def _quantization(findings: Findings) -> Quantization:
    calibration = findings.calibration
    remedies = [
        f"{attempt.step}: {attempt.changed}"
        for attempt in findings.ladder[1:]
        if attempt.answer != "fail"
    ]
    return Quantization(
        method=calibration.method,
        films=calibration.films,
        overrides=calibration.overrides,
        remedies=tuple(remedies),
    )


def _golden_images(preprocess: Preprocess) -> dict[str, bytes]:
    """Return the golden films by file, in colour for graphs that take colours."""
    colour = preprocess.channels == 3 and preprocess.max_chroma >= 255
    return {image.file: image.png for image in golden_images(colour=colour)}


def _golden_films(
    images: Mapping[str, bytes], artefacts: Sequence[Artefact], preprocess: Preprocess
) -> list[dict[str, object]]:
    """Return what each graph answers to each golden film on this machine."""
    shape = (1, preprocess.height, preprocess.width, preprocess.channels)
    stages = {file: dict(film_stages(png, preprocess)) for file, png in images.items()}
    logits: dict[str, dict[str, tuple[float, ...]]] = {file: {} for file in images}
    for artefact in artefacts:
        engine = open_artefact(artefact, shape)
        for file, by_stage in stages.items():
            logits[file][artefact.file] = engine.logits(by_stage[STAGES[-1]].tobytes())
    return [
        {
            "file": file,
            "stages": {name: stage_digest(image) for name, image in stages[file].items()},
            "logits": logits[file],
        }
        for file in images
    ]
