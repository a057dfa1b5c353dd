"""All results of an export, as the JSON that people, machines and the HTML page read."""

from __future__ import annotations

import datetime
import json
import os
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from edge_export.cautions import foremost
from edge_export.description import BundleDescription, unstated_line
from edge_export.graph.artefact import Artefact
from edge_export.proof.findings import Findings
from edge_export.proof.layers import first_divergence
from edge_export.proof.parity import REFERENCE
from edge_export.proof.prove import Proof
from edge_export.proof.threshold import Threshold
from edge_export.quantize.recipe import FLOAT32
from edge_export.words import Words, words
from edge_runtime.bundle.provenance import KEY
from edge_runtime.fleet.counts import score_bin
from edge_runtime.fleet.records import BINS

SCHEMA = 1
TOOLS = (
    "ai-edge-litert", "edge-kit", "keras", "litert-quantizer", "numpy", "onnx", "onnxruntime",
    "pillow", "tensorflow", "tf2onnx",
)  # fmt: skip


def document(findings: Findings, description: BundleDescription, bundle: str) -> dict[str, Any]:
    """Return the report of an export as JSON: `parity`, and all that changes from run to run.

    `bundle` is the bundle's file name, without its folder.
    """
    content = parity(findings, description)
    for file, timed in findings.latencies.items():
        content["artefacts"][file]["milliseconds"] = timed.milliseconds
    for entry, attempt in zip(content["ladder"], findings.ladder, strict=True):
        entry |= {"milliseconds": attempt.milliseconds, "seconds": attempt.seconds}
    now = datetime.datetime.now(datetime.UTC)
    told = words(description.intended_use.modality, description.negative, description.positive)
    return content | {
        "bundle": bundle,
        "written": now.isoformat(timespec="seconds"),
        "command": _command(sys.argv[1:]),
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "engines": {file: measured.engine for file, measured in findings.measured.items()},
        },
        "latency": {file: asdict(latency) for file, latency in findings.latencies.items()},
        "warnings": [*content["warnings"], *map(told, findings.slower)],
        "films": _films(findings),
        "flips": _flips(findings),
        "limits": description.limits or None,
        "not_stated": unstated_line(description.intended_use) or None,
        "uncertain": asdict(findings.uncertain),
    }


def _command(arguments: Sequence[str]) -> str:
    """Return the command line without folders, whose names may be private."""
    return shlex.join(["edge-kit", *map(_without_folder, arguments)])


def _without_folder(argument: str) -> str:
    named = argument.startswith("--")
    option, equals, value = argument.partition("=") if named else ("", "", argument)
    return option + equals + (Path(value).name if os.sep in value else value)


def parity(findings: Findings, description: BundleDescription) -> dict[str, Any]:
    """Return the measurements that do not change from run to run, to six digits."""
    proof = findings.proof
    told = words(description.intended_use.modality, description.negative, description.positive)
    content = {
        "warnings": findings.cautions,
        "caveat": list(findings.caveat),
        "schema": SCHEMA,
        "name": description.name,
        "version": description.version,
        "modality": description.intended_use.modality,
        "intended_use": description.intended_use.to_json(),
        "classes": {"negative": description.negative, "positive": description.positive},
        "tools": {tool: version(tool) for tool in TOOLS},
        "verdict": _verdict(findings, told),
        "faults": [{**asdict(fault), "line": told(fault.line)} for fault in proof.faults],
        "decision": proof.decision.to_json(),
        **_threshold(proof.threshold),
        **_fit(findings),
        "scores": _scores(proof),
        "film_gate": proof.film_gate.to_json() if proof.film_gate else None,
        "artefacts": _artefacts(findings, told),
        "matrix": _matrix(findings),
        "located": [str(disagreement) for disagreement in proof.located],
        **_layers(findings),
        "ladder": [_attempt_result(asdict(attempt)) for attempt in findings.ladder],
        "calibration": _calibration(findings),
        "graphs": _graphs(findings),
        "preprocess": description.preprocess.to_json(),
        "training": description.training.to_json(),
        "splits": findings.splits,
        **_provenance(findings, description),
    }
    rounded: dict[str, Any] = _rounded(content)
    return rounded


def _verdict(findings: Findings, told: Words) -> dict[str, Any]:
    return {
        "answer": findings.answer,
        "reasons": [told(reason) for reason in findings.reasons],
        "films_needed": findings.films_needed,
        "margin": findings.budget.margin,
        "budget": {"flips": findings.budget.flips, "auc": findings.budget.auc},
    }


def _artefacts(findings: Findings, told: Words) -> dict[str, Any]:
    """Return what was measured of the Keras model, and of each graph by its file."""
    graphs = {graph.file: _artefact(findings, graph, told) for graph in findings.artefacts}
    return {REFERENCE: _reference(findings), **graphs}


def _layers(findings: Findings) -> dict[str, Any]:
    """Return the noise of each layer by graph, and the first layer that goes another way."""
    return {
        "layers": {
            file: [asdict(layer) for layer in noise] for file, noise in findings.layers.items()
        },
        "first_divergence": {
            file: layer.tensor if (layer := first_divergence(noise)) else None
            for file, noise in findings.layers.items()
        },
    }


def _graphs(findings: Findings) -> dict[str, Any]:
    return {
        artefact.format: {"after": findings.nodes[artefact.file]}
        for artefact in findings.artefacts
        if artefact.recipe == FLOAT32.name
    }


