"""Bias correction: remove the mean error of quantization in the last layer, which is float.

Rounding ten layers shifts a logit by a mean that differs from model to model; the bias of the last
dense layer can cancel that mean exactly (Nagel et al., ICCV 2019, section 4.2,
measured on calibration films and applied to the last layer alone).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge_runtime.errors import DataError


def shift_tflite(graph: bytes, shifts: Sequence[float]) -> bytes:
    """Return a TFLite graph with `shifts` added to the biases of the layers that write its logits.

    Raises:
        DataError: such a layer has no bias.
    """
    from ai_edge_litert import schema_py_generated as schema

    shifted = bytearray(graph)
    model = schema.Model.GetRootAs(shifted)
    subgraph = model.Subgraphs(0)
    all_operators = [subgraph.Operators(place) for place in range(subgraph.OperatorsLength())]
    for place, shift in enumerate(shifts):
        head = next(
            operator
            for operator in all_operators
            if subgraph.Outputs(place) in operator.OutputsAsNumpy()
        )
        if head.InputsLength() < 3 or head.Inputs(2) < 0:
            raise _no_bias("TFLite")
        # A view of the bytes themselves: nothing is packed anew, nothing else can change.
        stored = model.Buffers(subgraph.Tensors(head.Inputs(2)).Buffer()).DataAsNumpy()
        bias = np.frombuffer(stored.data, np.float32)
        bias += np.float32(shift)
    return bytes(shifted)


def shift_onnx(graph: bytes, shifts: Sequence[float]) -> bytes:
    """Return an ONNX graph with `shifts` added to the biases of the nodes that write its logits.

    Raises:
        DataError: such a node has no bias.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load_model_from_string(graph)
    constants = {initializer.name: initializer for initializer in model.graph.initializer}
    makers = {name: node for node in model.graph.node for name in node.output}
    for output, shift in zip(model.graph.output, shifts, strict=True):
        head = makers[output.name]
        place = {"Gemm": 2, "Add": 1}.get(head.op_type, len(head.input))
        bias = constants.get(head.input[place]) if place < len(head.input) else None
        if bias is None:
            raise _no_bias("ONNX")
        values = numpy_helper.to_array(bias) + np.float32(shift)
        bias.CopyFrom(numpy_helper.from_array(values, bias.name))
    encoded: bytes = model.SerializeToString(deterministic=True)
    return encoded


def _no_bias(form: str) -> DataError:
    problem = "ends in a layer without bias, so its mean error cannot be taken out"
    return DataError(f"{form} graph", problem, "end it in a dense layer with a bias")
