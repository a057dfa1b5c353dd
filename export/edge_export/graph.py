"""Keras model -> clean float graphs: uint8 pixels in, float logit out, batch fixed at one.

The ONNX graph is made from the float TFLite graph, not from Keras a second time: scaling and
batch normalisation are folded once, so that both formats hold the same tensors and one table of
ranges quantizes both (see `calibrate`). What the detour costs is proved by the parity matrix,
which compares either with Keras itself.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_export.quiet import import_tensorflow, quiet
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import keras
    import onnx

ONNX_OPSET = 17  # the newest that every ONNX Runtime since 1.12 reads


@dataclass(frozen=True, slots=True)
class InputRange:
    """What a model wants instead of grey levels 0..255: `low` for black, `high` for white."""

    low: float = 0.0
    high: float = 255.0


@dataclass(frozen=True, slots=True)
class Network:
    """A Keras classifier, the range its input has, and the same as pixels in, logit out.

    `probability` tells whether the classifier answers with one, or with the logit itself.
    """

    model: keras.Model
    input_range: InputRange
    logits: keras.Model
    probability: bool


def load_model(path: Path) -> keras.Model:
    """Return the Keras model in `path`, refusing one that would run foreign code.

    Raises:
        DataError: no file, not a Keras model, or not one image in and one answer out.
    """
    import_tensorflow()
    import keras

    if not path.is_file():
        raise DataError(path, "no such file", "give a run's folder or a .keras file")
    try:
        with quiet():
            model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        raise DataError(path, f"Keras cannot load it ({_why(error)})", "save it again") from error
    cure = "export an image classifier"
    # A subclassed model, and one that was never built, have neither.
    inputs: list[Any] = getattr(model, "inputs", None) or []
    outputs: list[Any] = getattr(model, "outputs", None) or []
    if (len(inputs), len(outputs)) != (1, 1):
        problem = f"has {len(inputs)} inputs and {len(outputs)} outputs, one of each is needed"
        raise DataError(path, problem, cure)
    shape = inputs[0].shape
    if len(shape) != 4 or None in shape[1:] or shape[3] not in (1, 3):
        problem = f"input of shape {shape}, not one image of fixed size with 1 or 3 channels"
        raise DataError(path, problem, cure)
    return model


def network(model: keras.Model, input_range: InputRange) -> Network:
    """Return `model` with the function from uint8 `(n, h, w, c)` pixels to float `(n, 1)` logits.

    The logit is that of the second class (a single output is the second class). A sigmoid or a
    softmax over two is taken off exactly: `sigmoid(logit)` is the probability the model gave.

    Raises:
        DataError: the model does not end in a dense layer with one of those, or with one logit,
            or TensorFlow cannot run it.
    """
    import keras

    _check_names(model)
    pixels = keras.Input(model.input_shape[1:], dtype="uint8", name="pixels")
    scale = (input_range.high - input_range.low) / 255
    image = keras.ops.cast(pixels, "float32")
    if (scale, input_range.low) != (1.0, 0.0):
        image = keras.layers.Rescaling(scale, input_range.low, name="input_range")(image)
    dense, activation = _last_layer(model)
    body = keras.Model(model.inputs, dense.input, name="body")
    logits = keras.Model(pixels, _logit_layer(dense)(body(image)), name="pixels_to_logit")
    # A model may have any name in Keras, but not all run in TensorFlow, "a b" for one.
    whole = keras.Model(model.inputs, model.outputs[0], name="whole")
    return Network(whole, input_range, logits, probability=activation != "linear")


def _check_names(model: keras.Model) -> None:
    """Refuse what Keras takes for the name of a layer and TensorFlow does not."""
    import keras

    for layer in model._flatten_layers(include_self=False):  # no public counterpart
        inert = isinstance(layer, keras.layers.InputLayer)
        if not inert and not re.fullmatch(r"[A-Za-z0-9_.\\/>-]+", layer.name):
            problem = f"TensorFlow cannot run a layer named {layer.name!r}"
            raise DataError(model.name, problem, "rename it with letters, digits and _")


def _last_layer(model: keras.Model) -> tuple[keras.layers.Dense, str]:
    """Return the dense layer that `model` ends in, and the activation on it, in it or apart."""
    from keras import activations, layers

    output = model.outputs[0]
    dense = last = output._keras_history.operation  # no public counterpart
    activation = getattr(getattr(last, "activation", None), "__name__", "none")
    if isinstance(last, layers.Activation | layers.Softmax):
        activation = "softmax" if isinstance(last, layers.Softmax) else activation
        dense = last.input._keras_history.operation
    if (
        not isinstance(dense, layers.Dense)
        or not (dense is last or dense.activation is activations.linear)
        or len(output.shape) != 2
        or (dense.units, activation) not in ((1, "sigmoid"), (1, "linear"), (2, "softmax"))
    ):
        problem = f"ends in layer {last.name!r} ({type(last).__name__}, activation {activation})"
        cure = "end it in a dense layer with a sigmoid, a softmax over two classes, or one logit"
        raise DataError(model.name, problem, cure)
    return dense, activation


def _logit_layer(dense: keras.layers.Dense) -> keras.layers.Dense:
    """Return a layer of one unit that gives the logit of the last class of `dense`."""
    import keras

    kernel, *bias = dense.get_weights()
    if dense.units == 2:
        # softmax(a, b)[1] = sigmoid(b - a), so the difference of the columns is the logit.
        kernel = kernel[:, 1:] - kernel[:, :1]
        bias = [one[1:] - one[:1] for one in bias]
    logit = keras.layers.Dense(1, use_bias=bool(bias), name="logit")
    logit.build(dense.input.shape)
    logit.set_weights([kernel, *bias])
    return logit


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
            problem = f"has a layer that TFLite cannot express ({_why(error)})"
            raise DataError("model", problem, "replace that layer") from error


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
            problem = f"has a layer that ONNX cannot express ({_why(error)})"
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


def _why(error: Exception) -> str:
    """Return the first line of what a foreign library says, which may go on for pages."""
    # Keras says where it was called first, then in bold what is wrong.
    _, _, said = str(error).rpartition("\x1b[1m")
    return said.strip().partition("\n")[0][:200].removesuffix("\x1b[0m") or type(error).__name__
