"""Make one graph by its recipe, in either format."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from edge_export.graph.float_graphs import FloatGraphs
from edge_export.graph.layer_names import naming_layers
from edge_export.graph.trace import operators
from edge_export.quantize.integer_limits import computable, float_operators, refuse_loops
from edge_export.quantize.onnx import quantize_onnx
from edge_export.quantize.ranges import Range
from edge_export.quantize.recipe import FLOAT32, INT16, Format, Recipe, Setting
from edge_export.quantize.tflite import quantize_tflite
from edge_export.quiet import one_line
from edge_runtime.errors import DataError


@one_line("graph", "cannot be quantized", "choose another recipe, or replace the layer")
def quantized(
    graphs: FloatGraphs,
    recipe: Recipe,
    form: Format,
    ranges: Mapping[str, Range],
    setting: Setting,
    *,
    inside: Mapping[str, Range] = MappingProxyType({}),
) -> bytes:
    """Return the graph that `recipe` makes of `graphs` in one format.

    `ranges` is keyed by the tensors of the float TFLite graph, made by the method of `setting`, and
    empty for a recipe that is not calibrated; `inside` has the ranges of ONNX tensors that are
    none of those. The tensors in `setting.keep_float` stay float.

    Raises:
        DataError: the recipe does not exist in this format, a tensor to keep float is none of the
            graph's, or something in the graph cannot be quantized by this recipe.
    """
    with naming_layers(graphs.layers):
        return _quantized(graphs, recipe, form, ranges, setting, inside=inside)


def _quantized(
    graphs: FloatGraphs,
    recipe: Recipe,
    form: Format,
    ranges: Mapping[str, Range],
    setting: Setting,
    *,
    inside: Mapping[str, Range],
) -> bytes:
    if form not in recipe.formats:
        formats = " and ".join(recipe.formats)
        raise DataError(recipe.name, f"does not exist for {form}", f"it makes {formats} only")
    if recipe == FLOAT32:
        return graphs.tflite if form == "tflite" else graphs.onnx
    all_operators, keep_float = operators(graphs.tflite), setting.keep_float
    if recipe.calibrated:
        refuse_loops(all_operators)
        ranges = computable(all_operators, ranges)
    if recipe.calibrated and recipe.float_logit:
        keep_float |= float_operators(all_operators)
    if recipe == INT16:
        ranges = {name: _off_powers_of_two(limits) for name, limits in ranges.items()}
    if form == "tflite":
        return quantize_tflite(graphs.tflite, ranges, recipe, keep_float)
    return quantize_onnx(graphs.onnx, ranges, graphs.same, recipe, keep_float, inside=inside)


def _off_powers_of_two(limits: Range) -> Range:
    """Return a range, at most 0.2 % wider, whose int16 scale is no power of two.

    Where all scales of an addition are within 0.001 of one in log2, LiteRT takes the graph for one
    of an older kind and refuses it. Images scaled to -1..1 are such a case.
    """
    low, high = limits
    exponent = math.log2(max(-low, high, 1e-30) / 32767)
    widened = 1.002 if abs(exponent - round(exponent)) < 1e-3 else 1.0
    return low * widened, high * widened
