"""The bundles in `models/` are what today's exporter makes of the runs beside them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MODELS = ROOT / "models"
SHIPPED = {
    "clinic": ("clinic-xray", ["../shared/data", "../shared/elsewhere"]),
    "model3": ("model3-xray", ["../shared/data"]),
}
"""Run -> the name of its bundle, and its folders of films, as from a checkout."""


@pytest.mark.parametrize("run", SHIPPED)
def test_a_shipped_run_gives_the_shipped_bundle(run: str) -> None:
    """Byte for byte on a processor of the same kind; elsewhere within what rounding makes."""
    name, folders = SHIPPED[run]
    films = [ROOT / folder for folder in folders]
    if not all(map(Path.is_dir, films)):
        pytest.skip("the films it was trained on")
    edge_kit = Path(sys.executable).with_name("edge-kit")
    data = [part for folder in films for part in ("--data", str(folder))]
    (bundle,) = MODELS.glob(f"{name}-*.edge")
    command = [str(edge_kit), "reproduce", str(bundle), "--run", str(MODELS / "runs" / run), *data]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]


@pytest.mark.parametrize("run", SHIPPED)
def test_a_shipped_run_names_no_path_of_a_machine(run: str) -> None:
    config = json.loads((MODELS / "runs" / run / "config.json").read_text("utf-8"))
    folders = config["data"] if isinstance(config["data"], list) else [config["data"]]
    assert folders == SHIPPED[run][1]
    assert not any(Path(str(word)).is_absolute() for word in config["options"])
