"""Writes `docs/architectures.md` from the results in `benchmarks/architectures`, a file each.

python docs/make_architectures.py            writes it
python docs/make_architectures.py --check    leaves with 1 where it is stale
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from generated import ROOT, write_or_check

PAGE = Path(__file__).resolve().with_name("architectures.md")
RESULTS = ROOT / "benchmarks" / "architectures"
# The graphs that the table has columns for, with what they are called there.
_INT8 = ("model.int8.tflite", "model.int8.onnx")
_OTHERS = {
    "model.f32.tflite": "float32 TFLite",
    "model.f32.onnx": "float32 ONNX",
    "model.f16.tflite": "float16",
    "model.weights8.tflite": "weights8",
    "model.dynamic.tflite": "dynamic TFLite",
    "model.dynamic.onnx": "dynamic ONNX",
    "model.int16x8.tflite": "int16 TFLite",
    "model.int16x8.onnx": "int16 ONNX",
    "model.int8-full.tflite": "int8-full",
}

_HEAD = """\
# Architectures

<!-- Written by docs/make_architectures.py. Do not edit: run `make zoo`. -->

Networks that people use, each put through the recipes of `edge-kit export` at 96 x 96 and 224 x 224
pixels: which [recipes](proof.md#recipes) work in which format, and how near the small graphs are to
Keras. The command is `make zoo` (`benchmarks/every_architecture.py`), which goes on where it was
interrupted.

**What the figures say.** Weights are random by a fixed seed. Batch normalisation has the statistics
of films, and the last layer reads the direction in which its features differ most: logits
spread as a trained network's do, with a standard deviation of about 2. {n} generated films
calibrate, and {n} others are compared: *flips* are those whose decision changes, *dp* the largest
difference of probability, by the plain recipe, without bias correction and without a
[remedy](proof.md#remedies). Random networks of many layers tell films apart by less than trained
ones do, so that int8 costs them more: a row with many flips says that such a network may need
remedies or int16 activations, and its export measures whether they suffice. It does not say that a
trained one fails.
"""


def page() -> str:
    """Return the page in Markdown."""
    found = [
        json.loads(file.read_text(encoding="utf-8")) for file in sorted(RESULTS.glob("*.json"))
    ]
    sizes = sorted({one["side"] for one in found} | {96, 224})
    names = sorted({one["name"] for one in found} | set(_names()), key=str.lower)
    count = next((one["n"] for one in found if "n" in one), 64)
    parts = [_HEAD.format(n=count)]
    for side in sizes:
        known = {one["name"]: one for one in found if one["side"] == side}
        parts.append(_table(side, names, known))
    parts.append(_refusals(found))
    return "\n".join(parts)


def _names() -> list[str]:
    sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "export"), str(ROOT / "runtime")]
    from architectures import ARCHITECTURES

    return list(ARCHITECTURES)


def _table(side: int, names: list[str], known: dict[str, Any]) -> str:
    lines = [
        f"## {side} x {side} pixels\n",
        "| architecture | parameters | float, MB | int8, MB | int8 TFLite: flips, dp "
        "| int8 ONNX: flips, dp | int16 TFLite: flips, dp | other graphs |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(_row(name, known.get(name)) for name in names), ""])


def _row(name: str, one: dict[str, Any] | None) -> str:
    if one is None:
        return f"| {name} | not run | | | | | | |"
    if "graphs" not in one:
        said = one.get("refused") or one.get("fault")
        return f"| {name} | {one.get('parameters', 0):,} | {said} | | | | | |"
    graphs = one["graphs"]
    sizes = [_megabytes(graphs.get(file)) for file in ("model.f32.tflite", _INT8[0])]
    figures = [_figures(graphs.get(file)) for file in (*_INT8, "model.int16x8.tflite")]
    missing = [called for file, called in _OTHERS.items() if file not in graphs]
    others = f"all but {', '.join(missing)}" if missing else "all"
    return f"| {name} | {one['parameters']:,} | {' | '.join([*sizes, *figures])} | {others} |"


def _megabytes(graph: dict[str, Any] | None) -> str:
    return f"{graph['megabytes']:.2f}" if graph else "-"


def _figures(graph: dict[str, Any] | None) -> str:
    return f"{graph['flips']}, {graph['probability']:.3f}" if graph else "refused"


def _refusals(found: list[dict[str, Any]]) -> str:
    """Return what is refused, by which layer, each reason once with the networks that have it."""
    reasons: dict[str, set[str]] = {}
    for one in found:
        for file, said in one.get("no", {}).items():
            layer, _, rest = said.partition(": ")
            key = f"{file}: {rest.partition(';')[0]}"
            kind = "/".join(layer.split("/")[-2:])
            reasons.setdefault(key, set()).add(f"{one['name']} (`{kind}`)")
    lines = ["## What is refused\n", "| graph, reason | architecture (layer) |", "|---|---|"]
    lines += [f"| {key} | {', '.join(sorted(names))} |" for key, names in sorted(reasons.items())]
    if not reasons:
        lines = [*lines[:1], "Nothing."]
    return "\n".join([*lines, ""])


def main() -> int:
    """Carry out the command line."""
    about = (__doc__ or "").splitlines()[0]
    return write_or_check(PAGE, page(), Path(__file__), about)


if __name__ == "__main__":
    sys.exit(main())
