"""Every recipe gives its graphs from ranges that are measured once."""

from __future__ import annotations

import numpy as np
import pytest

from edge_export.films.pixels import Pixels
from edge_export.graph.artefact import Artefact, Floats, measure
from edge_export.quantize import quantizer as module
from edge_export.quantize.quantizer import Quantizer
from edge_export.quantize.ranges import Range, measure_ranges
from edge_export.quantize.recipe import DYNAMIC, FLOAT32, INT8, RECIPES, Setting


def errors(quantizer: Quantizer, artefact: Artefact) -> Floats:
    reference = quantizer.uncorrected(FLOAT32, "tflite", {}, Setting())
    pixels = quantizer.calibration
    return measure(reference, pixels).logits - measure(artefact, pixels).logits


def test_after_the_correction_the_mean_is_gone_on_the_films_it_was_measured_on(
    quantizer: Quantizer,
) -> None:
    raw = quantizer.uncorrected(INT8, "tflite", quantizer.ranges("min_max"), Setting())
    before = errors(quantizer, raw)
    (tflite, onnx), spread = quantizer.artefacts(INT8, Setting())
    assert abs(before.mean()) > 1e-3
    for artefact in (tflite, onnx):
        assert errors(quantizer, artefact).mean() == pytest.approx(0, abs=1e-5)
    assert spread == pytest.approx(before.std())


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_gives_a_graph_for_each_of_its_formats(
    name: str, quantizer: Quantizer
) -> None:
    recipe = RECIPES[name]
    made, error = quantizer.artefacts(recipe, Setting())
    assert [(one.file, one.format, one.recipe) for one in made] == [
        (recipe.file(form), form, name) for form in recipe.formats
    ]
    assert np.isfinite(error) == (recipe.calibrated and recipe.float_logit)


def test_ranges_are_measured_once_by_each_method_and_not_without_need(
    quantizer: Quantizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    methods = []

    def counted(graph: bytes, pixels: Pixels, method: str) -> dict[str, Range]:
        methods.append(method)
        return measure_ranges(graph, pixels, method)

    monkeypatch.setattr(module, "measure_ranges", counted)
    fresh = Quantizer(quantizer.graphs, quantizer.calibration)
    fresh.artefacts(DYNAMIC, Setting())
    assert methods == []
    for method in ("min_max", "percentile", "min_max"):
        fresh.artefacts(INT8, Setting(method))
    assert methods == ["min_max", "percentile"]
