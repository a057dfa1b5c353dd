"""What every tensor of a float graph holds, and which tensors of two formats are the same one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_export.pixels import Pixels
from edge_export.quiet import quiet
from edge_runtime.errors import DataError

Values = NDArray[np.float32]


class TFLiteTensors:
    """A float TFLite graph that keeps every tensor it computes.

    `pixel_tensor` is the name of the float tensor that holds the grey levels: the output of the
    cast the graph begins with.
    """

    def __init__(self, graph: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter: Any = Interpreter(
            model_content=graph, experimental_preserve_all_tensors=True, num_threads=1
        )
        self._interpreter.allocate_tensors()
        self._source: int = self._interpreter.get_input_details()[0]["index"]
        details = {one["index"]: one for one in self._interpreter.get_tensor_details()}
        operators = self._interpreter._get_ops_details()  # no public counterpart
        self._names: dict[int, str] = {
            index: details[index]["name"]
            for operator in operators
            for index in operator["outputs"]
            if index in details and details[index]["dtype"] is np.float32
        }
        if operators[0]["op_name"] != "CAST":
            raise DataError("graph", f"begins with {operators[0]['op_name']}, not a cast of pixels")
        self.pixel_tensor: str = self._names[operators[0]["outputs"][0]]

    def run(self, film: Pixels) -> Iterator[tuple[str, Values]]:
        """Yield name and values of every float tensor computed from `(h, w, c)` pixels."""
        self._interpreter.set_tensor(self._source, film[None])
        self._interpreter.invoke()
        for index, name in self._names.items():
            yield name, self._interpreter.get_tensor(index)


def tflite_tensors(graph: bytes, pixels: Pixels) -> dict[str, Values]:
    """Return the values of every float tensor of a TFLite graph, film by film of `(n, h, w, c)`."""
    with quiet():
        tensors = TFLiteTensors(graph)
    return _stacked(dict(tensors.run(film)) for film in pixels)


def onnx_tensors(graph: bytes, pixels: Pixels) -> dict[str, Values]:
    """Return the values of every float tensor of an ONNX graph, film by film of `(n, h, w, c)`."""
    import onnx
    import onnxruntime

    model = onnx.load_model_from_string(graph)
    known = {output.name for output in model.graph.output}
    for node in model.graph.node:
        model.graph.output.extend(
            onnx.ValueInfoProto(name=name) for name in node.output if name not in known
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    runs = (session.run(names, {"pixels": film[None]}) for film in pixels)
    stacked = _stacked(dict(zip(names, run, strict=True)) for run in runs)
    return {name: values for name, values in stacked.items() if values.dtype == np.float32}


def _stacked(runs: Iterable[Mapping[str, Values]]) -> dict[str, Values]:
    films = list(runs)
    return {name: np.stack([film[name] for film in films]) for name in films[0]}


def match_tensors(
    reference: Mapping[str, Values], other: Mapping[str, Values], tolerance: float = 1e-4
) -> dict[str, str]:
    """Return for each tensor of `other` the tensor of `reference` that holds the same values.

    Values decide, not names or layouts: two tensors are the same where their sorted values agree
    within `tolerance` of the largest. Where several match they are copies of each other
    (reshaped, transposed), and any will do. Tensors without a match are left out.
    """
    ordered = {name: np.sort(values, axis=None) for name, values in reference.items()}
    matches: dict[str, str] = {}
    for name, values in other.items():
        wanted = np.sort(values, axis=None)
        limit = tolerance * float(np.abs(wanted).max(initial=0.0))
        for candidate, have in ordered.items():
            if have.size == wanted.size and float(np.abs(have - wanted).max()) <= limit:
                matches[name] = candidate
                break
    return matches
