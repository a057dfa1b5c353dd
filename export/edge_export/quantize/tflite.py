"""Float TFLite -> quantized TFLite by the LiteRT quantizer, from a table of ranges.

In all recipes but the full-integer one the last dense layers and the outputs stay float: an int8
logit knows only 256 values, and such a layer is a few hundred multiplications.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from edge_export.graph.trace import Operator, operators, outputs
from edge_export.quantize.large_weights import row_by_row
from edge_export.quantize.pair_columns import pair_columns
from edge_export.quantize.ranges import Range
from edge_export.quantize.recipe import FLOAT16, INT8, Recipe
from edge_export.quiet import first_line, quiet
from edge_runtime.errors import DataError


def quantize_tflite(
    graph: bytes,
    ranges: Mapping[str, Range],
    recipe: Recipe = INT8,
    keep_float: Collection[str] = (),
) -> bytes:
    """Return `graph` quantized by `recipe`, int8 weights with a scale for every channel.

    `ranges` is keyed by tensor, and empty for a recipe that is not calibrated. The operators that
    write the tensors of `keep_float` stay float, as do those that LiteRT has no integers for.

    Raises:
        DataError: the graph has no dense layer before an output, a tensor that has to be
            quantized has no range in the table, nothing writes a tensor of `keep_float`, or
            something must stay float in a full-integer graph.
    """
    all_operators = operators(graph)
    scopes = _scopes(all_operators)
    heads = _heads(graph, all_operators) if recipe.float_logit else []
    with quiet():
        from litert_quantizer import algorithm_manager, qtyping, quantizer

        job = quantizer.Quantizer(graph, _rules(recipe))
        stay = algorithm_manager.AlgorithmName.NO_QUANTIZE
        operation = qtyping.TFLOperationName
        for tensor in sorted({*heads, *keep_float}):
            if tensor not in scopes:
                raise DataError(tensor, "is written by no operator", "name a tensor of the graph")
            pattern = f"^{re.escape(scopes[tensor])}$"
            job.update_quantization_recipe(pattern, operation.ALL_SUPPORTED, algorithm_key=stay)
        if recipe.float_logit:
            # Without this rule the outputs alone would be quantized to int8 again.
            job.update_quantization_recipe(".*", operation.OUTPUT, algorithm_key=stay)
        statistics = {name: _statistics(limits) for name, limits in ranges.items()}
        try:
            with row_by_row():
                result = job.quantize(
                    statistics, enable_progress_bar=False, enable_progress_report=False
                )
        except (KeyError, RuntimeError, ValueError) as error:
            problem = f"cannot be quantized ({first_line(error)})"
            named = re.search(r"for tensor: (.+?)\. ", str(error))
            subject = named[1] if named else "TFLite graph"
            raise DataError(subject, problem, "replace that layer") from error
    encoded = bytes(result.quantized_model)
    return pair_columns(encoded if recipe.float_logit else _all_integer(encoded))


def _rules(recipe: Recipe) -> list[dict[str, Any]]:
    """Return the rules of the library's recipe of the same name."""
    from litert_quantizer import recipe as library

    if recipe != FLOAT16:
        rules: list[dict[str, Any]] = getattr(library, recipe.name.removesuffix("_full"))()
        return rules
    from litert_quantizer import algorithm_manager, qtyping

    weights = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
    config = qtyping.OpQuantizationConfig(weight_tensor_config=weights, explicit_dequantize=True)
    return [
        {
            "regex": ".*",
            "operation": qtyping.TFLOperationName.ALL_SUPPORTED,
            "algorithm_key": algorithm_manager.AlgorithmName.FLOAT_CASTING,
            "op_config": config.to_dict(),
        }
    ]


def _all_integer(graph: bytes) -> bytes:
    """Return a quantized `graph` without the float tensor between its pixels and their int8.

    Raises:
        DataError: a tensor stayed float, for LiteRT has no integers for its operator.
    """
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(graph)
    subgraph = model.subgraphs[0]
    cast = subgraph.operators[0]
    (pixels,), (levels,) = cast.inputs, cast.outputs
    # One grey level is one step, so the reader of the cast can read the pixels themselves.
    exact = schema.QuantizationParametersT()
    exact.scale, exact.zeroPoint = [1.0], [0]
    subgraph.tensors[pixels].quantization = exact
    for operator in subgraph.operators:
        operator.inputs = [pixels if index == levels else index for index in operator.inputs]
    _drop_first_operator(model)
    _refuse_floats(model)
    for buffer in model.buffers:
        if buffer.data is not None:  # an array is packed at once, anything else byte by byte
            buffer.data = np.frombuffer(buffer.data, np.uint8)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _refuse_floats(model: Any) -> None:
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils

    conversions = {schema.BuiltinOperator.QUANTIZE, schema.BuiltinOperator.DEQUANTIZE}
    tensors = model.subgraphs[0].tensors
    for operator in model.subgraphs[0].operators:
        code = model.operatorCodes[operator.opcodeIndex].builtinCode
        touched = [tensors[index] for index in (*operator.inputs, *operator.outputs) if index >= 0]
        floats = any(tensor.type == schema.TensorType.FLOAT32 for tensor in touched)
        if floats and code not in conversions:
            kind = flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex)
            # A fused operator has a name of many parts; the first tells the layer.
            layer, *_ = tensors[operator.outputs[0]].name.decode().split(";")
            cure = "replace that layer, or choose static_wi8_ai8, which keeps it float"
            raise DataError(layer, f"has no integer {kind} in LiteRT", cure)


def _drop_first_operator(model: Any) -> None:
    """Take the first operator out of `model`, with its kind and the tensor that it writes."""
    subgraph = model.subgraphs[0]
    dropped = subgraph.operators.pop(0)
    (tensor,), code = dropped.outputs, dropped.opcodeIndex

    def moved(indices: Any) -> list[int]:
        return [index - (index > tensor) for index in indices]

    del subgraph.tensors[tensor]
    subgraph.inputs, subgraph.outputs = moved(subgraph.inputs), moved(subgraph.outputs)
    for operator in subgraph.operators:
        operator.inputs, operator.outputs = moved(operator.inputs), moved(operator.outputs)
    for signature in model.signatureDefs:
        for end in (*signature.inputs, *signature.outputs):
            (end.tensorIndex,) = moved([end.tensorIndex])
    if all(operator.opcodeIndex != code for operator in subgraph.operators):
        del model.operatorCodes[code]
        for operator in subgraph.operators:
            operator.opcodeIndex -= operator.opcodeIndex > code


def _statistics(limits: Range) -> dict[str, Any]:
    low, high = limits
    return {"min": np.array(low, np.float32), "max": np.array(high, np.float32)}


def _scopes(all_operators: Sequence[Operator[str]]) -> dict[str, str]:
    """Return by tensor the string that the quantizer matches patterns for its operator against.

    It holds the names of all tensors that the operator writes, each followed by ";".
    """
    return {
        tensor: "".join(f"{name};" for name in operator.outputs)
        for operator in all_operators
        for tensor in operator.outputs
    }


def _heads(graph: bytes, all_operators: Sequence[Operator[str]]) -> list[str]:
    """Return the names of a graph's outputs, each of which a dense layer has to write."""
    kinds = {name: operator.kind for operator in all_operators for name in operator.outputs}
    heads = outputs(graph)
    for head in heads:
        if kinds[head] != "FULLY_CONNECTED":
            problem = f"ends in {kinds[head]}, not in a dense layer"
            raise DataError("graph", problem, "end it in a dense layer")
    return heads
