"""Keras model -> the same network as pixels in, logit out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_export.quiet import first_line, import_tensorflow, quiet
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import keras


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
        raise DataError(
            path, f"Keras cannot load it ({first_line(error)})", "save it again"
        ) from error
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
