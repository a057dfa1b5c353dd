"""Twenty-one architectures through every recipe at two sizes: what works, and how near to Keras.

Each architecture at each size is one process and leaves one JSON file; what is there is not run
again, but for the graph that `--again` names. The networks are those of
`tests/support/architectures.py`, the films are phantoms.

    python benchmarks/every_architecture.py [--sides 96 224] [--results FOLDER] [NAME...]
    python benchmarks/every_architecture.py --again model.int8.onnx

`docs/make_architectures.py` makes a page of the results.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge_export.films.pixels import Pixels
    from edge_export.graph.network import InputRange

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "support"))

RESULTS = HERE / "architectures"
PATIENCE = 3600  # seconds for one architecture at one size
CALIBRATED, HELD_OUT = 64, 64


def main() -> None:
    """Run what is named, or all, as far as it has not been run; status 1 where anything fell."""
    options = _options()
    from architectures import ARCHITECTURES

    if options.one:
        name, side = options.one
        print(json.dumps(measured(name, int(side), options.again)))
        return
    options.results.mkdir(parents=True, exist_ok=True)
    fell = False
    for side in options.sides:
        for name in options.names or ARCHITECTURES:
            place = options.results / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}-{side}.json"
            found = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
            if options.again and "graphs" in found:
                found = _exchanged(found, _run(name, side, "--again", options.again))
            elif not found:
                found = _run(name, side)
            place.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
            fell |= "fault" in found
            print(f"{name} {side}: {_short(found)}", flush=True)
    sys.exit(fell)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--sides", nargs="+", type=int, default=[96, 224], metavar="PIXELS")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER")
    parser.add_argument(
        "--again", metavar="FILE", help="measure this graph once more, where the rest is there"
    )
    parser.add_argument("--one", nargs=2, metavar=("NAME", "SIDE"), help="print one as JSON")
    return parser.parse_args()


def _exchanged(found: dict[str, Any], newer: dict[str, Any]) -> dict[str, Any]:
    """Return what was found, with the graphs that are newer in the place of theirs."""
    if "graphs" not in newer:
        return newer
    return found | {
        key: {name: one for name, one in found[key].items() if name not in newer[other]}
        | newer[key]
        for key, other in (("graphs", "no"), ("no", "graphs"))
    }


def _run(name: str, side: int, *options: str) -> dict[str, Any]:
    """Return what a process of its own found."""
    command = [sys.executable, __file__, *options, "--one", name, str(side)]
    started = time.monotonic()
    try:
        ended = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return {"name": name, "side": side, "fault": f"not done after {PATIENCE} s"}
    try:
        found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last = (ended.stderr.strip().splitlines() or ["no output"])[-1]
        found = {"name": name, "side": side, "fault": f"status {ended.returncode}: {last[:300]}"}
    return {**found, "seconds": round(time.monotonic() - started)}


def measured(name: str, side: int, only: str | None = None) -> dict[str, Any]:
    """Return what each recipe makes of an architecture in each format, compared with Keras.

    Of the graphs, `only` that file's, where one is named.
    """
    import numpy as np

    from architectures import ARCHITECTURES, films, fit
    from edge_export.quiet import import_tensorflow
    from edge_runtime.errors import EdgeError

    import_tensorflow()
    kind = ARCHITECTURES[name]
    model = kind.build(side)
    pixels = films(side, CALIBRATED + HELD_OUT)
    low, high = kind.input_range.low, kind.input_range.high
    images = pixels[:CALIBRATED].astype(np.float32) * np.float32((high - low) / 255) + low
    fit(model, images)
    found: dict[str, Any] = {"name": name, "side": side, "parameters": model.count_params()}
    try:
        return found | compared(model, kind.input_range, pixels, only)
    except EdgeError as error:
        return found | {"refused": str(error)}
    except Exception as error:
        traceback.print_exc()
        return found | {"fault": f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"}


def compared(
    model: Any, input_range: InputRange, pixels: Pixels, only: str | None
) -> dict[str, Any]:
    """Return the comparison of each graph with Keras on the held-out films, by file."""
    from edge_export.graph.artefact import measure, require_openable
    from edge_export.graph.float_graphs import float_graphs
    from edge_export.graph.network import network
    from edge_export.proof.reference import reference_outputs
    from edge_export.quantize.quantizer import Quantizer
    from edge_export.quantize.recipe import RECIPES, Setting
    from edge_runtime.errors import EdgeError

    candidate = network(model, input_range)
    calibration, held_out = pixels[:CALIBRATED], pixels[CALIBRATED:]
    graphs = float_graphs(candidate, calibration)
    expected = reference_outputs(candidate, held_out)[:, 0]
    quantizer = Quantizer(graphs, calibration)
    found: dict[str, Any] = {"n": HELD_OUT, "spread": round(float(expected.std()), 3)}
    found |= {"graphs": {}, "no": {}}
    for recipe in RECIPES.values():
        forms = [form for form in recipe.formats if only in (None, recipe.file(form))]
        ranges = quantizer.ranges("min_max") if recipe.calibrated and forms else {}
        for form in forms:
            try:
                artefact = quantizer.uncorrected(recipe, form, ranges, Setting())
                require_openable(artefact, (1, *pixels.shape[1:]))
                found["graphs"][artefact.file] = _figures(
                    expected, len(artefact.graph), measure(artefact, held_out)
                )
            except EdgeError as error:
                found["no"][recipe.file(form)] = str(error)
    return found


def _figures(expected: Any, size: int, answers: Any) -> dict[str, Any]:
    import numpy as np
    from scipy.special import expit

    return {
        "flips": int(((answers.logits >= 0) != (expected >= 0)).sum()),
        "probability": round(float(np.abs(expit(answers.logits) - expit(expected)).max()), 4),
        "logit": round(float(np.abs(answers.logits - expected).max()), 4),
        "megabytes": round(size / 1e6, 2),
        "milliseconds": round(answers.milliseconds, 2),
    }


def _short(found: dict[str, Any]) -> str:
    if "graphs" not in found:
        return str(found.get("refused") or found.get("fault"))
    figures = [f"{file} {one['flips']} flips" for file, one in found["graphs"].items()
               if "int8." in file]  # fmt: skip
    return f"{', '.join(figures)}; {len(found['no'])} graphs refused; {found.get('seconds')} s"


if __name__ == "__main__":
    main()
