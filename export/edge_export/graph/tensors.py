"""What every tensor of a float graph holds, and which tensors of two formats are the same one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from edge_export.films.pixels import Pixels
from edge_export.graph.trace import OnnxTrace, TFLiteTrace, Values
from edge_runtime.errors import DataError


class TFLiteTensors:
    """A float TFLite graph that keeps every tensor it computes.

    `pixel_tensor` is the name of the float tensor that holds the grey levels: the output of the
    cast the graph begins with.
    """

    def __init__(self, graph: bytes) -> None:
        self._trace = TFLiteTrace(graph)
        first = self._trace.operators[0]
        if first.kind != "CAST":
            raise DataError("graph", f"begins with {first.kind}, not a cast of pixels")
        self.pixel_tensor = self._trace.names[first.outputs[0]]
        self._floats = [
            tensor
            for operator in self._trace.operators
            for tensor in operator.outputs
            if self._trace.dtypes[tensor] is np.float32 and tensor in self._trace.read
        ]

    def run(self, film: Pixels) -> Iterator[tuple[str, Values]]:
        """Yield name and values of every float tensor computed from `(h, w, c)` pixels."""
        self._trace.start(film)
        for tensor in self._floats:
            yield self._trace.names[tensor], self._trace.values(tensor)


def tflite_tensors(graph: bytes, pixels: Pixels) -> dict[str, Values]:
    """Return the values of every float tensor of a TFLite graph, film by film of `(n, h, w, c)`."""
    tensors = TFLiteTensors(graph)
    return _stacked(dict(tensors.run(film)) for film in pixels)


def onnx_tensors(graph: bytes, pixels: Pixels) -> dict[str, Values]:
    """Return the values of every float tensor of an ONNX graph, film by film of `(n, h, w, c)`."""
    import onnx

    model = onnx.load_model_from_string(graph)
    trace = OnnxTrace(model, [name for node in model.graph.node for name in node.output])
    stacked = _stacked(trace.run(film) for film in pixels)
    return {name: values for name, values in stacked.items() if values.dtype == np.float32}


def _stacked(runs: Iterable[Mapping[str, Values]]) -> dict[str, Values]:
    films = list(runs)
    return {name: np.stack([film[name] for film in films]) for name in films[0]}


def match_tensors(
    reference: Mapping[str, Values], candidates: Mapping[str, Values], tolerance: float = 1e-4
) -> dict[str, str]:
    """Return for each tensor of `candidates` the tensor of `reference` that holds the same values.

    Values decide, not names or layouts: two tensors are the same where their sorted values agree
    within `tolerance` of the largest. Where several match they are copies of each other
    (reshaped, transposed), and any will do. Tensors without a match are left out.
    """
    ordered = {name: np.sort(values, axis=None) for name, values in reference.items()}
    matches: dict[str, str] = {}
    for name, values in candidates.items():
        target = np.sort(values, axis=None)
        limit = tolerance * float(np.abs(target).max(initial=0.0))
        for candidate, have in ordered.items():
            if have.size == target.size and float(np.abs(have - target).max()) <= limit:
                matches[name] = candidate
                break
    return matches
