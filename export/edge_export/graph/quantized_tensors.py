"""The values of every tensor of a quantized graph, beside those of the float graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from edge_export.films.pixels import Pixels
from edge_export.graph.artefact import Artefact
from edge_export.graph.float_graphs import FloatGraphs
from edge_export.graph.trace import OnnxTrace, Operator, Step, TFLiteTrace, Values, operators
from edge_export.quiet import quiet
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import onnx

# Operators between the pixels and the first layer, and those that a quantizer, or the pairing of
# columns, puts around a layer.
_CONVERSIONS = ("CAST", "QUANTIZE", "DEQUANTIZE", "RESHAPE")


@dataclass(frozen=True, slots=True)
class TensorPair:
    """A tensor as float and as quantized graph hold it for one film, in one layout.

    `tensor` is its name in the float TFLite graph, `operator` what makes it there. `step` is
    `None` where the quantized graph computes it in float.
    """

    tensor: str
    operator: str
    reference: Values
    quantized: Values
    step: Step | None


class TensorPairs(Protocol):
    """A quantized graph beside its float graph, ready to run."""

    def run(self, film: Pixels) -> Iterator[TensorPair]:
        """Yield a pair for every tensor both compute from `(h, w, c)` pixels, in order.

        Raises:
            DataError: a tensor holds a value that is not finite.
        """


def open_pairs(graphs: FloatGraphs, artefact: Artefact) -> TensorPairs:
    """Return the tensors of `artefact`, in either format, beside those of the float graphs.

    Raises:
        DataError: `artefact` is not made of these float graphs.
    """
    with quiet():
        if artefact.format == "tflite":
            return _TFLitePairs(graphs, artefact)
        return _OnnxPairs(graphs, artefact)


class _TFLitePairs:
    """Tensors are paired by the order of the operators that make them.

    A quantizer puts conversions between them and may lay a tensor out in another shape, its values
    in the same order; names depend on how many models a process has made before.
    """

    def __init__(self, graphs: FloatGraphs, artefact: Artefact) -> None:
        self._float, self._quantized = TFLiteTrace(graphs.tflite), TFLiteTrace(artefact.graph)
        layers = [_layers(self._float), _layers(self._quantized)]
        if [layer.kind for layer in layers[0]] != [layer.kind for layer in layers[1]]:
            raise _other_model(artefact)
        pixels = _stored(self._float, self._float.source)
        self._paired = [("CAST", pixels, _stored(self._quantized, self._quantized.source))]
        for float_layer, quantized_layer in zip(*layers, strict=True):
            for mine, theirs in zip(float_layer.outputs, quantized_layer.outputs, strict=True):
                if mine in self._float.read:
                    kept = _stored(self._quantized, theirs)
                    self._paired.append((float_layer.kind, mine, kept))

    def run(self, film: Pixels) -> Iterator[TensorPair]:
        self._float.start(film)
        self._quantized.start(film)
        for operator, mine, theirs in self._paired:
            reference, quantized = self._float.values(mine), self._quantized.values(theirs)
            yield _pair(
                self._float.names[mine],
                operator,
                reference,
                quantized.reshape(reference.shape),
                self._quantized.steps.get(theirs),
            )


def _layers(trace: TFLiteTrace) -> list[Operator[int]]:
    """Return the operators that compute something."""
    return [operator for operator in trace.operators if operator.kind not in _CONVERSIONS]


def _stored(trace: TFLiteTrace, tensor: int) -> int:
    """Return the tensor that the next layer reads in place of `tensor`: converted, if it is."""
    for operator in trace.operators:
        if operator.kind in ("CAST", "QUANTIZE") and tensor in operator.inputs:
            tensor = operator.outputs[0]
    return tensor


class _OnnxPairs:
    """Tensors are paired by name: the quantizer keeps those of the float graph."""

    def __init__(self, graphs: FloatGraphs, artefact: Artefact) -> None:
        import onnx

        reference = onnx.load_model_from_string(graphs.onnx)
        quantized = onnx.load_model_from_string(artefact.graph)
        computed = {name for node in quantized.graph.node for name in node.output}
        stored = {
            node.input[0]: node for node in quantized.graph.node if node.op_type == "QuantizeLinear"
        }
        made_by_tflite = [
            (name, operator.kind)
            for operator in operators(graphs.tflite)
            for name in operator.outputs
        ]
        # Where one tensor has several twins, copies of each other, the last that is stored counts.
        twins = sorted(graphs.same.items(), key=lambda item: item[0] in stored)
        onnx_names = {twin: name for name, twin in twins if name in computed}
        self._paired = [
            (twin, kind, onnx_names[twin]) for twin, kind in made_by_tflite if twin in onnx_names
        ]
        self._other_model = _other_model(artefact)
        # The outputs have the same names in every graph.
        ends = {output.name for output in reference.graph.output}
        if ends.issuperset(name for *_, name in self._paired):
            raise self._other_model
        names = [name for *_, name in self._paired]
        self._steps = {
            name: _onnx_step(quantized, stored[name]) for name in names if name in stored
        }
        self._kept = {name: stored[name].output[0] if name in stored else name for name in names}
        self._float = OnnxTrace(reference, names)
        self._quantized = OnnxTrace(quantized, list(self._kept.values()))

    def run(self, film: Pixels) -> Iterator[TensorPair]:
        reference, quantized = self._float.run(film), self._quantized.run(film)
        for twin, operator, name in self._paired:
            held, step = quantized[self._kept[name]], self._steps.get(name)
            values = held if step is None else step.values(held)
            if values.shape != reference[name].shape:  # names are numbers, and can meet by chance
                raise self._other_model
            yield _pair(twin, operator, reference[name], values, step)


def _onnx_step(model: onnx.ModelProto, node: onnx.NodeProto) -> Step:
    from onnx import numpy_helper

    constants = {initializer.name: initializer for initializer in model.graph.initializer}
    scale, zero_point = (numpy_helper.to_array(constants[name]) for name in node.input[1:3])
    return Step.of(scale.item(), zero_point.item(), zero_point.dtype)


def _pair(
    tensor: str, operator: str, reference: Values, quantized: Values, step: Step | None
) -> TensorPair:
    if not (np.isfinite(reference).all() and np.isfinite(quantized).all()):
        raise DataError(
            tensor, "takes values that are not finite", "replace that layer, or train again"
        )
    return TensorPair(tensor, operator, reference, quantized, step)


def _other_model(artefact: Artefact) -> DataError:
    problem = "has other layers than the float graph it is compared with"
    cure = "give the model it was made of, and the version of edge-kit that made it"
    return DataError(artefact.file, problem, cure)
