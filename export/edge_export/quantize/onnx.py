"""Float ONNX -> int8 ONNX (QDQ), from the same table of ranges as the TFLite graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from edge_export.quantize.ranges import Range
from edge_export.quiet import quiet
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import onnx

# What LiteRT computes in int8 and ONNX Runtime can too. Anything else stays float in between.
_QUANTIZED = (
    "Add", "AveragePool", "Clip", "Concat", "Conv", "Flatten", "Gemm", "GlobalAveragePool",
    "MatMul", "MaxPool", "Mul", "Pad", "Relu", "Reshape", "Transpose",
)  # fmt: skip


def quantize_onnx(graph: bytes, ranges: Mapping[str, Range], same_as: Mapping[str, str]) -> bytes:
    """Return `graph` with int8 weights (per channel) and int8 activations between Q/DQ pairs.

    `ranges` is keyed by the tensors of the TFLite graph; `same_as` tells for each tensor of this
    graph which of those it is. The last dense layer stays float, as in the TFLite graph.

    Raises:
        DataError: a tensor that has to be quantized has no range in the table.
    """
    import numpy as np
    import onnx

    with quiet():
        from onnxruntime.quantization import QuantType
        from onnxruntime.quantization.calibrate import CalibrationMethod, TensorData, TensorsData
        from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

        model = onnx.load_model_from_string(graph)
        table = {
            name: TensorData(lowest=np.float32(low), highest=np.float32(high))
            for name, (low, high) in _onnx_ranges(model, ranges, same_as).items()
        }
        job = QDQQuantizer(
            model,
            per_channel=True,
            reduce_range=False,
            weight_qType=QuantType.QInt8,
            activation_qType=QuantType.QInt8,
            tensors_range=TensorsData(CalibrationMethod.MinMax, table),
            nodes_to_quantize=[],
            nodes_to_exclude=[_last_dense(model)],
            op_types_to_quantize=list(_QUANTIZED),
            extra_options={"ActivationSymmetric": False, "WeightSymmetric": True},
        )
        try:
            quantized = job.quantize_model()
        except ValueError as error:
            problem = f"cannot be quantized ({str(error).partition(chr(10))[0]})"
            raise DataError("ONNX graph", problem, "replace that layer") from error
    encoded: bytes = quantized.SerializeToString(deterministic=True)
    return encoded


def _onnx_ranges(
    model: onnx.ModelProto, ranges: Mapping[str, Range], same_as: Mapping[str, str]
) -> dict[str, Range]:
    """Return `ranges` by ONNX tensor, the inputs of activations included.

    TFLite fuses an activation into the layer before it, so what lies between has no range there.
    The quantizer fuses it too, but asks first; the range after the activation is the answer.
    """
    table = {name: ranges[twin] for name, twin in same_as.items()}
    for node in model.graph.node:
        if node.op_type in ("Relu", "Clip") and node.output[0] in table:
            table.setdefault(node.input[0], table[node.output[0]])
    return table


def _last_dense(model: onnx.ModelProto) -> str:
    """Return the name of the node that writes the logit."""
    output = model.graph.output[0].name
    for node in model.graph.node:
        if output in node.output and node.op_type in ("Gemm", "MatMul", "Add"):
            return str(node.name)
    raise DataError("graph", "does not end in a dense layer", "end it in a dense layer")
