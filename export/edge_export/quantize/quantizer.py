"""Make every graph of one network, with ranges measured on its calibration films."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from edge_export.films.pixels import Pixels
from edge_export.graph.artefact import Artefact, Floats, measure
from edge_export.graph.float_graphs import FloatGraphs
from edge_export.graph.layer_names import naming_layers
from edge_export.graph.taken import require_fits, require_taken, require_weights_fit
from edge_export.quantize.convert import quantized
from edge_export.quantize.correct import shift_onnx, shift_tflite
from edge_export.quantize.onnx import tensors_inside
from edge_export.quantize.ranges import Range, measure_onnx, measure_ranges
from edge_export.quantize.recipe import FLOAT32, INT8, Format, Recipe, Setting

Ranges = Mapping[str, Range]


class Quantizer:
    """Makes graphs by recipe from `graphs`, with ranges measured on `calibration` pixels.

    Ranges and the float logits are measured once and serve both formats and every recipe.
    """

    def __init__(
        self, graphs: FloatGraphs, calibration: Pixels, ranges: Mapping[str, Ranges] | None = None
    ) -> None:
        """Take float graphs, `(n, h, w, c)` pixels, and the tables of ranges known by method."""
        self.graphs = graphs
        self.calibration = calibration
        self._ranges = dict(ranges or {})
        self._expected: Floats | None = None
        self._twinless: Ranges | None = None

    def ranges(self, method: str) -> Ranges:
        """Return the table of ranges by `method`, keyed by tensors of the float TFLite graph."""
        if method not in self._ranges:
            with naming_layers(self.graphs.layers):
                self._ranges[method] = measure_ranges(self.graphs.tflite, self.calibration, method)
        return self._ranges[method]

    def artefacts(self, recipe: Recipe, setting: Setting) -> tuple[list[Artefact], float]:
        """Return the graph of `recipe` in each of its formats, and the error of its decision.

        The mean shift of a logit by a calibrated recipe, on calibration films, is subtracted: the
        same number in both formats, which compute the same integers (Nagel et al., ICCV 2019,
        section 4.2, applied to the last layers alone). The error is the root mean square of the
        remaining difference of the decision's logit on those films, or nan for a recipe that is
        not calibrated.

        Raises:
            DataError: something cannot be quantized.
            ParityFailed: an answer is not finite.
        """
        ranges = self.ranges(setting.method) if recipe.calibrated else {}
        artefacts = [self.uncorrected(recipe, form, ranges, setting) for form in recipe.formats]
        if not (recipe.calibrated and recipe.float_logit):
            return artefacts, float("nan")
        error = self._float_outputs() - measure(artefacts[0], self.calibration).outputs
        # Six digits: what remains is the same from run to run.
        shifts = [float(f"{mean:.6g}") for mean in error.mean(axis=0)]
        return [_shifted(artefact, shifts) for artefact in artefacts], float(np.std(error[:, 0]))

    def uncorrected(
        self, recipe: Recipe, form: Format, ranges: Ranges, setting: Setting
    ) -> Artefact:
        """Return the graph of `recipe` in one format by `ranges`, without bias correction.

        Raises:
            DataError: something cannot be quantized, or `edge-run` would not take the graph, or no
                bundle holds it.
        """
        inside = self._inside() if recipe.calibrated and form == "onnx" else {}
        graph = quantized(self.graphs, recipe, form, ranges, setting, inside=inside)
        require_taken(recipe.file(form), form, graph, (1, *self.calibration.shape[1:]))
        if recipe != FLOAT32:  # which is measured in any case, and not always shipped
            require_fits(recipe.file(form), graph)
        return Artefact(recipe.file(form), form, recipe.name, graph)

    def _inside(self) -> Ranges:
        """Return the ranges of the ONNX tensors without a TFLite twin, their extremes.

        What lies inside one TFLite operator is measured in the float ONNX graph itself.
        """
        if self._twinless is None:
            names = tensors_inside(self.graphs.onnx, self.graphs.same)
            self._twinless = measure_onnx(self.graphs.onnx, names, self.calibration)
        return self._twinless

    def _float_outputs(self) -> Floats:
        if self._expected is None:
            reference = self.uncorrected(FLOAT32, "tflite", {}, Setting())
            self._expected = measure(reference, self.calibration).outputs
        return self._expected


def require_fits_bundle(
    graphs: FloatGraphs, recipes: Collection[str], shape: tuple[int, ...]
) -> None:
    """Refuse a network that cannot end in a bundle of `recipes`, before films are answered.

    `shape` is that of a film's pixels, (1, height, width, channels).

    Raises:
        DataError: `edge-run` would not take a float graph, which all others are measured against,
            or a graph of `recipes` would be too large.
    """
    for form in FLOAT32.formats:
        graph = graphs.tflite if form == "tflite" else graphs.onnx
        require_taken(FLOAT32.file(form), form, graph, shape)
        if FLOAT32.name in recipes:
            require_fits(FLOAT32.file(form), graph)
    if INT8.name in recipes:
        require_weights_fit(INT8.file("onnx"), graphs.onnx)


def _shifted(artefact: Artefact, shifts: Sequence[float]) -> Artefact:
    move = shift_tflite if artefact.format == "tflite" else shift_onnx
    return replace(artefact, graph=move(artefact.graph, shifts))
