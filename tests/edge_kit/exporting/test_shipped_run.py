"""The bundle in `models/` is what today's exporter makes of the run beside it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge_runtime.bundle import verify_all

ROOT = Path(__file__).parents[3]
RUN = ROOT / "models" / "runs" / "clinic"
BUNDLE = ROOT / "models" / "clinic-xray-0.2.0.edge"
FILMS = [ROOT.parent / "shared" / name for name in ("data", "elsewhere")]
WAY = (
    *(
        "--int8",
        "--name",
        "clinic-xray",
        "--bundle-version",
        "0.2.0",
        "--body-part",
        "CHEST",
        "--views",
        "PA,AP",
    ),
    *("--ages", "18,150", "--limits", str(ROOT / "models" / "limits-clinic.md")),
)
GRAPHS = ("model.int8.tflite", "model.int8.onnx")


@pytest.mark.skipif(not all(map(Path.is_dir, FILMS)), reason="the films it was trained on")
def test_the_shipped_run_gives_the_shipped_bundle(tmp_path: Path) -> None:
    """Byte for byte on a processor of the same kind; elsewhere within the golden tolerance."""
    out, edge_kit = tmp_path / "clinic-xray.edge", Path(sys.executable).with_name("edge-kit")
    data = [part for folder in FILMS for part in ("--data", str(folder))]
    command = [str(edge_kit), "export", str(RUN), *data, *WAY, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    with verify_all(out) as made, verify_all(BUNDLE) as shipped:
        assert made.manifest.preprocess == shipped.manifest.preprocess
        assert made.manifest.intended_use == shipped.manifest.intended_use
        differing = [name for name in GRAPHS if made.read(name) != shipped.read(name)]
        tolerance = shipped.manifest.golden.tolerance
        for film, known in zip(
            made.manifest.golden.films, shipped.manifest.golden.films, strict=True
        ):
            assert film.stages == known.stages
            for name in differing:
                assert film.logits[name] == pytest.approx(known.logits[name], abs=tolerance), (
                    f"{name} is of other bytes on this processor"
                )


def test_the_shipped_run_names_no_path_of_a_machine() -> None:
    config = json.loads((RUN / "config.json").read_text("utf-8"))
    assert config["data"] == ["../shared/data", "../shared/elsewhere"]
    assert not any(Path(str(word)).is_absolute() for word in config["options"])
