"""Float ONNX -> quantized ONNX, from the same table of ranges as the TFLite graph."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from edge_export.quantize.constants import separate_constants
from edge_export.quantize.ranges import Range
from edge_export.quantize.recipe import DYNAMIC, INT8, INT16, Recipe
from edge_export.quiet import first_line, quiet
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import onnx

# Layers with weights, which have to be quantized: without a range they are an error.
_WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
# All that ONNX Runtime computes in int8. Any other operator stays float.
_QUANTIZED = (
    *_WEIGHTED, "Add", "AveragePool", "Clip", "Concat", "Flatten", "GlobalAveragePool",
    "LeakyRelu", "MaxPool", "Mul", "Pad", "Relu", "Reshape", "Sigmoid", "Squeeze", "Transpose",
    "Unsqueeze",
)  # fmt: skip
# Infinite at zero, or before what is, by the place of the input that int8 may not round to zero.
_INFINITE_AT_ZERO = {"Log": 0, "Reciprocal": 0, "Div": 1, "Pow": 0, "Sqrt": 0}


def quantize_onnx(
    graph: bytes,
    ranges: Mapping[str, Range],
    same_as: Mapping[str, str],
    recipe: Recipe = INT8,
    keep_float: Collection[str] = (),
    *,
    inside: Mapping[str, Range] = MappingProxyType({}),
) -> bytes:
    """Return `graph` quantized by `recipe`.

    `ranges` is keyed by the tensors of the TFLite graph, and empty for a recipe that is not
    calibrated; `same_as` tells for each tensor of this graph which of those it is, and `inside`
    has the ranges of those that are none of them, see `tensors_inside`. The last dense
    layers and the nodes behind the TFLite tensors `keep_float` stay float, as in the TFLite graph.

    Raises:
        DataError: a tensor that has to be quantized has no range in the table, or an output is
            not that of a dense layer.
    """
    import onnx

    model = onnx.load_model_from_string(graph)
    kept = {*_heads(model), *(name for name, twin in same_as.items() if twin in keep_float)}
    excluded = _makers(model, kept, same_as)
    with quiet():
        try:
            if recipe == DYNAMIC:
                return _dynamic(model, excluded)
            excluded |= _makers(model, _never_zero(model), same_as)
            table = _onnx_ranges(model, ranges, same_as)
            for name in _inside(model, table, excluded) & inside.keys():
                table[name] = inside[name]
            return _static(model, table, excluded, recipe)
        except ValueError as error:
            problem = f"cannot be quantized ({first_line(error)})"
            raise DataError("ONNX graph", problem, "replace that layer") from error


def tensors_inside(graph: bytes, same_as: Mapping[str, str]) -> list[str]:
    """Return the tensors of a float ONNX graph that need a range and have no TFLite twin.

    TFLite computes a dense layer on a map, its bias and its activation as one operator; ONNX has a
    node for each, and quantizes what lies between them.
    """
    import onnx

    model = onnx.load_model_from_string(graph)
    known = dict.fromkeys(same_as.values(), (0.0, 0.0))
    table = _onnx_ranges(model, known, same_as)
    return sorted(_inside(model, table, _makers(model, {*_heads(model)}, same_as)))


def _inside(
    model: onnx.ModelProto, table: Mapping[str, Range], excluded: Collection[str]
) -> set[str]:
    """Return what layers with weights read or write and `table` lacks, up to what it has again."""
    constants = {initializer.name for initializer in model.graph.initializer}
    outside = constants | table.keys() | {"", *(output.name for output in model.graph.output)}
    found: set[str] = set()
    for node in model.graph.node:
        if node.name in excluded:
            continue
        if node.op_type in _WEIGHTED:
            found |= {*node.input, *node.output} - outside
        elif found.intersection(node.input):
            found |= {*node.output} - outside
    return found


def _static(
    model: onnx.ModelProto, table: Mapping[str, Range], excluded: set[str], recipe: Recipe
) -> bytes:
    """Return `model` with int8 weights and integer activations between Q/DQ pairs.

    Activations of 8 bits are unsigned, 128 above the int8 of the TFLite graph and so the same
    numbers: on x86, ONNX Runtime computes a layer with signed ones in float where another layer
    reads its input or output too (decision 83).
    """
    import numpy as np
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization.calibrate import CalibrationMethod, TensorData, TensorsData
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

    _name_shared(model.graph)
    wide = recipe == INT16
    limits = {
        name: TensorData(lowest=np.float32(low), highest=np.float32(high))
        for name, (low, high) in table.items()
    }
    job = QDQQuantizer(
        model,
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QInt16 if wide else QuantType.QUInt8,
        tensors_range=TensorsData(CalibrationMethod.MinMax, limits),
        nodes_to_quantize=[],
        nodes_to_exclude=sorted(excluded | _without_range(model, table)),
        op_types_to_quantize=list(_QUANTIZED),
        # LiteRT's int16 has no zero point either.
        extra_options={"ActivationSymmetric": wide, "WeightSymmetric": True},
    )
    quantized = job.quantize_model()
    _read_floats(quantized.graph)
    separate_constants(quantized.graph)
    encoded: bytes = quantized.SerializeToString(deterministic=True)
    return encoded


def _name_shared(graph: onnx.GraphProto) -> None:
    """Rename constants with several readers, so that no copy gets the name of another tensor.

    The quantizer appends a number to the name of a copy and avoids the names of constants only: a
    copy of tensor_10 would be tensor_109, which a layer may write. Biases are shared where they are
    zero: in networks that are new, or whose normalisation is.
    """
    reads = Counter(name for node in graph.node for name in node.input)
    shared = {initializer.name for initializer in graph.initializer if reads[initializer.name] > 1}
    for holder in graph.initializer:
        holder.name += "_" * (holder.name in shared)
    for node in graph.node:
        node.input[:] = [name + "_" * (name in shared) for name in node.input]


def _never_zero(model: onnx.ModelProto) -> set[str]:
    """Return the tensors of which a zero that was none would be infinite behind them."""
    return {
        node.input[_INFINITE_AT_ZERO[node.op_type]]
        for node in model.graph.node
        if node.op_type in _INFINITE_AT_ZERO
    }


def _read_floats(graph: onnx.GraphProto) -> None:
    """Let a logarithm, a power, a root and a division read what is computed, not its integers."""
    makers = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        place = _INFINITE_AT_ZERO.get(node.op_type)
        back = None if place is None else makers.get(node.input[place])
        if back is not None and back.op_type == "DequantizeLinear" and back.input[0] in makers:
            node.input[place] = makers[back.input[0]].input[0]


def _dynamic(model: onnx.ModelProto, excluded: set[str]) -> bytes:
    """Return `model` with 8-bit weights, and activations that are quantized film by film.

    The weights are unsigned: ONNX Runtime has no other dynamic convolution on a CPU.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.onnx"
        quantize_dynamic(
            model,
            path,
            op_types_to_quantize=["Conv", "MatMul"],
            weight_type=QuantType.QUInt8,
            # The quantizer splits a Gemm before it asks.
            nodes_to_exclude=sorted(excluded | {f"{name}_MatMul" for name in excluded}),
        )
        encoded: bytes = onnx.load_model(path).SerializeToString(deterministic=True)
    return encoded


