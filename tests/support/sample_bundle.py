"""A small valid bundle for tests: two graphs of a few bytes and one golden film."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge_runtime.bundle import archive
from edge_runtime.bundle.digest import sha256
from edge_runtime.bundle.manifest import canonical
from edge_runtime.film.preprocess import STAGES

GRAPH = "model.int8.tflite"
MEMBERS: dict[str, bytes] = {
    GRAPH: bytes(range(100)),
    "model.int8.onnx": b"onnx graph",
    "golden/0.png": b"\x89PNG",
    "card.md": b"",
}


def sample_fields() -> dict[str, Any]:
    """Return what `write_bundle` takes for `MEMBERS`, as JSON."""
    return {
        "name": "model3-xray",
        "version": "0.1.0",
        "intended_use": {
            "modality": "xray",
            "body_parts": ["CHEST"],
            "views": ["PA", "AP"],
            "youngest": 18,
            "oldest": 150,
        },
        "classes": {"negative": "noncovid", "positive": "covid"},
        "preprocess": {
            "version": 1,
            "height": 224,
            "width": 224,
            "channels": 1,
            "resample": "bilinear",
            "low_percentile": 1.0,
            "high_percentile": 99.0,
            "min_side": 32,
            "max_pixels": 50_000_000,
            "min_contrast": 8,
            "max_chroma": 255.0,
        },
        "decision": {
            "calibration": {"method": "none", "scale": 1.0, "offset": 0.0},
            "threshold": 0.5,
            "uncertain": {"low": 0.49, "high": 0.51},
        },
        "film_gate": None,
        "graphs": [
            {
                "file": "model.int8.tflite",
                "format": "tflite",
                "recipe": "static_wi8_ai8",
                "outputs": [],
            },
            {
                "file": "model.int8.onnx",
                "format": "onnx",
                "recipe": "static_wi8_ai8",
                "outputs": [],
            },
        ],
        "golden": {
            "tolerance": 0.05,
            "films": [
                {
                    "file": "golden/0.png",
                    "logits": {"model.int8.tflite": [1.25], "model.int8.onnx": [1.25]},
                    "stages": {stage: sha256(stage.encode()) for stage in STAGES},
                }
            ],
        },
        "quantization": {
            "method": "min_max",
            "films": sorted([sha256(b"a"), sha256(b"b")]),
            "overrides": [],
            "remedies": [],
        },
        "verdict": "pass",
        "training": {"model": "model3", "seed": 0, "epochs": None},
        "tools": {"tensorflow": "2.21.0"},
    }


def sample_manifest() -> dict[str, Any]:
    """Return the manifest of the sample bundle as JSON, without its identity."""
    files = {name: {"bytes": len(data), "sha256": sha256(data)} for name, data in MEMBERS.items()}
    return {**sample_fields(), "schema": 2, "files": files}


def rewrite(path: Path, contents: dict[str, bytes]) -> None:
    """Write a well-formed archive of `contents`, whatever they are."""
    pieces = archive.encode((name, contents[name]) for name in archive.in_order(contents))
    path.write_bytes(b"".join(pieces))


def of_schema(number: int, **changes: Any) -> bytes:
    """Return a manifest of a schema, with `changes`."""
    document = {**sample_manifest(), "schema": number, **changes}
    return canonical({**document, "identity": sha256(canonical(document))})
