"""Read a grey film two columns at a time: the same integers, in half the time or less.

The int8 kernels of LiteRT fill whole vectors with the channels of one position, and a film has but
one: in the first convolution of Model 3 seven of eight lanes multiply zeros, and it takes two
thirds of the network's time. Side by side in memory, two columns of one channel are one column of
two channels. So a convolution of stride one is written as one over pairs of columns, which gives
two results at once as channels of their own:

    y[i, 2j + s] = sum over u, v of x[i + u, 2j + s + v] k[u, v]
                 = sum over u, w of (x[i + u, 2(j + w)], x[i + u, 2(j + w) + 1]) k'[s, u, w]

where `k'[s]` is `k` moved to the right by `s` columns, with zeros around it. The
sums and quantization steps stay the same, and so does every integer. The reshapes before and
behind move nothing in memory.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SIDE_BY_SIDE = 2  # columns; with four, the zeros in the kernels cost what a Raspberry Pi gains
_FEW = 3  # channels: grey or colour


def pair_columns(graph: bytes) -> bytes:
    """Return an int8 TFLite `graph` whose convolutions of few channels read pairs of columns.

    They have stride one, no padding, at most three channels and even widths. Every tensor of
    `graph` keeps its name, shape and integers. A graph without such a convolution is returned
    unchanged.
    """
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(graph))
    subgraph = model.subgraphs[0]
    pairing = _Pairing(model)
    operators = [
        rewritten for operator in subgraph.operators for rewritten in pairing.rewritten(operator)
    ]
    if len(operators) == len(subgraph.operators):
        return graph
    subgraph.operators = operators
    for buffer in model.buffers:
        if buffer.data is not None:  # an array is packed at once, anything else byte by byte
            buffer.data = np.frombuffer(buffer.data, np.uint8)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


class _Pairing:
    """A model in which convolutions are rewritten, one operator after the other."""

    def __init__(self, model: Any) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self._schema: Any = schema
        self._model = model
        self._tensors: list[Any] = model.subgraphs[0].tensors

    def rewritten(self, operator: Any) -> list[Any]:
        """Return the operators that compute what `operator` does."""
        if not self._gains(operator):
            return [operator]
        before, weights, bias = operator.inputs
        (after,) = operator.outputs
        kernel = _moved(self._values(weights, np.int8))
        paired = copy.copy(operator)
        paired.inputs = [
            self._laid_out(before),
            self._constant(weights, kernel),
            self._constant(bias, np.tile(self._values(bias, np.int32), _SIDE_BY_SIDE)),
        ]
        paired.outputs = [self._laid_out(after)]
        return [
            self._reshape(before, paired.inputs[0]),
            paired,
            self._reshape(paired.outputs[0], after),
        ]

    def _gains(self, operator: Any) -> bool:
        """Tell whether an operator is a convolution of int8 that can be written for pairs."""
        kinds, types = self._schema.BuiltinOperator, self._schema.TensorType
        kind = self._model.operatorCodes[operator.opcodeIndex].builtinCode
        if kind != kinds.CONV_2D or len(operator.inputs) != 3 or operator.inputs[2] < 0:
            return False
        films, weights, bias = (self._tensors[index] for index in operator.inputs)
        answer = self._tensors[operator.outputs[0]]
        options = operator.builtinOptions
        steps = (options.strideW, options.strideH, options.dilationWFactor, options.dilationHFactor)
        constants = all(
            self._model.buffers[tensor.buffer].data is not None for tensor in (weights, bias)
        )
        return bool(
            (films.type, weights.type, bias.type) == (types.INT8, types.INT8, types.INT32)
            and constants
            and steps == (1, 1, 1, 1)
            and options.padding == self._schema.Padding.VALID
            and films.shape[3] == weights.shape[3] <= _FEW  # else the convolution is in groups
            and films.shape[2] % _SIDE_BY_SIDE == answer.shape[2] % _SIDE_BY_SIDE == 0
        )

    def _values(self, index: int, dtype: Any) -> NDArray[Any]:
        tensor = self._tensors[index]
        data = bytes(self._model.buffers[tensor.buffer].data)
        return np.frombuffer(data, dtype).reshape(tensor.shape)

    def _constant(self, origin: int, values: NDArray[Any]) -> int:
        """Add a tensor of `values`, whose steps are those of `origin` once for every column."""
        tensor = copy.deepcopy(self._tensors[origin])
        steps = tensor.quantization
        if len(steps.scale) > 1:
            steps.scale = np.tile(steps.scale, _SIDE_BY_SIDE)
            steps.zeroPoint = np.tile(steps.zeroPoint, _SIDE_BY_SIDE)
        return self._add(tensor, values.shape, values)

    def _laid_out(self, origin: int) -> int:
        """Add the tensor that holds `origin` by pairs of columns."""
        tensor = copy.deepcopy(self._tensors[origin])
        films, height, width, channels = tensor.shape
        return self._add(
            tensor, (films, height, width // _SIDE_BY_SIDE, _SIDE_BY_SIDE * channels), None
        )

    def _add(self, tensor: Any, shape: tuple[int, ...], values: NDArray[Any] | None) -> int:
        tensor.name += b";pairs"
        tensor.shape, tensor.buffer = list(shape), 0
        if values is not None:
            tensor.buffer = self._stored(values)
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def _stored(self, values: NDArray[Any]) -> int:
        buffer = self._schema.BufferT()
        buffer.data = values.tobytes()
        self._model.buffers.append(buffer)
        return len(self._model.buffers) - 1

    def _reshape(self, source: int, target: int) -> Any:
        """Return an operator that reads `source` in the shape of `target`."""
        shape = self._tensors[target].shape
        shape_tensor = self._schema.TensorT()
        shape_tensor.name = self._tensors[target].name + b";shape"
        shape_tensor.type = self._schema.TensorType.INT32
        shape_tensor.shape = [len(shape)]
        shape_tensor.buffer = self._stored(np.array(shape, np.int32))
        self._tensors.append(shape_tensor)
        options = self._schema.ReshapeOptionsT()
        options.newShape = list(shape)
        operator = self._schema.OperatorT()
        operator.opcodeIndex = self._opcode(self._schema.BuiltinOperator.RESHAPE)
        operator.inputs, operator.outputs = [source, len(self._tensors) - 1], [target]
        operator.builtinOptionsType = self._schema.BuiltinOptions.ReshapeOptions
        operator.builtinOptions = options
        return operator

    def _opcode(self, kind: int) -> int:
        known = [code.builtinCode for code in self._model.operatorCodes]
        if kind not in known:
            code = self._schema.OperatorCodeT()
            code.builtinCode = code.deprecatedBuiltinCode = kind
            self._model.operatorCodes.append(code)
            known.append(kind)
        return known.index(kind)


def _moved(kernel: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return the `(f, h, w, c)` kernel for pairs of columns, `(2 f, h, pairs, 2 c)`."""
    filters, height, width, channels = kernel.shape
    pairs = -(-(width + _SIDE_BY_SIDE - 1) // _SIDE_BY_SIDE)
    moved = np.zeros(
        (_SIDE_BY_SIDE, filters, height, pairs * _SIDE_BY_SIDE, channels), kernel.dtype
    )
    for by in range(_SIDE_BY_SIDE):
        moved[by, :, :, by : by + width] = kernel
    return moved.reshape(_SIDE_BY_SIDE * filters, height, pairs, _SIDE_BY_SIDE * channels)
