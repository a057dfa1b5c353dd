"""The five networks, each by its author's recipe: trained, exported as int8, classified.

Trains, exports and tabulates each network. What is there already is kept, and a training that was
interrupted goes on, so the command may be given again until it is through. The answers are those of
`edge-run classify` in a process of its own, on the test rows; flips are counted on validation and
test rows together; a film's time is that of one thread, float and int8 by turns.

    python benchmarks/models.py --data ../shared/data --runs runs
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from edge_export.statistics.estimates import Estimate, auc
from edge_kit.models.registry import MODELS
from edge_runtime.bundle.digest import sha256

EDGE_KIT = [str(Path(sys.executable).with_name("edge-kit"))]
EDGE_RUN = [sys.executable, "-m", "edge_runtime"]
FLOAT, INT8, INT8_ONNX = "model.f32.tflite", "model.int8.tflite", "model.int8.onnx"
PARITY_FAILED, SOME_FILMS_REFUSED = 7, 5


def main() -> None:
    """Train and export what is missing, classify, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True, help="finished runs here are kept")
    parser.add_argument("--modality", default="xray")
    parser.add_argument("--epochs", help="instead of each author's own")
    parser.add_argument("--seed", default="0", help="of weights")
    parser.add_argument("names", nargs="*", default=list(MODELS))
    options = parser.parse_args()
    options.runs.mkdir(parents=True, exist_ok=True)
    counted = json.loads(output(*EDGE_KIT, "models", "--format", "json", *options.names))
    parameters = {description["name"]: description["parameters"] for description in counted}
    paths = {sha256(path.read_bytes()): path for path in options.data.rglob("*") if path.is_file()}
    print(
        "| model | parameters | float MB | int8 MB | test AUC, Keras | test AUC, int8 by edge-run "
        "| flips TFLite, ONNX | ms float | ms int8 | int8 / float | verdict |\n" + "|---" * 11 + "|"
    )
    for name in options.names:
        report = export(name, options)
        answers = classify(options.runs / name, paths)
        print(line(name, parameters[name], report, answers), flush=True)


def export(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return the report of one network, after training and exporting what is missing."""
    run, bundle = options.runs / name, options.runs / f"{name}.edge"
    data = ["--data", str(options.data), "--modality", options.modality]
    epochs = ["--epochs", options.epochs] if options.epochs else []
    seed = ["--seed", options.seed]
    if not run.is_dir():
        train = ["train", *data, *epochs, *seed, "--no-counter-examples", "--model", name]
        output(*EDGE_KIT, *train, "--resume", "--out", str(run))
    report = bundle.with_suffix(".report.json")
    if not report.is_file():
        output(*EDGE_KIT, "export", str(run), "--int8", "--data", str(options.data),
               "--out", str(bundle), allowed=PARITY_FAILED)  # fmt: skip
    content: dict[str, Any] = json.loads(report.read_text("utf-8"))
    return content


def classify(run: Path, paths: dict[str, Path]) -> str:
    """Return the AUC of what `edge-run` answers to the test rows of a run, by the int8 bundle."""
    bundle = run.with_suffix(".edge")
    if not bundle.is_file():
        return "no bundle"
    positive = json.loads((run / "config.json").read_text("utf-8"))["positive"]
    with (run / "splits.csv").open(encoding="utf-8", newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["split"] == "test"]
    films = [str(paths[row["sha256"]]) for row in rows]
    command = [*EDGE_RUN, "classify", "--bundle", str(bundle), "--format", "json", *films]
    answers = [
        json.loads(text) for text in output(*command, allowed=SOME_FILMS_REFUSED).splitlines()
    ]
    pairs = [
        (row["label"] == positive, answer["logit"])
        for row, answer in zip(rows, answers, strict=True)
        if answer["status"] == "ok"
    ]
    truth, logits = map(np.array, zip(*pairs, strict=True))
    refused = len(rows) - len(pairs)
    return str(auc(truth, logits)) + (f", {refused} refused" if refused else "")


def line(name: str, parameters: int, report: dict[str, Any], answered: str) -> str:
    """Return a network's line of the table."""
    artefacts, timed = report["artefacts"], report["latency"]
    both = [artefacts[graph]["rows"]["both"] for graph in (INT8, INT8_ONNX)]
    flips = ", ".join(f"{graph['flips']} / {graph['n']}" for graph in both)
    ratio = timed[INT8]["ratio"]
    columns = [
        name,
        f"{parameters:,}",
        *(f"{artefacts[graph]['bytes'] / 1e6:.2f}" for graph in (FLOAT, INT8)),
        str(Estimate(**artefacts["keras"]["rows"]["test"]["metrics"]["auc"])),
        answered,
        flips,
        *(f"{timed[graph]['milliseconds']:.2f}" for graph in (FLOAT, INT8)),
        f"{ratio['value']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})",
        artefacts[INT8]["verdict"]["answer"],
    ]
    return f"| {' | '.join(columns)} |"


def output(*command: str, allowed: int = 0) -> str:
    """Return what a command writes; one that fails with another status ends this, too."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, allowed):
        raise SystemExit(done.returncode)
    return done.stdout


if __name__ == "__main__":
    main()
