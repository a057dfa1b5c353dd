"""Float TFLite -> float ONNX: uint8 pixels in, float logit out, batch fixed at one.

The ONNX graph is made from the float TFLite graph, not from Keras a second time: scaling and
batch normalisation are folded once, so that both formats hold the same tensors and one table of
ranges quantizes both. What the detour costs is proved by the parity matrix, which compares either
with Keras itself.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from edge_export.quiet import first_line, quiet
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import onnx

ONNX_OPSET = 17  # the newest that every ONNX Runtime since 1.12 reads


def to_onnx(tflite: bytes) -> bytes:
    """Return the float ONNX graph of a float TFLite graph, from `pixels` to `logit`.

    Raises:
        DataError: a layer has no counterpart in ONNX; the checker's words name it.
    """
    with tempfile.TemporaryDirectory() as folder, quiet():
        import onnx
        import tf2onnx

        path = Path(folder) / "graph.tflite"
        path.write_bytes(tflite)
        try:
            model, _ = tf2onnx.convert.from_tflite(str(path), opset=ONNX_OPSET)
            _name_plainly(model.graph)
            onnx.checker.check_model(model)
        except Exception as error:
            problem = f"has a layer that ONNX cannot express ({first_line(error)})"
            raise DataError("model", problem, "replace that layer") from error
    model.doc_string = ""
    encoded: bytes = model.SerializeToString(deterministic=True)
    return encoded


def _name_plainly(graph: onnx.GraphProto) -> None:
    """Name and sort what is in `graph` by its order.

    The converter numbers what it makes by a counter of its process and in the order of sets: the
    same model would give other bytes every time.
    """
    names = {graph.input[0].name: "pixels", graph.output[0].name: "logit", "": ""}
    for place, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{place}"
        for tensors in (node.input, node.output):
            tensors[:] = [names.setdefault(name, f"tensor_{len(names)}") for name in tensors]
    for one in (*graph.input, *graph.output, *graph.initializer):
        one.name = names[one.name]
    graph.initializer.sort(key=lambda one: one.name)
    graph.name, graph.doc_string = "pixels_to_logit", ""
    del graph.value_info[:]
