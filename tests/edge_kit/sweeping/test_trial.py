"""What a trial finds is what an export would ship, also where a remedy chose another recipe."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edge_export.graph.artefact import Artefact
from edge_export.proof.parity import REFERENCE
from edge_export.quantize.recipe import FLOAT32, INT8, INT16, Recipe
from edge_kit.sweeping import trial as module
from edge_kit.sweeping.plan import Configuration, SweepTraining, Trial
from edge_runtime.errors import DataError

FILMS = 40
INT8_TRIAL = Trial(
    "trial",
    SweepTraining("training", "clinic", 1, 0),
    Configuration(1, "clinic", INT8.name, "min_max"),
)


def findings(recipe: Recipe) -> Any:
    """Return what an export finds that bundles a graph of `recipe`, after a remedy that held."""
    positive = np.arange(FILMS) % 2 == 0
    logits = np.where(positive, 1.0, -1.0)
    artefact = Artefact(recipe.file("tflite"), "tflite", recipe.name, b"graph")
    rungs = [SimpleNamespace(answer="fail", changed=""),
             SimpleNamespace(answer="undecided", changed="int16 activations")]  # fmt: skip
    return SimpleNamespace(
        bundled=[artefact],
        held_out=SimpleNamespace(splits=["test"] * FILMS, positive=positive),
        measured={artefact.file: SimpleNamespace(logits=logits)},
        proof=SimpleNamespace(logits={REFERENCE: logits}),
        ladder=rungs,
        answer="undecided",
        reasons=("83 more films",),
    )


@pytest.fixture(autouse=True)
def certain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "require_certain_graphs", lambda *_: None)


@pytest.mark.parametrize("recipe", [INT8, INT16], ids=lambda one: one.stem)
def test_a_graph_that_a_remedy_gave_int16_activations_is_the_trials(recipe: Recipe) -> None:
    found, graph = module._found(findings(recipe), INT8_TRIAL, 0.9, (64, 64, 1), 3)
    assert (found.recipe, found.verdict, graph) == (recipe.name, "undecided", b"graph")
    assert (found.auc.value, found.changed) == (1.0, "int16 activations")


def test_a_network_that_was_not_quantized_has_failed() -> None:
    with pytest.raises(DataError, match="83 more films"):
        module._found(findings(FLOAT32), INT8_TRIAL, 0.9, (64, 64, 1), 3)
