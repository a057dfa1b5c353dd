"""Architectures that people use go through int8, and both formats answer like Keras.

All of them, in every recipe and at two sizes, are `make zoo`; docs/architectures.md has its table.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from architectures import ARCHITECTURES, films, fit
from edge_export.graph.artefact import measure, require_openable
from edge_export.graph.float_graphs import float_graphs
from edge_export.graph.network import network
from edge_export.proof.reference import reference_outputs
from edge_export.quantize.quantizer import Quantizer
from edge_export.quantize.recipe import FLOAT32, INT8, Setting

SIDE, COUNT = 96, 24


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SE-ResNet", "ViT", "MobileNetV3Small"])
def test_an_architecture_goes_through_int8(name: str) -> None:
    kind = ARCHITECTURES[name]
    model, pixels = kind.build(SIDE), films(SIDE, COUNT)
    low, high = kind.input_range.low, kind.input_range.high
    fit(model, pixels.astype(np.float32) * np.float32((high - low) / 255) + low)
    candidate = network(model, kind.input_range)
    expected = reference_outputs(candidate, pixels)[:, 0]
    assert expected.std() > 1
    quantizer = Quantizer(float_graphs(candidate, pixels), pixels)
    for recipe, limit in ((FLOAT32, 1e-3), (INT8, 0.25)):
        for artefact in quantizer.artefacts(recipe, Setting())[0]:
            require_openable(artefact, (1, SIDE, SIDE, 3))
            answers = measure(artefact, pixels).logits
            assert np.abs(expit(answers) - expit(expected)).max() < limit, artefact.file
