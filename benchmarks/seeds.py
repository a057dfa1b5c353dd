"""A network over five training seeds: does int8 decide like Keras, whichever way training went?

Trains, exports and tabulates each seed; runs that are there already are kept. The Model 3 that we
ship is that of the median validation AUC, `clinic` that of seed 0, copied into models/ with its run
by `--ship`.

    python benchmarks/seeds.py --data ../shared/data --out runs
    python benchmarks/seeds.py --network clinic --data ../shared/data --data ../shared/elsewhere \\
        --out runs
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_runtime.bundle import open_bundle

SEEDS = (0, 1, 2, 3, 4)
GRAPHS = ("model.int8.tflite", "model.int8.onnx")
MODELS = Path("models")
EDGE_KIT = str(Path(sys.executable).with_name("edge-kit"))
SAID = ("--int8", "--body-part", "CHEST", "--views", "PA,AP", "--ages", "18,150")


@dataclass(frozen=True, slots=True)
class Network:
    """How a network that we ship is trained and exported: name and version, limits, options."""

    bundle: str
    version: str
    limits: str
    training: tuple[str, ...] = ()


NETWORKS = {
    "model3": Network("model3-xray", "0.2.2", "limits.md"),
    "clinic": Network(
        "clinic-xray", "0.2.2", "limits-clinic.md",
        ("--without-source", "collection", "--balance", "source", "--model", "clinic"),
    ),
}  # fmt: skip


def main() -> None:
    """Train and export what is missing, print the table, ship if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=NETWORKS, default="model3")
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--ship", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    network = NETWORKS[options.network]
    reports = {seed: export(seed, options, network) for seed in options.seeds}
    print(table(reports))
    areas = {seed: rows(report, "keras")["val"]["metrics"]["auc"]["value"]
             for seed, report in reports.items()}  # fmt: skip
    median = statistics.median_low(areas.values())
    chosen = 0 if options.network == "clinic" else next(n for n in areas if areas[n] == median)
    print(f"shipped: seed {chosen}")
    if options.ship:
        ship(options.out / f"seed{chosen}", network, options.network)


def ship(run: Path, network: Network, name: str) -> None:
    """Put a bundle into models/, with its card and its run beside it."""
    bundle = run.with_suffix(".edge")
    shutil.copy(bundle, MODELS / f"{network.bundle}-{network.version}.edge")
    pictures = shutil.ignore_patterns("*.png")
    shutil.copytree(run, MODELS / "runs" / name, ignore=pictures, dirs_exist_ok=True)
    config = MODELS / "runs" / name / "config.json"
    content = json.loads(config.read_text("utf-8"))
    folders = content["data"]  # as from a checkout, whoever reads it
    several = isinstance(folders, list)
    content["data"] = [*map(os.path.relpath, folders)] if several else os.path.relpath(folders)
    config.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    with open_bundle(bundle) as opened:
        card = MODELS / f"{network.bundle}-{network.version}.md"
        card.write_bytes(opened.read("card.md"))


def export(seed: int, options: argparse.Namespace, network: Network) -> dict[str, Any]:
    """Return the report of one seed, after training and exporting it."""
    run, bundle = options.out / f"seed{seed}", options.out / f"seed{seed}.edge"
    data = [word for folder in options.data for word in ("--data", str(folder))]
    if not run.is_dir():
        elsewhere = ("--elsewhere", str(options.data[-1])) if len(options.data) > 1 else ()
        chosen = ("--modality", "xray", *network.training, *elsewhere, "--seed", str(seed))
        edge_kit("train", *data, *chosen, "--no-counter-examples", "--out", str(run))
    said = ("--name", network.bundle, "--bundle-version", network.version, *SAID)
    limits = ("--limits", str(MODELS / network.limits))
    edge_kit("export", str(run), *data, *said, *limits, "--out", str(bundle))
    report: dict[str, Any] = json.loads(bundle.with_suffix(".report.json").read_text("utf-8"))
    return report


def edge_kit(*arguments: str) -> None:
    """Run the command; a failed parity (7) has its report and is shown, all else stops here."""
    done = subprocess.run([EDGE_KIT, *arguments], stdout=subprocess.DEVNULL, check=False)
    if done.returncode not in (0, 7):
        raise SystemExit(done.returncode)


def rows(report: dict[str, Any], artefact: str) -> dict[str, Any]:
    """Return the comparisons of an artefact by rows."""
    comparisons: dict[str, Any] = report["artefacts"][artefact]["rows"]
    return comparisons


def table(reports: dict[int, dict[str, Any]]) -> str:
    """Return a Markdown table, a line for each seed and graph."""
    lines = [
        "| seed | val AUC | test AUC (95 %) | graph | flips val | flips test | AUC difference "
        "| largest dp | size of float | films refused (Keras), changed | verdict "
        "| more films to decide |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for seed, report in reports.items():
        float_rows, artefacts = rows(report, "keras"), report["artefacts"]
        test = float_rows["test"]["metrics"]["auc"]
        for graph in GRAPHS:
            int8 = rows(report, graph)
            share = artefacts[graph]["bytes"] / artefacts[graph.replace("int8", "f32")]["bytes"]
            lines.append(
                f"| {seed} | {float_rows['val']['metrics']['auc']['value']:.4f} "
                f"| {test['value']:.3f} ({test['low']:.3f} to {test['high']:.3f}) "
                f"| {graph.removeprefix('model.int8.')} "
                f"| {int8['val']['flips']} / {int8['val']['n']} "
                f"| {int8['test']['flips']} / {int8['test']['n']} "
                f"| {int8['both']['auc_difference']:+.5f} "
                f"| {int8['both']['largest_difference']:.4f} | {share:.4f} "
                f"| {film_check(artefacts, graph)} "
                f"| {artefacts[graph]['verdict']['answer']} | {needed(artefacts[graph])} |"
            )
    return "\n".join([*lines, "", *pooled(reports)])


def film_check(artefacts: dict[str, Any], graph: str) -> str:
    """Return how many held-out films are refused as no film, Keras's count, n, and changes."""
    check, keras = artefacts[graph]["film_gate"], artefacts["keras"]["film_gate"]
    if not check:
        return "-"
    return f"{check['refused']} ({keras['refused']}) / {check['n']}, {check['changed']}"


def needed(artefact: dict[str, Any]) -> str:
    """Return by class how many more films it would take to decide."""
    counts = artefact["verdict"]["films_needed"].items()
    return ", ".join(f"{name}: {'none would' if n is None else n}" for name, n in counts)


def pooled(reports: dict[int, dict[str, Any]]) -> list[str]:
    """Return a line for each graph: flips of all seeds together, and the largest differences."""
    lines = []
    for graph in GRAPHS:
        both = [rows(report, graph)["both"] for report in reports.values()]
        flips, n = sum(row["flips"] for row in both), sum(row["n"] for row in both)
        areas = max(abs(row["auc_difference"]) for row in both)
        lines.append(
            f"{graph}: {flips} of {n} flips ({flips / n:.2%}), AUC moves by <= {areas:.4f}"
        )
    return lines


if __name__ == "__main__":
    main()
