"""Fold layout changes out of an ONNX graph that was made from a TFLite one.

TFLite holds images as `(1, h, w, c)`, ONNX computes convolutions on `(1, c, h, w)`, so converters
leave transpositions around operators without a special rule. Here every tensor that is only a
transposition of a channels-first one is followed: operators on single values are moved to the
channels-first tensor, a dense layer behind a flattened map has its rows permuted instead, and a
transposition is written only before operators that cannot be moved. Numbers are reordered and none
is computed, so the graph's outputs stay the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Values = NDArray[Any]

_TO_FIRST = (0, 3, 1, 2)  # (1, h, w, c) -> (1, c, h, w)
_TO_LAST = (0, 2, 3, 1)
# Where an axis of a channels-last tensor lies in the channels-first one.
_AXIS = {old: new for new, old in enumerate(_TO_FIRST)}
_POINTWISE = frozenset(
    (
        *("Abs", "Add", "Cast", "Clip", "Div", "Elu", "Erf", "Exp", "HardSigmoid", "HardSwish"),
        *("Identity", "LeakyRelu", "Max", "Min", "Mul", "Neg", "PRelu", "Pow", "Relu", "Selu"),
        *("Sigmoid", "Softplus", "Sqrt", "Sub", "Tanh"),
    )
)
_GLOBAL = {"ReduceMean": "GlobalAveragePool", "ReduceMax": "GlobalMaxPool"}


def fold_layout(model: onnx.ModelProto) -> None:
    """Rewrite `model`, with one input `(1, h, w, c)`, to hold as few transpositions as possible.

    Raises:
        onnx.shape_inference.InferenceError: the shapes in `model` contradict each other.
    """
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    typed = (*inferred.value_info, *inferred.input, *inferred.output)
    shapes = {
        tensor.name: tuple(size.dim_value for size in tensor.type.tensor_type.shape.dim)
        for tensor in typed
    }
    constants = {
        initializer.name: numpy_helper.to_array(initializer)
        for initializer in model.graph.initializer
    }
    folding = _Folding(shapes, constants, _dense_only(model.graph))
    pixels = model.graph.input[0].name
    # The pixels are transposed once, while they are bytes, and everything behind follows.
    folding.channels_first(pixels)
    for node in model.graph.node:
        folding.add(node)
    used = {output.name for output in model.graph.output}
    kept: list[onnx.NodeProto] = []
    for node in reversed(folding.nodes):
        if used.intersection(node.output):
            kept.insert(0, node)
            used.update(node.input)
    del model.graph.node[:], model.graph.initializer[:], model.graph.value_info[:]
    model.graph.node.extend(kept)
    model.graph.initializer.extend(
        numpy_helper.from_array(value, name) for name, value in constants.items() if name in used
    )


def _dense_only(graph: onnx.GraphProto) -> frozenset[str]:
    """Return the tensors that nothing reads but dense layers with constant weights."""
    constant = {initializer.name for initializer in graph.initializer}
    readers = Counter(name for node in graph.node for name in node.input)
    dense = Counter(
        node.input[0]
        for node in graph.node
        if node.op_type in ("Gemm", "MatMul") and node.input[1] in constant
    )
    return frozenset(name for name, count in dense.items() if count == readers[name])


def _turned(shape: Sequence[int], order: Sequence[int]) -> tuple[int, ...]:
    return tuple(shape[axis] for axis in order)


def _keeps_order(shape: Sequence[int], order: Sequence[int]) -> bool:
    """Tell whether the transposition moves axes of length one only, so that it is a reshape."""
    moved = [axis for axis in order if shape[axis] != 1]
    return moved == sorted(moved)


@dataclass(slots=True)
class _Folding:
    """The graph as it is written anew, node by node.

    `first` names for a channels-last tensor the channels-first one it is a transposition of;
    `written` holds those of them that exist nevertheless. `flat` gives for a flattened map the
    `(h, w, c)` that the rows of the dense layer behind it are ordered by.
    """

    shapes: dict[str, tuple[int, ...]]
    constants: dict[str, Values]
    dense_only: frozenset[str]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    first: dict[str, str] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    alias: dict[str, str] = field(default_factory=dict)
    flat: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def add(self, node: onnx.NodeProto) -> None:
        """Write `node`, moved to channels-first tensors where that is possible."""
        node.input[:] = [self.alias.get(name, name) for name in node.input]
        if not (self._turn(node) or self._move(node) or self._pool(node) or self._flatten(node)):
            self._permute_rows(node)
            for name in node.input:
                self._channels_last(name)
            self.nodes.append(node)

    def channels_first(self, name: str) -> str:
        """Return the channels-first version of a channels-last tensor; write it if missing."""
        if name not in self.first:
            self.first[name] = f"{name}:first"
            self.written.add(name)
            self._write_turned(name, self.first[name], _TO_FIRST)
        return self.first[name]

    def _channels_last(self, name: str) -> None:
        """Write the channels-last tensor `name` if it does not exist yet."""
        if name in self.first and name not in self.written:
            self.written.add(name)
            self._write_turned(self.first[name], name, _TO_LAST)

    def _write_turned(self, source: str, target: str, order: Sequence[int]) -> None:
        shape = self.shapes[source]
        self.shapes[target] = _turned(shape, order)
        if _keeps_order(shape, order):
            new_shape = self._constant(target, np.array(self.shapes[target], np.int64))
            self.nodes.append(helper.make_node("Reshape", [source, new_shape], [target]))
        else:
            self.nodes.append(helper.make_node("Transpose", [source], [target], perm=order))

    def _constant(self, reader: str, value: Values) -> str:
        name = f"{reader}:{len(self.constants)}"
        self.constants[name] = np.ascontiguousarray(value)
        return name

    def _turn(self, node: onnx.NodeProto) -> bool:
        """Follow a node that only changes the layout, instead of writing it."""
        before, after = self.shapes.get(node.input[0], ()), self.shapes.get(node.output[0], ())
        if node.op_type not in ("Transpose", "Reshape") or len(before) != 4 or len(after) != 4:
            return False
        for order in (_TO_FIRST, _TO_LAST):
            if node.op_type == "Transpose":
                same = tuple(helper.get_attribute_value(node.attribute[0])) == order
            else:
                same = after == _turned(before, order) and _keeps_order(before, order)
            if same and order == _TO_FIRST:
                self.alias[node.output[0]] = self.channels_first(node.input[0])
            elif same:
                self._channels_last(node.input[0])
                self.first[node.output[0]] = node.input[0]
            if same:
                return True
        if node.op_type == "Reshape" and before == after:
            self.alias[node.output[0]] = node.input[0]
            return True
        return False

    def _move(self, node: onnx.NodeProto) -> bool:
        """Write a node that acts on single values, or along one axis, on channels-first tensors."""
        if node.op_type not in _POINTWISE | {"Concat", "Pad"}:
            return False
        images = [name for name in node.input if name and name not in self.constants]
        if not any(name in self.first for name in images) or any(
            len(self.shapes[name]) != 4 for name in (*images, node.output[0])
        ):
            return False
        if node.op_type == "Pad":
            pads = self.constants[node.input[1]].reshape(2, 4)[:, _TO_FIRST]
            node.input[1] = self._constant(node.output[0], pads.ravel())
        if node.op_type == "Concat":
            axis = helper.get_attribute_value(node.attribute[0])
            node.attribute[0].i = _AXIS[axis % 4]
        for place, name in enumerate(node.input):
            if name in images:
                node.input[place] = self.channels_first(name)
            elif node.op_type != "Pad" and name and self.constants[name].size > 1:
                value = self.constants[name]
                value = value.reshape((1,) * (4 - value.ndim) + value.shape)
                node.input[place] = self._constant(node.output[0], value.transpose(_TO_FIRST))
        self._write_first(node, node.output[0])
        return True

    def _write_first(self, node: onnx.NodeProto, output: str) -> None:
        """Write `node`, whose output is the channels-first version of `output`."""
        self.first[output] = node.output[0] = f"{output}:first"
        self.shapes[node.output[0]] = _turned(self.shapes[output], _TO_FIRST)
        self.nodes.append(node)

    def _pool(self, node: onnx.NodeProto) -> bool:
        """Write a mean or maximum over all of a map as the pooling that it is."""
        if node.op_type not in _GLOBAL or node.input[0] not in self.first:
            return False
        options = {
            attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute
        }
        if sorted(axis % 4 for axis in options["axes"]) != [1, 2]:
            return False
        source, output = self.first[node.input[0]], node.output[0]
        pool = helper.make_node(_GLOBAL[node.op_type], [source], [output])
        if options.get("keepdims", 1):
            self._write_first(pool, output)
        else:
            pool.output[0] = f"{output}:pooled"
            self.nodes += [pool, helper.make_node("Flatten", pool.output, [output])]
        return True

    def _flatten(self, node: onnx.NodeProto) -> bool:
        """Flatten the channels-first map where nothing but dense layers reads it."""
        source, output = node.input[0], node.output[0]
        shape = self.shapes.get(source, ())
        if (
            node.op_type not in ("Reshape", "Flatten", "Squeeze")
            or source not in self.first
            or output not in self.dense_only
            or self.shapes[output] != (1, int(np.prod(shape)))
        ):
            return False
        self.flat[output] = shape[1:]
        self.nodes.append(helper.make_node("Flatten", [self.first[source]], [output]))
        return True

    def _permute_rows(self, node: onnx.NodeProto) -> None:
        """Order the rows of a dense layer like the map that was flattened before it."""
        if not node.input or node.input[0] not in self.flat:
            return
        weight = self.constants[node.input[1]]
        options = {
            attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute
        }
        inputs_last = bool(options.get("transB", 0))
        rows = weight.T if inputs_last else weight
        height, width, channels = self.flat[node.input[0]]
        rows = rows.reshape(height, width, channels, -1).transpose(2, 0, 1, 3)
        rows = rows.reshape(weight.shape[::-1] if inputs_last else weight.shape)
        node.input[1] = self._constant(node.output[0], rows.T if inputs_last else rows)
