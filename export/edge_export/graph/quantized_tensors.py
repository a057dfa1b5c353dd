"""What every tensor of a quantized graph holds, beside the same tensor of the float graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_export.artefact import Artefact
from edge_export.graph.pair import FloatGraphs
from edge_export.graph.tensors import Values
from edge_export.pixels import Pixels
from edge_export.quiet import quiet
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import onnx

# What stands between the pixels and the first layer, or is put around one by a quantizer.
_CONVERSIONS = ("CAST", "QUANTIZE", "DEQUANTIZE")


@dataclass(frozen=True, slots=True)
class Step:
    """The integers of a tensor: its values are `scale * (integer - zero_point)`.

    `lowest` and `highest` are the ends of the integer type.
    """

    scale: float
    zero_point: int
    lowest: int
    highest: int

    @property
    def limits(self) -> tuple[float, float]:
        """The smallest and largest value that can be stored."""
        low, high = self.lowest - self.zero_point, self.highest - self.zero_point
        return self.scale * low, self.scale * high

    def values(self, integers: NDArray[Any]) -> Values:
        """Return what `integers` stand for."""
        return ((integers.astype(np.int32) - self.zero_point) * self.scale).astype(np.float32)

    def rounded(self, values: Values) -> Values:
        """Return the nearest of the values that can be stored."""
        integers = np.rint(values / np.float32(self.scale)) + self.zero_point
        return self.values(np.clip(integers, self.lowest, self.highest))


@dataclass(frozen=True, slots=True)
class Pair:
    """A tensor as float and as quantized graph hold it for one film, in one layout.

    `tensor` is its name in the float TFLite graph, `operator` what makes it there. `step` is
    `None` where the quantized graph computes it in float.
    """

    tensor: str
    operator: str
    reference: Values
    quantized: Values
    step: Step | None


class Pairs(Protocol):
    """A quantized graph beside its float graph, ready to run."""

    def run(self, film: Pixels) -> Iterator[Pair]:
        """Yield a pair for every tensor both compute from `(h, w, c)` pixels, in order.

        Raises:
            DataError: a tensor holds a value that is not finite.
        """


def open_pairs(graphs: FloatGraphs, artefact: Artefact) -> Pairs:
    """Return the tensors of `artefact`, in either format, beside those of the float graphs.

    Raises:
        DataError: `artefact` is not made of these float graphs.
    """
    with quiet():
        if artefact.format == "tflite":
            return _TFLitePairs(graphs, artefact)
        return _OnnxPairs(graphs, artefact)


@dataclass(frozen=True, slots=True)
class _Operator:
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class TFLiteTrace:
    """A TFLite graph of any recipe that keeps what it computes, by the kernels of a clinic."""

    def __init__(self, graph: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter

        with quiet():
            self._interpreter: Any = Interpreter(
                model_content=graph, experimental_preserve_all_tensors=True, num_threads=1
            )
        # Before tensors are allocated: afterwards the delegate's own operators are among them.
        self.operators = [
            _Operator(one["op_name"], tuple(one["inputs"]), tuple(one["outputs"]))
            for one in self._interpreter._get_ops_details()  # no public counterpart
        ]
        with quiet():
            self._interpreter.allocate_tensors()
        self._source = self._interpreter.get_input_details()[0]
        self.names: dict[int, str] = {}
        self.steps: dict[int, Step] = {}
        for one in self._interpreter.get_tensor_details():
            self.names[one["index"]] = one["name"]
            stored = one["quantization_parameters"]
            if len(stored["scales"]) == 1 and np.issubdtype(one["dtype"], np.integer):
                self.steps[one["index"]] = _step(
                    stored["scales"][0], stored["zero_points"][0], one["dtype"]
                )

    @property
    def layers(self) -> list[_Operator]:
        """The operators that compute something."""
        return [one for one in self.operators if one.name not in _CONVERSIONS]

    def stored(self, tensor: int) -> int:
        """Return the tensor that the next layer reads in place of `tensor`: converted, if it is."""
        for one in self.operators:
            if one.name in ("CAST", "QUANTIZE") and tensor in one.inputs:
                tensor = one.outputs[0]
        return tensor

    @property
    def output(self) -> str:
        """The name of the tensor that holds the logit."""
        return self.names[self.operators[-1].outputs[0]]

    @property
    def source(self) -> int:
        """The tensor that holds the pixels."""
        return int(self._source["index"])

    def start(self, film: Pixels) -> None:
        """Run the graph on `(h, w, c)` pixels, which it may want as other integers."""
        if self._source["dtype"] is not np.uint8:
            step = self.steps[self.source]
            film = (np.rint(film / step.scale) + step.zero_point).astype(self._source["dtype"])
        self._interpreter.set_tensor(self.source, film[None])
        self._interpreter.invoke()

    def values(self, tensor: int) -> Values:
        """Return what a tensor holds after `start`, as floats."""
        found = self._interpreter.get_tensor(tensor)
        step = self.steps.get(tensor)
        return found.astype(np.float32) if step is None else step.values(found)


class _TFLitePairs:
    """Tensors are paired by the order of the operators that make them.

    A quantizer puts conversions between them and changes nothing else; names depend on how many
    models a process has made before.
    """

    def __init__(self, graphs: FloatGraphs, artefact: Artefact) -> None:
        self._float, self._quantized = TFLiteTrace(graphs.tflite), TFLiteTrace(artefact.graph)
        layers = [self._float.layers, self._quantized.layers]
        if [one.name for one in layers[0]] != [one.name for one in layers[1]]:
            raise _stranger(artefact)
        pixels = self._float.stored(self._float.source)
        self._paired = [("CAST", pixels, self._quantized.stored(self._quantized.source))]
        for one, other in zip(*layers, strict=True):
            for mine, theirs in zip(one.outputs, other.outputs, strict=True):
                self._paired.append((one.name, mine, self._quantized.stored(theirs)))

    def run(self, film: Pixels) -> Iterator[Pair]:
        self._float.start(film)
        self._quantized.start(film)
        for operator, mine, theirs in self._paired:
            yield _pair(
                self._float.names[mine],
                operator,
                self._float.values(mine),
                self._quantized.values(theirs),
                self._quantized.steps.get(theirs),
            )


class _OnnxPairs:
    """Tensors are paired by name: the quantizer keeps those of the float graph."""

    def __init__(self, graphs: FloatGraphs, artefact: Artefact) -> None:
        import onnx

        reference = onnx.load_model_from_string(graphs.onnx)
        quantized = onnx.load_model_from_string(artefact.graph)
        made = {name for node in quantized.graph.node for name in node.output}
        stored = {
            node.input[0]: node for node in quantized.graph.node if node.op_type == "QuantizeLinear"
        }
        trace = TFLiteTrace(graphs.tflite)
        same = {**graphs.same, reference.graph.output[0].name: trace.output}
        # Where one tensor has several twins, copies of each other, the last that is stored counts.
        twins = sorted(same.items(), key=lambda item: item[0] in stored)
        found = {twin: name for name, twin in twins if name in made}
        self._paired = [
            (trace.names[tensor], operator.name, found[trace.names[tensor]])
            for operator in trace.operators
            for tensor in operator.outputs
            if trace.names[tensor] in found
        ]
        self._stranger = _stranger(artefact)
        if len(self._paired) < 2:  # the output has the same name everywhere
            raise self._stranger
        names = [name for *_, name in self._paired]
        self._steps = {
            name: _onnx_step(quantized, stored[name]) for name in names if name in stored
        }
        self._kept = {name: stored[name].output[0] if name in stored else name for name in names}
        self._float = OnnxTrace(reference, names)
        self._quantized = OnnxTrace(quantized, list(self._kept.values()))

    def run(self, film: Pixels) -> Iterator[Pair]:
        reference, quantized = self._float.run(film), self._quantized.run(film)
        for twin, operator, name in self._paired:
            held, step = quantized[self._kept[name]], self._steps.get(name)
            values = held if step is None else step.values(held)
            if values.shape != reference[name].shape:  # names are numbers, and can meet by chance
                raise self._stranger
            yield _pair(twin, operator, reference[name], values, step)


class OnnxTrace:
    """An ONNX graph that gives the tensors `names` as outputs, on one thread."""

    def __init__(self, model: onnx.ModelProto, names: Sequence[str]) -> None:
        import onnx
        import onnxruntime

        known = {output.name for output in model.graph.output}
        traced = onnx.ModelProto()
        traced.CopyFrom(model)
        traced.graph.output.extend(
            onnx.ValueInfoProto(name=one) for one in names if one not in known
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            traced.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._names = list(names)

    def run(self, film: Pixels) -> dict[str, Values]:
        """Return the tensors by name for `(h, w, c)` pixels."""
        return self.feed({self._session.get_inputs()[0].name: film[None]})

    def feed(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, Values]:
        """Return the tensors by name for what the graph takes."""
        found = self._session.run(self._names, dict(inputs))
        return dict(zip(self._names, found, strict=True))


def _onnx_step(model: onnx.ModelProto, node: onnx.NodeProto) -> Step:
    from onnx import numpy_helper

    constants = {one.name: one for one in model.graph.initializer}
    scale, zero_point = (numpy_helper.to_array(constants[name]) for name in node.input[1:3])
    return _step(scale.item(), zero_point.item(), zero_point.dtype)


def _step(scale: float, zero_point: int, dtype: Any) -> Step:
    ends = np.iinfo(dtype)
    return Step(float(scale), int(zero_point), int(ends.min), int(ends.max))


def _pair(
    tensor: str, operator: str, reference: Values, quantized: Values, step: Step | None
) -> Pair:
    if not (np.isfinite(reference).all() and np.isfinite(quantized).all()):
        raise DataError(tensor, "takes values that are not finite", "train the model again")
    return Pair(tensor, operator, reference, quantized, step)


def _stranger(artefact: Artefact) -> DataError:
    problem = "has other layers than the float graph it is held against"
    cure = "give the model it was made of, and the version of edge-kit that made it"
    return DataError(artefact.file, problem, cure)
