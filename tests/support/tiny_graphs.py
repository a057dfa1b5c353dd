"""Graphs of a few hundred bytes, written without TensorFlow: the logit is scale * mean + offset.

The twins of `tflite_graph` and `onnx_graph` compute the same from `uint8 [1, height, width, 1]`.
The keyword arguments make the twins that a runtime has to refuse.
"""

from __future__ import annotations

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as tfl
from onnx import TensorProto, helper

SIDE = 64
SHAPE = (1, SIDE, SIDE, 1)
SCALE, OFFSET = 0.0625, -7.5


def expected_logit(pixels: bytes) -> float:
    """Return what the graphs answer."""
    return SCALE * float(np.frombuffer(pixels, np.uint8).mean()) + OFFSET


def tflite_graph(
    shape: tuple[int, ...] = SHAPE,
    *,
    scale: float = SCALE,
    outputs: int = 1,
    columns: int = 1,
    element: str = "UINT8",
) -> bytes:
    """Return a TFLite graph with `outputs` outputs of shape `(1, columns)`."""
    buffers: list[bytes] = [b""]

    def tensor(name: str, shape: tuple[int, ...], element: str, data: bytes = b"") -> tfl.TensorT:
        if data:
            buffers.append(data)
        made = tfl.TensorT()
        made.name, made.shape = name.encode(), list(shape)
        made.type = getattr(tfl.TensorType, element)
        made.buffer = len(buffers) - 1 if data else 0
        return made

    def row(value: float) -> bytes:
        return np.full((1, columns), value, "<f4").tobytes()

    tensors = [
        tensor("pixels", shape, element),
        tensor("float", shape, "FLOAT32"),
        tensor("axes", (2,), "INT32", np.array([1, 2], "<i4").tobytes()),
        tensor("mean", (1, 1), "FLOAT32"),
        tensor("scale", (1, columns), "FLOAT32", row(scale)),
        tensor("scaled", (1, columns), "FLOAT32"),
        tensor("offset", (1, columns), "FLOAT32", row(OFFSET)),
        *(tensor(f"logit{index}", (1, columns), "FLOAT32") for index in range(outputs)),
    ]
    operators = [
        _operator("CAST", [0], 1),
        _operator("MEAN", [1, 2], 3),
        _operator("MUL", [3, 4], 5),
        *(_operator("ADD", [5, 6], 7 + index) for index in range(outputs)),
    ]
    graph = tfl.SubGraphT()
    graph.tensors, graph.operators = tensors, operators
    graph.inputs, graph.outputs = [0], list(range(7, 7 + outputs))
    return _model(graph, buffers)


_CODES = ("CAST", "MEAN", "MUL", "ADD")
_OPTIONS = {"MEAN": "Reducer"}


def _operator(name: str, inputs: list[int], output: int) -> tfl.OperatorT:
    options = f"{_OPTIONS.get(name, name.capitalize())}Options"
    operator = tfl.OperatorT()
    operator.opcodeIndex = _CODES.index(name)
    operator.inputs, operator.outputs = inputs, [output]
    operator.builtinOptionsType = getattr(tfl.BuiltinOptions, options)
    operator.builtinOptions = getattr(tfl, f"{options}T")()
    return operator


def _model(graph: tfl.SubGraphT, buffers: list[bytes]) -> bytes:
    model = tfl.ModelT()
    model.version, model.subgraphs = 3, [graph]
    model.operatorCodes, model.buffers = [], []
    for name in _CODES:
        code = tfl.OperatorCodeT()
        code.builtinCode = getattr(tfl.BuiltinOperator, name)
        code.deprecatedBuiltinCode = code.builtinCode
        model.operatorCodes.append(code)
    for data in buffers:
        buffer = tfl.BufferT()
        buffer.data = np.frombuffer(data, np.uint8) if data else None
        model.buffers.append(buffer)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def onnx_graph(
    shape: tuple[int, ...] = SHAPE,
    *,
    scale: float = SCALE,
    outputs: int = 1,
    columns: int = 1,
    element: str = "UINT8",
) -> bytes:
    """Return the ONNX twin of `tflite_graph`."""
    names = [f"logit{index}" for index in range(outputs)]
    nodes = [
        helper.make_node("Cast", ["pixels"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float", "axes"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "scale"], ["scaled"]),
        *(helper.make_node("Add", ["scaled", "offset"], [name]) for name in names),
    ]
    row = [1, columns]
    onnx_element = getattr(TensorProto, element.replace("FLOAT32", "FLOAT"))
    constants = [
        helper.make_tensor("axes", TensorProto.INT64, [2], [1, 2]),
        helper.make_tensor("scale", TensorProto.FLOAT, row, [scale] * columns),
        helper.make_tensor("offset", TensorProto.FLOAT, row, [OFFSET] * columns),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("pixels", onnx_element, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, row) for name in names],
        constants,
    )
    opsets = [helper.make_opsetid("", 18)]
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return bytes(model.SerializeToString())
