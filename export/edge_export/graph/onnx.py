"""Float TFLite -> float ONNX: uint8 pixels in, float logits out, batch fixed at one.

The ONNX graph is made from the float TFLite graph, not from Keras a second time: scaling and
batch normalisation are folded once, so that both formats hold the same tensors and one table of
ranges quantizes both. The parity matrix compares both with Keras itself and shows what the
detour costs.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from edge_export.graph.converter_memory import copies_given_back
from edge_export.graph.layout import fold_layout
from edge_export.graph.network import OUTPUTS
from edge_export.graph.onnx_operators import register
from edge_export.graph.tflite import convert
from edge_export.graph.unconvertible import unconvertible_layer
from edge_export.quiet import first_line, quiet
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import keras
    import onnx

ONNX_OPSET = 17  # the newest that every ONNX Runtime since 1.12 reads


def to_onnx(tflite: bytes, origin: keras.Model | None = None) -> bytes:
    """Return the float ONNX graph of a float TFLite graph, from `pixels` to `OUTPUTS`.

    `origin` is the Keras model that the graph was made from, to find a layer's name in.

    Raises:
        DataError: a layer has no counterpart in ONNX; it is named as far as it can be.
    """
    import onnx

    try:
        model = _translate(tflite)
    except DataError as error:
        layer = "a layer"
        if origin is not None:
            layer = unconvertible_layer(
                origin, lambda part: _translate(convert(part)), error.problem
            )
        problem = f"has {layer} that ONNX cannot express ({error.problem})"
        raise DataError("model", problem, "replace that layer") from error
    fold_layout(model)
    _order(model.graph)
    _name_plainly(model.graph)
    model.doc_string = ""
    # The converter declares domains that no node uses.
    plain = [opset for opset in model.opset_import if not opset.domain]
    del model.opset_import[:]
    model.opset_import.extend(plain)
    onnx.checker.check_model(model)
    encoded: bytes = model.SerializeToString(deterministic=True)
    return encoded


def _translate(tflite: bytes) -> onnx.ModelProto:
    """Return the ONNX graph of a TFLite graph as the converter writes it.

    Raises:
        DataError: it failed; the problem is its reason in a few words.
    """
    with tempfile.TemporaryDirectory() as folder, quiet():
        import onnx
        import tf2onnx

        register()
        path = Path(folder) / "graph.tflite"
        path.write_bytes(tflite)
        try:
            model: onnx.ModelProto
            with copies_given_back():
                model, _ = tf2onnx.convert.from_tflite(str(path), opset=ONNX_OPSET)
            onnx.checker.check_model(model, full_check=True)
        except Exception as error:
            raise DataError("model", first_line(error)) from error
    return model


def _order(graph: onnx.GraphProto) -> None:
    """Put nodes in the order in which the outputs need them, the decision's first.

    The converter writes nodes that do not depend on each other in the order of a set.
    """
    makers = {name: node for node in graph.node for name in node.output}
    ordered: dict[str, onnx.NodeProto] = {}
    waiting = [output.name for output in reversed(graph.output)]
    while waiting:
        node = makers.get(waiting[-1])
        needed = [] if node is None else [makers[name] for name in node.input if name in makers]
        missing = next((maker for maker in needed if maker.output[0] not in ordered), None)
        if missing is not None:
            waiting.append(missing.output[0])
            continue
        waiting.pop()
        if node is not None:
            ordered.setdefault(node.output[0], node)
    del graph.node[:]
    graph.node.extend(ordered.values())


def _name_plainly(graph: onnx.GraphProto) -> None:
    """Name and sort what is in `graph` by its order.

    The converter numbers names by a counter of its process and in the order of sets, so that the
    same model would give different bytes every time.
    """
    renamed = zip((output.name for output in graph.output), OUTPUTS, strict=False)
    names = {graph.input[0].name: "pixels", **dict(renamed), "": ""}
    for place, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{place}"
        for tensors in (node.input, node.output):
            tensors[:] = [names.setdefault(name, f"tensor_{len(names)}") for name in tensors]
    for tensor in (*graph.input, *graph.output, *graph.initializer):
        tensor.name = names[tensor.name]
    graph.initializer.sort(key=lambda initializer: initializer.name)
    graph.name, graph.doc_string = "pixels_to_logit", ""
    del graph.value_info[:]