def _onnx_ranges(
    model: onnx.ModelProto, ranges: Mapping[str, Range], same_as: Mapping[str, str]
) -> dict[str, Range]:
    """Return `ranges` by ONNX tensor, the inputs of activations included.

    TFLite fuses an activation into the layer before it, so the tensor between has no range. The
    ONNX quantizer fuses both too, but looks the range up first; it gets the one behind the
    activation. A
    softmax has steps of 1/256 in both formats.
    """
    table = {name: ranges[twin] for name, twin in same_as.items() if twin in ranges}
    for node in model.graph.node:
        if node.op_type in ("Relu", "Clip") and node.output[0] in table:
            table.setdefault(node.input[0], table[node.output[0]])
        if node.op_type == "Softmax":  # no other scale is right in ONNX Runtime's kernel
            table[node.output[0]] = (0.0, 255 / 256)
    return table


def _without_range(model: onnx.ModelProto, table: Mapping[str, Range]) -> set[str]:
    """Return the nodes that read or write a tensor without a range, inside one TFLite operator.

    They stay float. A layer with weights may not: it would be float in one format alone.
    """
    constants = {initializer.name for initializer in model.graph.initializer}
    return {
        node.name
        for node in model.graph.node
        if node.op_type not in _WEIGHTED
        and not ({*node.input, *node.output} - constants - {""} <= table.keys())
    }


def _makers(model: onnx.ModelProto, tensors: set[str], same_as: Mapping[str, str]) -> set[str]:
    """Return the nodes that make `tensors`, and those that TFLite fuses into the same operator.

    What lies between the nodes of one TFLite operator has no twin there, so the way back from a
    tensor goes on until it meets tensors that have one.
    """
    makers = {name: node for node in model.graph.node for name in node.output}
    names: set[str] = set()
    waiting = [makers[name] for name in sorted(tensors) if name in makers]
    while waiting:
        node = waiting.pop()
        names.add(node.name)
        waiting += [
            makers[name]
            for name in node.input
            if name in makers and name not in same_as and makers[name].name not in names
        ]
    return names


def _heads(model: onnx.ModelProto) -> list[str]:
    """Return the names of the logits, each of which a dense layer has to write."""
    kinds = {name: node.op_type for node in model.graph.node for name in node.output}
    heads = [str(output.name) for output in model.graph.output]
    if any(kinds[head] not in ("Gemm", "MatMul", "Add") for head in heads):
        raise DataError("graph", "does not end in a dense layer", "end it in a dense layer")
    return heads
