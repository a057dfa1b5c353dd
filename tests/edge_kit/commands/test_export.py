"""Keras's best-known network for small machines goes all the way into a bundle, everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from edge_export.films.film import Film
from edge_export.films.pixels import Pixels, load_pixels
from edge_export.graph.network import load_model
from edge_kit.cli import run
from edge_kit.data.dataset import load_dataset
from edge_kit.models import applications
from edge_kit.training.plan import TrainingPlan
from edge_kit.training.train import train
from edge_runtime.bundle import verify_all
from edge_runtime.engines import onnx_runtime, open_engine
from edge_runtime.film.preprocess import standard
from edge_runtime.machine.check import replay_golden
from tiny_network import write_tiny_films

NETWORK = "keras:MobileNetV3Small"
MEANS = ["--classes", "noncovid,covid", "--input-range", "0,255"]
LOOSE = [
    "--max-flips", "1", "--max-auc-difference", "1", "--margin", "0.9",
    "--allow-calibration", "few_films", "--allow-calibration", "noise", "--max-uncertain", "1",
]  # fmt: skip


@pytest.fixture(scope="module")
def mobile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of it, after one step of training on films of 96 pixels, beside its films.

    Its normalisation forgets at once what it was before, which takes a thousand steps otherwise,
    and its last layer is fitted to the films, so that it tells them apart wherever it was trained.
    """
    build = applications._network

    def forgetful(*given: Any) -> keras.Model:
        network = build(*given)
        for layer in network._flatten_layers():
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = 0.0
        return network

    folder = tmp_path_factory.mktemp("mobile")
    write_tiny_films(folder / "films", count=36)
    dataset, out = load_dataset(folder / "films", modality="xray", seed=3), folder / "run"
    plan = TrainingPlan(model=NETWORK, preprocess=standard(96, 96, 1), epochs=1, seed=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(applications, "_network", forgetful)
        patch.setattr("edge_kit.film_branch.branch._ROUNDS", 1)
        train(dataset, folder / "films", plan, out, lambda _: None)
    model = load_model(out / "model.keras")
    fit_head(model, load_pixels(dataset.films, plan.preprocess), dataset.films)
    model.save(folder / "mobile.keras")
    return folder / "mobile.keras"


def fit_head(model: keras.Model, pixels: Pixels, films: Sequence[Film]) -> None:
    """Let the layer that writes the decision's probability answer 2 and -2 to the two classes."""
    maker = model.outputs[0]._keras_history.operation
    features = keras.Model(model.inputs, maker.input).predict(pixels, verbose=0)
    wanted = np.array([2.0 if film.label == "covid" else -2.0 for film in films])
    centre = features.mean(axis=0)
    kernel = np.linalg.lstsq(features - centre, wanted, rcond=0.01)[0]
    maker.set_weights([kernel[:, None], np.array([-centre @ kernel])])


@pytest.mark.parametrize("exact", [False, True], ids=["as with VNNI", "as without VNNI"])
def test_a_mobilenet_v3_becomes_a_bundle_on_every_processor(
    exact: bool, mobile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_runtime, "may_saturate", lambda: exact)
    out = tmp_path / "mobile.edge"
    data = ["--data", str(mobile.parent / "films"), "--film-threshold", "-1000"]
    data += ["--modality", "xray"]
    assert run(["export", str(mobile), "--int8", "--out", str(out), *data, *MEANS, *LOOSE]) == 0
    with verify_all(out) as bundle:
        for engine in ("litert", "onnxruntime"):
            replayed = replay_golden(bundle, open_engine(bundle, engine))
            assert replayed.largest <= replayed.tolerance