def _provenance(findings: Findings, description: BundleDescription) -> dict[str, Any]:
    """Return what the bundle was made from and by, or nothing where nobody says."""
    if description.origin is None:
        return {}
    commands = description.made_by, description.exported_by
    return {KEY: description.origin.to_json(findings.calibration.films, *commands)}


def _scores(proof: Proof) -> list[int]:
    """Return the histogram of the model's probabilities on the held-out films that it answers.

    A fleet's are held against it: see `edge_runtime.fleet.records.BINS`.
    """
    probabilities, film_logits = proof.probabilities[REFERENCE], proof.film_logits.get(REFERENCE)
    if proof.film_gate and film_logits is not None:
        probabilities = probabilities[film_logits >= proof.film_gate.threshold]
    counts = [0] * BINS
    for probability in probabilities.tolist():
        counts[score_bin(probability)] += 1
    return counts


def _threshold(threshold: Threshold) -> dict[str, Any]:
    """Return how the threshold was chosen, or nothing where it is one half."""
    if threshold.chosen is None or threshold.sensitivity is None or threshold.specificity is None:
        return {}
    shares = {"sensitivity": threshold.sensitivity, "specificity": threshold.specificity}
    estimates = {name: asdict(estimate) for name, estimate in shares.items()}
    return {
        "threshold": {"value": threshold.value, "chosen": threshold.chosen.to_json(), **estimates}
    }


def _fit(findings: Findings) -> dict[str, Any]:
    """Return what has to be known of calibration and preparation, or nothing where nothing has."""
    known: dict[str, Any] = {}
    if findings.fit and findings.fit.note:
        fit = findings.fit
        known["probability_calibration"] = {
            "calibration": fit.calibration.to_json(), "note": fit.note, "factor": fit.factor,
            "losses": fit.losses, "n": fit.n,
        }  # fmt: skip
    if findings.preparation:
        known["preparation"] = asdict(findings.preparation)
    return known


def encoded(content: Mapping[str, Any]) -> bytes:
    """Return a document's bytes: of the same content always the same, its cautions first."""
    text = json.dumps(foremost(content), indent=1)
    return (text + "\n").encode()


def _reference(findings: Findings) -> dict[str, Any]:
    """Return the entry of the reference model, which is no file and has no verdict."""
    unknown = {"bytes": None, "shipped": False, "verdict": None}
    return {"format": "keras", "recipe": "float32"} | unknown | _rows(findings, REFERENCE)


def _artefact(findings: Findings, artefact: Artefact, told: Words) -> dict[str, Any]:
    evidence = findings.proof.evidence[artefact.file]
    verdict = asdict(evidence.verdict)
    return {
        "format": artefact.format,
        "recipe": artefact.recipe,
        "bytes": len(artefact.graph),
        "shipped": artefact.file in findings.shipped,
        "verdict": {**verdict, "reasons": [told(reason) for reason in verdict["reasons"]]},
        "losses": {name: asdict(loss) for name, loss in evidence.losses.items()},
        "auc_difference": asdict(evidence.area),
    } | _rows(findings, artefact.file)


def _rows(findings: Findings, file: str) -> dict[str, Any]:
    proof = findings.proof
    errors, film_check = proof.calibration_errors[file], proof.film_checks.get(file)
    return {
        "film_gate": asdict(film_check) if film_check else None,
        "rows": {rows: asdict(comparison) for rows, comparison in proof.comparisons[file].items()},
        "calibration_error": {name: asdict(error) for name, error in errors.items()},
    }


def _matrix(findings: Findings) -> dict[str, dict[str, Any]]:
    """Return the matrix with both halves, so that either name finds the pair."""
    full: dict[str, dict[str, Any]] = {}
    for (first, second), agreement in findings.proof.matrix.items():
        full.setdefault(first, {})[second] = asdict(agreement)
        full.setdefault(second, {})[first] = asdict(agreement)
    return full


def _attempt_result(attempt: dict[str, Any]) -> dict[str, Any]:
    attempt["verdict"] = attempt.pop("answer")
    return {key: value for key, value in attempt.items() if key not in ("milliseconds", "seconds")}


def _calibration(findings: Findings) -> dict[str, Any]:
    stability = findings.stability
    return asdict(findings.calibration) | {"stability": asdict(stability) if stability else None}


def _films(findings: Findings) -> list[dict[str, Any]]:
    held_out, proof = findings.held_out, findings.proof
    return [
        {
            "sha256": digest,
            "positive": bool(held_out.positive[place]),
            "split": held_out.splits[place],
            "logits": {file: float(logits[place]) for file, logits in proof.logits.items()},
            "film_logits": {
                file: float(logits[place]) for file, logits in proof.film_logits.items()
            },
        }
        for place, digest in enumerate(held_out.digests)
    ]


def _flips(findings: Findings) -> list[dict[str, Any]]:
    """Return the films on which a graph decides otherwise than Keras, with both probabilities."""
    held_out, proof = findings.held_out, findings.proof
    return [
        {
            "sha256": held_out.digests[place],
            "positive": bool(held_out.positive[place]),
            "artefact": artefact.file,
            "reference": float(proof.probabilities[REFERENCE][place]),
            "candidate": float(proof.probabilities[artefact.file][place]),
        }
        for artefact in findings.artefacts
        for place in proof.flipped(artefact.file)
    ]


def _rounded(value: Any) -> Any:
    """Keep six significant digits: what remains is the same from run to run."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
