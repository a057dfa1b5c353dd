"""A report as an export writes it, with made-up figures: schema 1, every optional part present."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_export.statistics.estimates import evaluate, proportion
from edge_export.statistics.paired import paired_loss
from edge_runtime.bundle.digest import sha256

Floats = NDArray[np.float64]
Document = dict[str, Any]

INT8 = ("model.int8.tflite", "model.int8.onnx")
_FILES = {
    "keras": ("keras", "float32", None, 0.0),
    "model.f32.tflite": ("tflite", "float32", 9_972_060, 1e-6),
    "model.f32.onnx": ("onnx", "float32", 9_964_538, 1e-6),
    "model.int8.tflite": ("tflite", "static_wi8_ai8", 2_516_840, 0.06),
    "model.int8.onnx": ("onnx", "static_wi8_ai8", 2_512_102, 0.0602),
}
_MILLISECONDS = {
    "model.f32.tflite": 2.871,
    "model.f32.onnx": 3.402,
    "model.int8.tflite": 1.043,
    "model.int8.onnx": 3.377,
}
_LAYERS = ("CONV_2D", "MAX_POOL_2D") * 4 + ("RESHAPE", "FULLY_CONNECTED", "FULLY_CONNECTED")
_LIMITS = (
    "- Class and source coincide: accuracy on this split is no evidence of medicine.\n"
    "- The films are grey JPEGs of at most 512 pixels a side.\n"
)

OPTIONAL = (
    ("matrix",), ("located",), ("faults",), ("films",), ("flips",), ("machine",), ("tools",),
    ("layers",), ("first_divergence",), ("ladder",), ("calibration",), ("calibration", "stability"),
    ("latency",), ("warnings",), ("caveat",), ("graphs",), ("limits",), ("preprocess",),
    ("training",), ("splits",),
    ("artefacts", "model.int8.tflite", "milliseconds"), ("artefacts", "model.int8.tflite", "bytes"),
    ("artefacts", "model.int8.tflite", "losses"), ("artefacts", "model.int8.tflite", "verdict"),
    ("artefacts", "model.int8.tflite", "auc_difference"),
    ("artefacts", "model.int8.tflite", "calibration_error"),
    ("artefacts", "model.int8.tflite", "film_gate"), ("film_gate",), ("intended_use",),
    ("graphs", "tflite", "before"), ("verdict", "films_needed"), ("verdict", "margin"),
)  # fmt: skip
"""The ways to every part that a report may be without."""


def full_document(answer: str = "undecided") -> Document:
    """Return a whole report with the given verdict, on 348 films of which three flip."""
    return copy.deepcopy(_full_document(answer))


@functools.cache
def _full_document(answer: str) -> Document:
    positive = np.arange(348) % 2 == 0
    logits = _logits(positive)
    needed = {"noncovid": 0 if answer == "pass" else 112, "covid": None if answer != "pass" else 0}
    verdict = {
        "answer": answer,
        "reasons": _REASONS[answer],
        "films_needed": needed,
    }
    digests = [sha256(f"film {index}".encode()) for index in range(348)]
    splits = ["val" if index < 174 else "test" for index in range(348)]
    return {
        "schema": 1,
        "bundle": "model3-xray.edge",
        "name": "model3-xray",
        "version": "0.1.0",
        "modality": "xray",
        "classes": {"negative": "noncovid", "positive": "covid"},
        "written": "2025-11-22T09:30:00+00:00",
        "command": "edge-kit export RUN --int8 --data FILMS --out model3-xray.edge",
        "machine": {
            "processor": "x86-64, 2 cores, AVX-512 VNNI",
            "engines": {file: _engine(file) for file in _MILLISECONDS},
        },
        "tools": {"edge-kit": "0.1.0", "keras": "3.15.1", "tensorflow": "2.21.0"},
        "verdict": verdict | {"margin": 0.02, "budget": {"flips": 0.01, "auc": 0.005}},
        "faults": [{"name": "chance", "line": "keras: chance: its AUC is 0.500"}],
        "decision": {
            "calibration": {"method": "temperature", "scale": 0.6, "offset": 0.0},
            "threshold": 0.5,
            "uncertain": {"low": 0.484, "high": 0.516},
        },
        "film_gate": {"threshold": 0.0},
        "intended_use": {
            "modality": "xray", "body_parts": ["CHEST"], "views": ["PA", "AP"],
            "youngest": 18, "oldest": 150,
        },
        "preprocess": {
            "version": 1, "height": 224, "width": 224, "channels": 1, "resample": "bilinear",
            "low_percentile": 1.0, "high_percentile": 99.0,
            "min_side": 64, "max_pixels": 50_000_000, "min_contrast": 8,
        },
        "training": {"model": "model3", "seed": 0, "epochs": 20},
        "splits": {
            "train": {"noncovid": 407, "covid": 392},
            "val": {"noncovid": 87, "covid": 87},
            "test": {"noncovid": 87, "covid": 87},
        },
        "artefacts": {
            file: _artefact(file, logits, positive, splits, verdict) for file in _FILES
        },
        "matrix": _matrix(logits),
        "located": ["quantization: model.f32.tflite and model.int8.tflite differ by 0.047"],
        "films": [
            {
                "sha256": digest,
                "positive": bool(positive[index]),
                "split": splits[index],
                "logits": {file: float(one[index]) for file, one in logits.items()},
            }
            for index, digest in enumerate(digests)
        ],
        "flips": list(_flips(logits, positive, digests)),
        "layers": {file: _layers(seed) for seed, file in enumerate(INT8)},
        "first_divergence": {INT8[0]: "sequential/conv_2d_6/Relu", INT8[1]: None},
        "ladder": _LADDER,
        "calibration": {
            "method": "minmax",
            "films": sorted(sha256(f"row {index}".encode()) for index in range(300)),
            "by_class": {"covid": 150, "noncovid": 150},
            "overrides": ["--allow-few-films: 80 rows, 100 are needed"],
            "stability": {
                "median_ratio": 1.004, "largest_ratio": 1.18, "tensor": "sequential/dense/Relu",
                "flips": 1, "n": 348, "largest_difference": 0.013,
            },
        },
        "latency": {
            INT8[0]: {
                "milliseconds": 1.043,
                "ratio": {"value": 0.36, "low": 0.35, "high": 0.38, "n": 200},
            },
            INT8[1]: {
                "milliseconds": 3.377,
                "ratio": {"value": 0.99, "low": 0.96, "high": 1.03, "n": 200},
            },
        },
        "graphs": {"tflite": {"before": 31, "after": 14}, "onnx": {"before": 40, "after": 17}},
        "limits": _LIMITS,
        "warnings": ["model.int8.onnx is not faster than float on this machine"],
        "caveat": ["Accuracy on these films is no evidence.", "From grey levels alone, 1.000."],
    }  # fmt: skip


def bare_document() -> Document:
    """Return a report that is without everything it may be without."""
    document = full_document("pass")
    for way in OPTIONAL:
        remove(document, way)
    return document


def remove(document: Document, way: tuple[str, ...]) -> None:
    """Take the part at `way` out of `document`, if it is there."""
    for key in way[:-1]:
        document = document.get(key, {})
    document.pop(way[-1], None)


def without(way: tuple[str, ...], *, null: bool) -> Document:
    """Return a whole report but for the part at `way`: absent, or there as null."""
    document = full_document()
    if not null:
        remove(document, way)
        return document
    inner = document
    for key in way[:-1]:
        inner = inner[key]
    inner[way[-1]] = None
    return document


_REASONS = {
    "pass": ["sensitivity and specificity are lost by less than 2 points", "2 of 348 flips"],
    "undecided": ["at most 2.3 points of specificity are lost; 112 more noncovid films would tell"],
    "fail": ["model.int8.tflite: 12 of 348 decisions changed, 1 % are allowed"],
}
_LADDER = [
    {"step": "static_wi8_ai8", "changed": "nothing", "flips": 9, "n": 348,
     "largest_difference": 0.21, "bytes": 2_516_840, "milliseconds": 1.04, "verdict": "fail",
     "seconds": 4.1},
    {"step": "bias correction", "changed": "bias of dense_2 by -0.013", "flips": 3, "n": 348,
     "largest_difference": 0.05, "bytes": 2_516_840, "milliseconds": 1.04, "verdict": "undecided",
     "seconds": 6.0},
]  # fmt: skip


def _engine(file: str) -> str:
    return "litert" if file.endswith("tflite") else "onnxruntime"


def _probability(logit: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-0.6 * logit)))


def _logits(positive: NDArray[np.bool_]) -> dict[str, Floats]:
    rng = np.random.default_rng(0)
    keras = rng.normal(np.where(positive, 2.2, -2.2), 2.4)
    noise = rng.normal(0, 1, 348)
    logits = {file: keras + size * noise for file, (_, _, _, size) in _FILES.items()}
    for index, sign in ((4, -1.0), (8, -1.0), (11, 1.0)):  # three that change sides in both int8
        for file, one in logits.items():
            one[index] = sign * (0.005 * index if file in INT8 else -0.04)
    return logits


def _artefact(
    file: str,
    logits: dict[str, Floats],
    positive: NDArray[np.bool_],
    splits: list[str],
    verdict: Document,
) -> Document:
    form, recipe, size, _ = _FILES[file]
    reference, candidate = _probability(logits["keras"]), _probability(logits[file])
    rows = {
        name: np.array([name in ("both", split) for split in splits])
        for name in ("val", "test", "both")
    }
    whole: Document = {
        "format": form,
        "recipe": recipe,
        "bytes": size,
        "shipped": file in INT8,
        "verdict": None,
        "film_gate": {
            "n": len(positive), "refused": 3 if file in INT8 else 2,
            "changed": int(file in INT8), "largest_difference": 0.0 if file == "keras" else 0.18,
        },
        "rows": {
            name: _row(reference[some], candidate[some], positive[some])
            for name, some in rows.items()
        },
    }  # fmt: skip
    if file == "keras":
        return whole
    right, still = (reference >= 0.5) == positive, (candidate >= 0.5) == positive
    return whole | {
        "verdict": verdict if file in INT8 else {"answer": "pass", "reasons": []},
        "milliseconds": _MILLISECONDS[file],
        "losses": {
            "sensitivity": asdict(paired_loss(right[positive], still[positive])),
            "specificity": asdict(paired_loss(right[~positive], still[~positive])),
        },
        "auc_difference": {"value": -0.0004, "low": -0.0021, "high": 0.0013, "p": 0.64, "n": 348},
        "calibration_error": {
            "before": {"expected": 0.041, "brier": 0.101, "log_loss": 0.33, "n": 348},
            "after": {"expected": 0.043, "brier": 0.102, "log_loss": 0.331, "n": 348},
        },
    }


def _row(reference: Floats, candidate: Floats, positive: NDArray[np.bool_]) -> Document:
    metrics, before = (evaluate(positive, one, 0.5) for one in (candidate, reference))
    return {
        "n": len(positive),
        "metrics": asdict(metrics),
        "flips": int(((reference >= 0.5) != (candidate >= 0.5)).sum()),
        "largest_difference": float(abs(candidate - reference).max()),
        "mean_difference": float(abs(candidate - reference).mean()),
        "auc_difference": metrics.auc.value - before.auc.value,
    }


def _matrix(logits: dict[str, Floats]) -> Document:
    probabilities = {file: _probability(one) for file, one in logits.items()}
    return {
        a: {
            b: {
                "flips": int(((one >= 0.5) != (other >= 0.5)).sum()),
                "largest_difference": float(abs(one - other).max()),
                "mean_difference": float(abs(one - other).mean()),
            }
            for b, other in probabilities.items()
            if b != a
        }
        for a, one in probabilities.items()
    }


def _flips(
    logits: dict[str, Floats], positive: NDArray[np.bool_], digests: list[str]
) -> Iterator[Document]:
    reference = _probability(logits["keras"])
    for file in INT8:
        candidate = _probability(logits[file])
        for index in np.flatnonzero((reference >= 0.5) != (candidate >= 0.5)):
            yield {
                "sha256": digests[index],
                "positive": bool(positive[index]),
                "artefact": file,
                "reference": float(reference[index]),
                "candidate": float(candidate[index]),
            }


def _layers(seed: int) -> list[Document]:
    rng = np.random.default_rng(seed)
    noise = 44 - np.cumsum(rng.uniform(0, 2, len(_LAYERS)))
    return [
        {
            "tensor": f"sequential/{operator.lower()}_{index}/Relu",
            "operator": operator,
            "sqnr_db": float(noise[index]),
            "cosine": float(1 - 10 ** (-noise[index] / 10) / 2),
            "low": 0.0,
            "high": float(rng.uniform(2, 30)),
            "saturation": float(proportion(int(rng.integers(0, 3)), 1000).value),
            "quantized": operator != "FULLY_CONNECTED" or index < len(_LAYERS) - 1,
        }
        for index, operator in enumerate(_LAYERS)
    ]
