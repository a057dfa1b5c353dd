"""int8 graphs with one bad range among good ones, to see whether it is found."""

from __future__ import annotations

from collections.abc import Mapping

from edge_export.graph.artefact import Artefact
from edge_export.graph.float_graphs import FloatGraphs
from edge_export.graph.trace import operators
from edge_export.quantize.convert import quantized
from edge_export.quantize.ranges import Range
from edge_export.quantize.recipe import INT8, Format, Setting


def int8(
    graphs: FloatGraphs,
    ranges: Mapping[str, Range],
    form: Format,
    keep_float: frozenset[str] = frozenset(),
) -> Artefact:
    """Return the static int8 graph in one format, by these ranges."""
    setting = Setting(keep_float=keep_float)
    return Artefact(
        INT8.file(form), form, INT8.name, quantized(graphs, INT8, form, ranges, setting)
    )


def scaled(ranges: Mapping[str, Range], tensor: str, factor: float) -> dict[str, Range]:
    """Return `ranges` with that of one tensor made `factor` times as wide."""
    low, high = ranges[tensor]
    return {**ranges, tensor: (low * factor, high * factor)}


def written_by(graphs: FloatGraphs, operator: str, *, branch: bool = False) -> list[str]:
    """Return the tensors that operators of one kind write in the float TFLite graph, in order.

    They are those of the decision, or of the film `branch`.
    """
    written = [one.outputs[0] for one in operators(graphs.tflite) if one.kind == operator]
    return [tensor for tensor in written if (tensor in graphs.branch) == branch]
