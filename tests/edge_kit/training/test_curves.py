"""Training curves are the same bytes for the same history."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from edge_export.films.film import Split
from edge_kit.training.curves import draw_curves

HISTORY = {
    "loss": [0.7, 0.5],
    "val_loss": [0.7, 0.6],
    "accuracy": [0.5, 0.8],
    "val_accuracy": [0.5, 0.7],
    "val_auc": [0.5, 0.7],
}


def test_curves_are_a_png_and_the_same_bytes_every_time(tmp_path: Path) -> None:
    splits: tuple[Split, ...] = ("val", "test")
    positive = {split: np.arange(10) % 2 == 0 for split in splits}
    score = {split: np.linspace(0, 1, 10) for split in splits}
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path in paths:
        draw_curves(path, HISTORY, positive, score)
    said = ("2 films left out", "No evidence of disease & $more$.")
    draw_curves(tmp_path / "c.png", HISTORY, positive, score, kept=1, said=said)
    with Image.open(tmp_path / "c.png") as image, Image.open(paths[0]) as plain:
        assert image.info["Description"] == "\n".join(said)
        assert image.height > plain.height
    with Image.open(paths[0]) as image:
        image.load()
        assert image.format == "PNG"
        assert min(image.size) > 200
        assert len(set(image.convert("RGB").get_flattened_data())) > 50
    assert paths[0].read_bytes() == paths[1].read_bytes()
