"""What is inside a graph: its operators, and what its tensors hold for one film."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from edge_export.films.pixels import Pixels
from edge_export.quiet import quiet

if TYPE_CHECKING:
    import onnx

Values = NDArray[np.float32]
Tensor = TypeVar("Tensor", int, str)


@dataclass(frozen=True, slots=True)
class Operator(Generic[Tensor]):
    """An operator of a TFLite graph: its kind, and the tensors it reads and writes."""

    kind: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def operators(graph: bytes) -> list[Operator[str]]:
    """Return the operators of a TFLite graph in their order, their tensors by name."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter: Any = Interpreter(model_content=graph)
    names = {tensor["index"]: str(tensor["name"]) for tensor in interpreter.get_tensor_details()}
    return [
        Operator(
            operator.kind,
            tuple(names[index] for index in operator.inputs),
            tuple(names[index] for index in operator.outputs),
        )
        for operator in _operators(interpreter)
    ]


def outputs(graph: bytes) -> list[str]:
    """Return the tensors that a TFLite graph gives, by name: the decision first."""
    from ai_edge_litert.interpreter import Interpreter

    return [str(output["name"]) for output in Interpreter(model_content=graph).get_output_details()]


def _operators(interpreter: Any) -> list[Operator[int]]:
    """Return the operators of the graph itself, and of their tensors those that are there.

    Once tensors are allocated, delegates have added operators of their own, and what nobody reads
    of a loop's results is gone, its index -1.
    """
    return [
        Operator(
            operator["op_name"],
            tuple(index for index in operator["inputs"] if index >= 0),
            tuple(index for index in operator["outputs"] if index >= 0),
        )
        for operator in interpreter._get_ops_details()  # no public counterpart
        if operator["op_name"] != "DELEGATE"
    ]


@dataclass(frozen=True, slots=True)
class Step:
    """The integers of a tensor: its values are `scale * (integer - zero_point)`.

    `lowest` and `highest` are the ends of the integer type.
    """

    scale: float
    zero_point: int
    lowest: int
    highest: int

    @classmethod
    def of(cls, scale: float, zero_point: int, dtype: Any) -> Step:
        """Return the step of integers of one type."""
        ends = np.iinfo(dtype)
        return cls(float(scale), int(zero_point), int(ends.min), int(ends.max))

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


class TFLiteTrace:
    """A TFLite graph of any recipe that keeps what it computes, by the kernels of a clinic.

    `names` and `dtypes` are of all tensors by index, `steps` of those that hold integers. What is
    not in `read`, as a part of a split that nobody wants, may have no memory, and no values.
    """

    def __init__(self, graph: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter

        with quiet():
            self._interpreter: Any = Interpreter(
                model_content=graph, experimental_preserve_all_tensors=True, num_threads=1
            )
            self._interpreter.allocate_tensors()
        self.operators = _operators(self._interpreter)
        self._source = self._interpreter.get_input_details()[0]
        ends = {output["index"] for output in self._interpreter.get_output_details()}
        self.read = ends.union(*(operator.inputs for operator in self.operators))
        self.names: dict[int, str] = {}
        self.dtypes: dict[int, type] = {}
        self.steps: dict[int, Step] = {}
        for tensor in self._interpreter.get_tensor_details():
            index, stored = tensor["index"], tensor["quantization_parameters"]
            self.names[index], self.dtypes[index] = str(tensor["name"]), tensor["dtype"]
            if len(stored["scales"]) == 1 and np.issubdtype(tensor["dtype"], np.integer):
                self.steps[index] = Step.of(
                    stored["scales"][0], stored["zero_points"][0], tensor["dtype"]
                )

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
        stored = self._interpreter.get_tensor(tensor)
        step = self.steps.get(tensor)
        return stored.astype(np.float32, copy=False) if step is None else step.values(stored)


class OnnxTrace:
    """An ONNX graph that gives the tensors `names` as outputs, on one thread."""

    def __init__(self, model: onnx.ModelProto, names: Sequence[str]) -> None:
        import onnx
        import onnxruntime

        known = {output.name for output in model.graph.output}
        traced = onnx.ModelProto()
        traced.CopyFrom(model)
        traced.graph.output.extend(
            onnx.ValueInfoProto(name=name) for name in names if name not in known
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
        values = self._session.run(self._names, dict(inputs))
        return dict(zip(self._names, values, strict=True))
