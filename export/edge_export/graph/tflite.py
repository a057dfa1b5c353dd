"""Keras -> float TFLite: uint8 pixels in, float logit out, batch fixed at one."""

from __future__ import annotations

import re
import tempfile
from typing import TYPE_CHECKING

from edge_export.graph.blame import blame
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
        problem = f"has {blame(model, convert)} that TFLite cannot express ({error.problem})"
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
        tf.TensorSpec((1, *one.shape[1:]), one.dtype, name=one.name) for one in model.inputs
    ]
    with tempfile.TemporaryDirectory() as folder, quiet():
        archive = ExportArchive()
        archive.track(model)
        try:
            archive.add_endpoint(
                "serve", lambda *images: {"logit": model([*images], training=False)}, signature
            )
            archive.write_out(folder, verbose=False)
            graph = bytes(tf.lite.TFLiteConverter.from_saved_model(folder).convert())
            # The converter writes some graphs (an FFT's) that the interpreter cannot lay out.
            Interpreter(model_content=graph, num_threads=1).allocate_tensors()
        except Exception as error:
            operations = re.search(r"^TF (?:Select|Custom) ops: .*", str(error), re.MULTILINE)
            reason = operations.group() if operations else first_line(error)
            raise DataError("model", reason) from error
    return graph
