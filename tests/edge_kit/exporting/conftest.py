"""A foreign model, and an exporter that only notes what it was asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logit

from edge_export.examine import ExportPlan
from edge_export.films.film import Film
from edge_export.films.pixels import load_pixels
from edge_kit.data.dataset import Dataset
from ordered_exports import Exported, export
from tiny_network import RECIPE, tiny_network


@pytest.fixture(scope="module")
def foreign(tiny: None, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a model that says nothing of what its input and output mean.

    It has learnt nothing either, but takes one half of the films for positive.
    """
    import keras

    del tiny
    keras.utils.set_random_seed(0)
    model = tiny_network()
    kernel, bias = model.layers[-1].get_weights()
    answers = model.predict(load_pixels(dataset.films, RECIPE), verbose=0)
    model.layers[-1].set_weights([kernel, bias - logit(np.median(answers))])
    path = tmp_path_factory.mktemp("foreign") / "theirs.keras"
    keras.Model(model.inputs, model.outputs, name="Their Model (2)").save(path)
    return path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Exported]:
    """Return `export`, which only notes what `edge_export.export` would have been given."""
    calls: list[tuple[Sequence[Film], ExportPlan]] = []
    monkeypatch.setattr(
        "edge_kit.exporting.export.export",
        lambda _, films, plan, *__, **___: calls.append((films, plan)),
    )
    monkeypatch.setattr("edge_kit.exporting.export.caveat", lambda *_, **__: [])

    def ask(*given: object) -> Exported:
        said = export(*given, "--out", "m.edge")
        return Exported(*calls.pop(), said)

    return ask
