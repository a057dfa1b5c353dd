"""The bundles in `models/` are what today's exporter makes of the runs beside them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge_runtime.bundle import verify_all

ROOT = Path(__file__).parents[3]
MODELS = ROOT / "models"
WAY = ("--int8", "--bundle-version", "0.2.0", "--body-part", "CHEST", "--views", "PA,AP")
SHIPPED = {
    "clinic": ("clinic-xray", "limits-clinic.md", ["../shared/data", "../shared/elsewhere"]),
    "model3": ("model3-xray", "limits.md", ["../shared/data"]),
}
"""Run -> the name of its bundle, its limits and its folders of films, as from a checkout."""
GRAPHS = ("model.int8.tflite", "model.int8.onnx")


@pytest.mark.parametrize("run", SHIPPED)
def test_a_shipped_run_gives_the_shipped_bundle(run: str, tmp_path: Path) -> None:
    """Byte for byte on a processor of the same kind; elsewhere within the golden tolerance."""
    name, limits, folders = SHIPPED[run]
    films = [ROOT / folder for folder in folders]
    if not all(map(Path.is_dir, films)):
        pytest.skip("the films it was trained on")
    out, edge_kit = tmp_path / f"{name}.edge", Path(sys.executable).with_name("edge-kit")
    data = [part for folder in films for part in ("--data", str(folder))]
    way = (*WAY, "--name", name, "--ages", "18,150", "--limits", str(MODELS / limits))
    command = [str(edge_kit), "export", str(MODELS / "runs" / run), *data, *way, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    shipped_at = MODELS / f"{name}-0.2.0.edge"
    with verify_all(out) as made, verify_all(shipped_at) as shipped:
        assert made.manifest.preprocess == shipped.manifest.preprocess
        assert made.manifest.intended_use == shipped.manifest.intended_use
        differing = [graph for graph in GRAPHS if made.read(graph) != shipped.read(graph)]
        tolerance = shipped.manifest.golden.tolerance
        for film, known in zip(
            made.manifest.golden.films, shipped.manifest.golden.films, strict=True
        ):
            assert film.stages == known.stages
            for graph in differing:
                assert film.logits[graph] == pytest.approx(known.logits[graph], abs=tolerance), (
                    f"{graph} is of other bytes on this processor"
                )


@pytest.mark.parametrize("run", SHIPPED)
def test_a_shipped_run_names_no_path_of_a_machine(run: str) -> None:
    config = json.loads((MODELS / "runs" / run / "config.json").read_text("utf-8"))
    folders = config["data"] if isinstance(config["data"], list) else [config["data"]]
    assert folders == SHIPPED[run][2]
    assert not any(Path(str(word)).is_absolute() for word in config["options"])
