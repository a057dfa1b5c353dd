"""A network that static int8 ruins: what the ladder of remedies makes of it, and at which speed.

Takes a run of Model 3 and gives the channels of its last convolution very unequal ranges, without
changing what it computes. Then exports it as it is and ruined, and compares the time of a film.

    python benchmarks/hard_case.py --run RUN --data ../shared/data
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

EDGE_KIT = str(Path(sys.executable).with_name("edge-kit"))


def main() -> None:
    """Export the run ruined, and print its ladder and how much of the speed is left."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--spread", type=float, default=3000.0, help="largest factor of a channel")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # Both as foreign models, so that nothing but the ranges differs.
        whole, hard = Path(folder) / "whole.keras", Path(folder) / "hard.keras"
        decision(options.run / "model.keras", whole)
        ruin(whole, options.spread, hard)
        before, after = (export(model, options.data) for model in (whole, hard))
    print("| step | what | flips | largest dp | MB | verdict |\n|---|---|---|---|---|---|")
    for rung in after["ladder"]:
        print(
            f"| {rung['step']} | {rung['changed']} | {rung['flips']} / {rung['n']} "
            f"| {rung['largest_difference']:.4f} | {rung['bytes'] / 1e6:.2f} | {rung['verdict']} |"
        )
    print(f"\ntime of a film, int8 TFLite / float TFLite: {ratio(before)} as it was, {ratio(after)}"
          " after the remedy")  # fmt: skip


def decision(model: Path, out: Path) -> None:
    """Write `model` without its film / not-film branch to `out`."""
    import keras

    from edge_export.graph.network import load_model

    loaded = load_model(model)
    keras.Model(loaded.inputs, loaded.outputs[:1], name=loaded.name).save(out)


def ruin(model: Path, spread: float, out: Path) -> None:
    """Write `model` with unequal channels to `out`."""
    from edge_export.graph.network import load_model
    from unequal_channels import unequal

    unequal(load_model(model), spread).save(out)


def export(model: Path, data: Path) -> dict[str, Any]:
    """Return the report of exporting `model`, whether it passes or fails."""
    out = model.with_suffix(".edge")
    known = ["--classes", "noncovid,covid", "--input-range", "0,255", "--modality", "xray"]
    command = [EDGE_KIT, "export", model, "--int8", "--data", data, *known, "--out", out]
    done = subprocess.run(list(map(str, command)), stdout=subprocess.DEVNULL, check=False)
    if done.returncode not in (0, 7):
        raise SystemExit(done.returncode)
    report: dict[str, Any] = json.loads(out.with_suffix(".report.json").read_text("utf-8"))
    return report


def ratio(report: dict[str, Any]) -> str:
    """Return the share of the float's time that the shipped TFLite graph takes."""
    file = next(name for name, artefact in report["artefacts"].items()
                if artefact["shipped"] and artefact["format"] == "tflite")  # fmt: skip
    latency = report["latency"][file]["ratio"]
    return (
        f"{latency['value']:.2f} ({latency['low']:.2f} to {latency['high']:.2f}, n {latency['n']})"
    )


if __name__ == "__main__":
    main()
