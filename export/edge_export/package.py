"""Graphs, golden films, parity and card -> one bundle, the same bytes for the same input."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from edge_export.artefact import Artefact
from edge_export.facts import BundleFacts
from edge_export.golden import golden_images
from edge_export.proof.prove import Proof
from edge_export.report.card import card
from edge_export.report.document import parity_json
from edge_runtime.digest import sha256
from edge_runtime.engines import first_engine
from edge_runtime.manifest import Graph, Preprocess
from edge_runtime.pack import write_bundle
from edge_runtime.preprocess import film_pixels

TOOLS = (
    "ai-edge-litert", "edge-kit", "keras", "litert-quantizer", "numpy", "onnx", "onnxruntime",
    "pillow", "tensorflow", "tf2onnx",
)  # fmt: skip

# Kernels of other processors round differently, and tflite-runtime's were seen to move a
# probability by 0.033. A calibrated logit that moves by four times this moves no probability by
# more, since a sigmoid is nowhere steeper than one quarter.
_PROBABILITY_TOLERANCE = 0.05


def write(
    out: Path,
    artefacts: Sequence[Artefact],
    proof: Proof,
    facts: BundleFacts,
    calibration_films: Sequence[str],
) -> str:
    """Write the bundle `out` and return its identity.

    `calibration_films` are sorted SHA-256 digests.

    Raises:
        CannotWrite: the disk refused, or a fact has no place in a manifest; `out` is as it was.
    """
    images = {image.file: image.png for image in golden_images()}
    members = {artefact.file: artefact.graph for artefact in artefacts}
    members |= images
    members["parity.json"] = _encoded(parity_json(proof))
    members["card.md"] = card(proof, facts, len(calibration_films)).encode()
    tolerance = 4 * _PROBABILITY_TOLERANCE / proof.decision.calibration.scale
    fields: dict[str, object] = {
        "name": facts.name,
        "version": facts.version,
        "modality": facts.modality,
        "classes": {"negative": facts.negative, "positive": facts.positive},
        "preprocess": facts.preprocess,
        "decision": proof.decision,
        "graphs": [
            Graph(file=artefact.file, format=artefact.format, recipe=artefact.recipe)
            for artefact in artefacts
        ],
        "golden": {
            "tolerance": float(f"{tolerance:.3g}"),
            "films": _golden_films(images, artefacts, facts.preprocess),
        },
        "calibration_films": list(calibration_films),
        "training": facts.training,
        "tools": {tool: version(tool) for tool in TOOLS},
    }
    return write_bundle(out, fields, members)


def _golden_films(
    images: Mapping[str, bytes], artefacts: Sequence[Artefact], recipe: Preprocess
) -> list[dict[str, object]]:
    """Return what each graph answers to each golden film on this machine."""
    shape = (1, recipe.height, recipe.width, recipe.channels)
    pixels = {file: film_pixels(png, recipe) for file, png in images.items()}
    logits: dict[str, dict[str, tuple[float, ...]]] = {file: {} for file in pixels}
    for artefact in artefacts:
        graphs = {artefact.format: memoryview(bytearray(artefact.graph))}
        engine = first_engine(graphs.get, shape, artefact.file)
        for file, film in pixels.items():
            logits[file][artefact.file] = engine.logits(film)
    return [
        {"file": file, "pixels_sha256": sha256(film), "logits": logits[file]}
        for file, film in pixels.items()
    ]


def _encoded(content: object) -> bytes:
    return (json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()
