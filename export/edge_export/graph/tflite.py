"""Keras -> float TFLite: uint8 pixels in, float logit out, batch fixed at one."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from edge_export.quiet import first_line, quiet
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import keras


def to_tflite(model: keras.Model) -> bytes:
    """Return the float TFLite graph of the `logits` of a `Network`.

    Through a SavedModel: from a concrete function the converter cannot read Keras 3 variables.

    Raises:
        DataError: a layer has no counterpart in TFLite; the converter's words name it.
    """
    import tensorflow as tf
    from keras.export import ExportArchive

    # A batch fixed at one leaves no shape arithmetic in the graph.
    signature = [tf.TensorSpec((1, *model.input_shape[1:]), tf.uint8, name="pixels")]
    with tempfile.TemporaryDirectory() as folder, quiet():
        archive = ExportArchive()
        archive.track(model)
        try:
            archive.add_endpoint(
                "serve", lambda pixels: {"logit": model(pixels, training=False)}, signature
            )
            archive.write_out(folder, verbose=False)
            return bytes(tf.lite.TFLiteConverter.from_saved_model(folder).convert())
        except Exception as error:
            problem = f"has a layer that TFLite cannot express ({first_line(error)})"
            raise DataError("model", problem, "replace that layer") from error
