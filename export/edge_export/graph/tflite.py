"""Keras -> float TFLite: uint8 pixels in, float logits out, batch fixed at one."""

from __future__ import annotations

import re
import tempfile
from typing import TYPE_CHECKING, Any

from edge_export.graph.activations import finite_activations
from edge_export.graph.network import OUTPUTS
from edge_export.graph.unconvertible import unconvertible_layer
from edge_export.quiet import first_line, quiet
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import keras


def to_tflite(model: keras.Model) -> bytes:
    """Return the float TFLite graph of the `logits` of a `Network`.

    Raises:
        DataError: a layer has no counterpart in TFLite; it is named.
    """
    try:
        return convert(model)
    except DataError as error:
        layer = unconvertible_layer(model, convert, error.problem)
        problem = f"has {layer} that TFLite cannot express ({error.problem})"
        raise DataError("model", problem, "replace that layer") from error


def convert(model: keras.Model) -> bytes:
    """Return the float TFLite graph of any Keras model, its batch fixed at one.

    Through a SavedModel: from a concrete function the converter cannot read Keras 3 variables.

    Raises:
        DataError: the converter failed; the problem is its reason in a few words.
    """
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter
    from keras.export import ExportArchive

    # A batch fixed at one leaves no shape arithmetic in the graph.
    signature = [
        tf.TensorSpec((1, *tensor.shape[1:]), tensor.dtype, name=tensor.name)
        for tensor in model.inputs
    ]
    with tempfile.TemporaryDirectory() as folder, quiet(), finite_activations():
        archive = ExportArchive()
        archive.track(model)
        try:
            archive.add_endpoint("serve", lambda *images: _named(model, images), signature)
            archive.write_out(folder, verbose=False)
            graph = bytes(tf.lite.TFLiteConverter.from_saved_model(folder).convert())
            # The converter writes some graphs (an FFT's) that the interpreter cannot lay out.
            Interpreter(model_content=graph, num_threads=1).allocate_tensors()
        except Exception as error:
            operations = re.search(r"^TF (?:Select|Custom) ops: .*", str(error), re.MULTILINE)
            reason = operations.group() if operations else first_line(error)
            raise DataError("model", reason) from error
    return _in_order(graph)


def _named(model: keras.Model, images: tuple[Any, ...]) -> dict[str, Any]:
    """Return what a model gives by names whose order is that of its outputs."""
    outputs = model([*images], training=False)
    several = outputs if isinstance(outputs, list | tuple) else [outputs]
    # A part of a model, converted to find a fault in it, may give more than a network does.
    spare = [f"{OUTPUTS[-1]}_{place:04}" for place in range(len(several))]
    return dict(zip((*OUTPUTS, *spare), several, strict=False))


def _in_order(graph: bytes) -> bytes:
    """Return a graph with its outputs in the order of their names, which the converter ignores."""
    from ai_edge_litert import schema_py_generated as schema

    ordered = bytearray(graph)
    model = schema.Model.GetRootAs(ordered)
    signature = model.SignatureDefs(0)
    ends = [signature.Outputs(place) for place in range(signature.OutputsLength())]
    # A view of the bytes themselves: nothing is packed anew, nothing else can change.
    places = model.Subgraphs(0).OutputsAsNumpy()
    places[:] = [end.TensorIndex() for end in sorted(ends, key=lambda end: end.Name())]
    return bytes(ordered)
