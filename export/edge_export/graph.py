"""Keras model -> clean float graphs: uint8 pixels in, float logit out, batch fixed at one.

The ONNX graph is made from the float TFLite graph, not from Keras a second time: scaling and
batch normalisation are folded once, and both formats share tensor names, so that one table of
ranges quantizes both (see `calibrate`). What the detour costs is proved by the parity matrix,
which compares either with Keras itself.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_export.quiet import quiet
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import keras

ONNX_OPSET = 17  # the newest that every ONNX Runtime since 1.12 reads


@dataclass(frozen=True, slots=True)
class InputRange:
    """What a model wants instead of grey levels 0..255: `low` for black, `high` for white."""

    low: float = 0.0
    high: float = 255.0


@dataclass(frozen=True, slots=True)
class Network:
    """A Keras classifier, the range its input has, and the same as pixels in, logit out."""

    model: keras.Model
    input_range: InputRange
    logits: keras.Model


def network(model: keras.Model, input_range: InputRange) -> Network:
    """Return `model` with its `logit_model`.

    Raises:
        DataError: as `logit_model` does.
    """
    return Network(model, input_range, logit_model(model, input_range))


def load_model(path: Path) -> keras.Model:
    """Return the Keras model in `path`, refusing one that would run foreign code.

    Raises:
        DataError: no file, not a Keras model, or not one image in and one decision out.
    """
    import keras

    if not path.is_file():
        raise DataError(path, "no such file", "give a run's folder or a .keras file")
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(path, f"Keras cannot load it ({reason})", "save it again") from error
    shape = model.input_shape
    if isinstance(shape, list) or len(shape) != 4 or None in shape[1:] or shape[3] not in (1, 3):
        problem = f"input of shape {shape}, not one image of fixed size with 1 or 3 channels"
        raise DataError(path, problem, "export an image classifier")
    return model


def logit_model(model: keras.Model, input_range: InputRange) -> keras.Model:
    """Return `model` as a function from uint8 `(n, h, w, c)` pixels to float `(n, 1)` logits.

    The logit is that of the second class (a single output is the second class). A sigmoid or a
    softmax over two is taken off exactly: `sigmoid(logit)` is the probability the model gave.

    Raises:
        DataError: the last layer is none of those.
    """
    import keras

    pixels = keras.Input(model.input_shape[1:], dtype="uint8", name="pixels")
    scale = (input_range.high - input_range.low) / 255
    image = keras.ops.cast(pixels, "float32")
    if (scale, input_range.low) != (1.0, 0.0):
        image = keras.layers.Rescaling(scale, input_range.low, name="input_range")(image)
    body_output, head = _without_activation(model)
    body = keras.Model(model.inputs, body_output, name="body")
    logit = body(image)
    return keras.Model(pixels, head(logit) if head else logit, name="pixels_to_logit")


def _without_activation(model: keras.Model) -> tuple[Any, keras.layers.Layer | None]:
    """Return the tensor before the last activation, and the layer that makes it a logit."""
    import keras

    last = model.layers[-1]
    activation = getattr(last, "activation", None)
    name = getattr(activation, "__name__", "none")
    if isinstance(last, keras.layers.Activation) and name == "sigmoid":
        return last.input, None
    if not isinstance(last, keras.layers.Dense) or (last.units, name) not in (
        (1, "sigmoid"),
        (1, "linear"),
        (2, "softmax"),
    ):
        problem = f"ends in layer {last.name!r} ({type(last).__name__}, activation {name})"
        cure = "end it in a sigmoid, a softmax over two classes, or one logit"
        raise DataError(model.name, problem, cure)
    kernel, *bias = last.get_weights()
    if last.units == 2:
        # softmax(a, b)[1] = sigmoid(b - a), so the difference of the columns is the logit.
        kernel = kernel[:, 1:] - kernel[:, :1]
        bias = [one[1:] - one[:1] for one in bias]
    head = keras.layers.Dense(1, use_bias=bool(bias), name="logit")
    head.build(last.input.shape)
    head.set_weights([kernel, *bias])
    return last.input, head


def to_tflite(model: keras.Model) -> bytes:
    """Return the float TFLite graph of a model made by `logit_model`.

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
        archive.add_endpoint(
            "serve", lambda pixels: {"logit": model(pixels, training=False)}, signature
        )
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        try:
            return bytes(converter.convert())
        except Exception as error:
            reason = str(error).strip().splitlines()[0]
            problem = f"has a layer that TFLite cannot express ({reason})"
            raise DataError(model.name, problem, "replace that layer") from error


def to_onnx(tflite: bytes) -> bytes:
    """Return the float ONNX graph of a float TFLite graph, with the same tensor names."""
    with tempfile.TemporaryDirectory() as folder, quiet():
        import tf2onnx

        path = Path(folder) / "graph.tflite"
        path.write_bytes(tflite)
        graph, _ = tf2onnx.convert.from_tflite(str(path), opset=ONNX_OPSET)
    graph.graph.name = "pixels_to_logit"
    graph.doc_string = graph.graph.doc_string = ""
    encoded: bytes = graph.SerializeToString(deterministic=True)
    return encoded
