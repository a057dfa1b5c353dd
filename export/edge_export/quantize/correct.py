"""Bias correction: remove the mean error of quantization in the last layer, which is float.

Rounding ten layers shifts a logit by a mean that differs from model to model; the bias of the last
dense layer can cancel that mean exactly (Nagel et al., ICCV 2019, section 4.2,
measured on calibration films and applied to the last layer alone).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
        head = _maker(all_operators, subgraph.Outputs(place))
        while head.InputsLength() and _only_shapes(model, head):
            head = _maker(all_operators, head.Inputs(0))
        if head.InputsLength() < 3 or head.Inputs(2) < 0:
            raise _no_bias("TFLite")
        # A view of the bytes themselves: nothing is packed anew, nothing else can change.
        stored = model.Buffers(subgraph.Tensors(head.Inputs(2)).Buffer()).DataAsNumpy()
        bias = np.frombuffer(stored.data, np.float32)
        bias += np.float32(shift)
    return bytes(shifted)


def shift_onnx(graph: bytes, shifts: Sequence[float]) -> bytes:
    """Return an ONNX graph with `shifts` added to the biases of the nodes that write its logits.

    Where such a node has none, as one that only shapes the answer of a convolution, one that adds
    the shift follows it.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load_model_from_string(graph)
    constants = {initializer.name: initializer for initializer in model.graph.initializer}
    makers = {name: node for node in model.graph.node for name in node.output}
    for output, shift in zip(model.graph.output, shifts, strict=True):
        head = makers[output.name]
        bias = next((constants[name] for name in _biases(head) if name in constants), None)
        if bias is None:
            _add(model.graph, output.name, shift)
        else:
            values = numpy_helper.to_array(bias) + np.float32(shift)
            bias.CopyFrom(numpy_helper.from_array(values, bias.name))
    encoded: bytes = model.SerializeToString(deterministic=True)
    return encoded


def _maker(operators: Sequence[Any], tensor: int) -> Any:
    return next(one for one in operators if tensor in one.OutputsAsNumpy())


def _only_shapes(model: Any, operator: Any) -> bool:
    """Tell whether a TFLite operator gives its first input in another shape."""
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    code = model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()
    return code in (BuiltinOperator.RESHAPE, BuiltinOperator.SQUEEZE)


def _biases(head: Any) -> Sequence[str]:
    """Return the inputs of an ONNX node that may be a bias."""
    return list({"Gemm": head.input[2:], "Add": head.input}.get(head.op_type, ()))


def _add(graph: Any, output: str, shift: float) -> None:
    """Let a node add `shift` to what an ONNX graph gives as `output`."""
    from onnx import helper, numpy_helper

    unshifted, constant = f"{output}_unshifted", f"{output}_shift"
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [unshifted if name == output else name for name in names]
    graph.initializer.append(numpy_helper.from_array(np.array(shift, np.float32), constant))
    graph.node.append(helper.make_node("Add", [unshifted, constant], [output], name=constant))


def _no_bias(form: str) -> DataError:
    problem = "ends in a layer without bias, so its mean error cannot be taken out"
    return DataError(f"{form} graph", problem, "end it in a dense layer with a bias")
