"""Float TFLite -> int8 TFLite, from a table of ranges, with the last dense layer left float."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from edge_export.quantize.ranges import Range
from edge_export.quiet import quiet
from edge_runtime.errors import DataError


def quantize_tflite(graph: bytes, ranges: Mapping[str, Range]) -> bytes:
    """Return `graph` with int8 weights (per channel) and int8 activations (per tensor).

    The last dense layer and the output stay float: an int8 logit knows only 256 values. Both have
    to be named; left out of the recipe, the output alone would be squeezed into int8 again.

    Raises:
        DataError: the graph has no dense layer before its output, or a tensor that has to be
            quantized has no range in the table.
    """
    logit = _last_dense(graph)
    with quiet():
        from litert_quantizer import algorithm_manager, qtyping, quantizer, recipe

        keep_float = algorithm_manager.AlgorithmName.NO_QUANTIZE
        job = quantizer.Quantizer(graph, recipe.static_wi8_ai8())
        # Patterns are searched for in the names of an operator's outputs, each with a ";" behind.
        job.update_quantization_recipe(
            re.escape(logit) + ";",
            qtyping.TFLOperationName.FULLY_CONNECTED,
            algorithm_key=keep_float,
        )
        job.update_quantization_recipe(
            ".*", qtyping.TFLOperationName.OUTPUT, algorithm_key=keep_float
        )
        statistics = {name: _statistics(limits) for name, limits in ranges.items()}
        try:
            result = job.quantize(
                statistics, enable_progress_bar=False, enable_progress_report=False
            )
        except (KeyError, RuntimeError, ValueError) as error:
            problem = f"cannot be quantized ({str(error).partition(chr(10))[0]})"
            raise DataError("TFLite graph", problem, "replace that layer") from error
    return bytes(result.quantized_model)


def _statistics(limits: Range) -> dict[str, Any]:
    low, high = limits
    return {"min": np.array(low, np.float32), "max": np.array(high, np.float32)}


def _last_dense(graph: bytes) -> str:
    """Return the name of the tensor that the last dense layer writes: the graph's output."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=graph)
    output = interpreter.get_output_details()[0]
    maker = [
        operator["op_name"]
        for operator in interpreter._get_ops_details()  # no public counterpart
        if output["index"] in operator["outputs"]
    ]
    if maker != ["FULLY_CONNECTED"]:
        raise DataError(
            "graph", f"ends in {', '.join(maker)}, not in a dense layer", "end it in a dense layer"
        )
    return str(output["name"])
