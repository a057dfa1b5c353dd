"""A bundle in words."""

from __future__ import annotations

import json

from edge_runtime.bundle import Bundle
from edge_runtime.errors import UsageError

_PARITY = {
    "pass": "proved: it decides like the model it was made from",
    "undecided": "UNDECIDED: too few films to prove that it decides like its model",
}


def describe(bundle: Bundle, form: str) -> str:
    """Return what `bundle` is, as lines for people (`table`) or its manifest (`json`).

    Raises:
        UsageError: another format is wanted.
    """
    manifest = bundle.manifest
    if form == "json":
        content = {**manifest.to_json(), "identity": bundle.identity}
        return json.dumps(content, indent=2, sort_keys=True) + "\n"
    if form != "table":
        raise UsageError("--format", f"{form!r} is not known here", "one of: table, json")
    decision, pixels, band = manifest.decision, manifest.preprocess, manifest.decision.uncertain
    made = manifest.quantization
    lines = {
        "bundle": f"{manifest.name} {manifest.version}",
        "identity": bundle.identity,
        "modality": manifest.modality,
        "classes": f"{manifest.classes.negative} | {manifest.classes.positive} (positive)",
        "input": f"{pixels.height} x {pixels.width}, {pixels.channels} channel(s), uint8",
        "threshold": f"{decision.threshold:g}, uncertain from {band.low:g} to {band.high:g}",
        "probabilities": f"calibrated by {decision.calibration.method}",
        "quantized": f"by {made.method} ranges measured on {len(made.films)} films",
        **({"ignored": ", ".join(made.overrides)} if made.overrides else {}),
        **({"remedies": ", ".join(made.remedies)} if made.remedies else {}),
        "parity": _PARITY[manifest.verdict],
        "trained": f"{manifest.training.model}, seed {manifest.training.seed}, "
        f"{manifest.training.epochs} epochs",
    }
    for graph in manifest.graphs:
        size = manifest.files[graph.file].bytes / 1e6
        lines[graph.file] = f"{graph.format}, {graph.recipe}, {size:.2f} MB"
    lines["made with"] = ", ".join(f"{tool} {manifest.tools[tool]}" for tool in manifest.tools)
    return "".join(f"{name:<18} {value}\n" for name, value in lines.items())
