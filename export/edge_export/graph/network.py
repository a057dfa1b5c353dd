"""Keras model -> the same network as pixels in, logit out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_export.graph.head import Head, find_film_head, find_head
from edge_export.graph.input_transform import InputTransform
from edge_export.graph.open_model import open_model
from edge_export.quiet import one_line
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import keras


RUN_MODEL = "model.keras"
"""The name of the network in the folder of a training run."""


@dataclass(frozen=True, slots=True)
class InputRange:
    """The input range of a model in place of 0..255: `low` for black, `high` for white."""

    low: float = 0.0
    high: float = 255.0

    @property
    def option(self) -> str:
        """How a command line orders it."""
        return f"--input-range {self.low:g},{self.high:g}"

    @property
    def words(self) -> str:
        """What becomes of the pixels, in words."""
        return f"black is {self.low:g}, white {self.high:g}"

    def pixel_channels(self, channels: int) -> int:
        """Return how many channels of pixels a model of `channels` takes: as many."""
        return channels

    def symbolic(self, image: Any) -> Any:
        """Return the model's symbolic input for float pixels."""
        import keras

        scale = (self.high - self.low) / 255
        if (scale, self.low) == (1.0, 0.0):
            return image
        return keras.layers.Rescaling(scale, self.low, name="input_range")(image)

    def images(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the model's input `(n, h, w, channels)` for pixels."""
        black, white = np.float32(self.low), np.float32(self.high)
        scaled: NDArray[np.float32] = pixels.astype(np.float32) * ((white - black) / 255) + black
        return scaled


OUTPUTS = ("logit", "logit_film")
"""The names of the outputs of a graph, one or two.

In alphabetical order, by which LiteRT numbers outputs whatever their order in the file.
"""


@dataclass(frozen=True, slots=True)
class Network:
    """A Keras classifier, what it takes of pixels, and the same network from pixels to logits.

    `logits` gives the decision first and then the film / not-film logit, where there is one.
    `probability` tells whether the classifier gives a probability or the logit itself.
    """

    model: keras.Model
    input_range: InputTransform
    logits: keras.Model
    probability: bool


def load_model(path: Path) -> keras.Model:
    """Return the Keras model in `path` as it is exported, refusing one that would run foreign code.

    Raises:
        DataError: as `open_model` does.
        UsageError: likewise.
    """
    return open_model(path).model


@one_line("model", "its layers cannot be put together again", "save it again")
def network(model: keras.Model, input_range: InputTransform) -> Network:
    """Return `model` with the function from uint8 `(n, h, w, c)` pixels to float `(n, 1)` logits.

    The first logit is that of the second class (a single output is the second class). A sigmoid or
    a softmax over two is taken off exactly: `sigmoid(logit)` is the probability the model gave.
    The last layer is always a dense one, so that quantizers can leave it float. The
    second logit, where `model` has a film / not-film branch, is that branch's own.

    Raises:
        DataError: the model does not end in one of those, or in a dense layer of one logit, its
            second output is no film logit, or TensorFlow cannot run it.
        UsageError: `input_range` is not for a model of so many channels.
    """
    import keras

    _check_layers(model)
    *size, channels = model.input_shape[1:]
    shape = (*size, input_range.pixel_channels(channels))
    pixels = keras.Input(shape, dtype="uint8", name="pixels")
    image = input_range.symbolic(keras.ops.cast(pixels, "float32"))
    head, film = find_head(model), find_film_head(model)
    heads = zip(OUTPUTS, [head, *([film] if film else [])], strict=False)
    outputs = [_logit(head, image, name) for name, head in heads]
    logits = keras.Model(pixels, outputs, name="pixels_to_logit")
    answer, *others = model.outputs
    if len(answer.shape) > 2:
        answer = keras.layers.Flatten(name="answer")(answer)
    # A model may have any name in Keras, but not all run in TensorFlow, "a b" for one.
    whole = keras.Model(model.inputs, [answer, *others], name="whole")
    return Network(whole, input_range, logits, probability=head.activation != "linear")


def predicted(model: keras.Model, images: NDArray[Any]) -> list[NDArray[np.float32]]:
    """Return a list of the outputs of `model` for `(n, h, w, c)` images."""
    outputs = model.predict_on_batch(images)
    return outputs if isinstance(outputs, list) else [outputs]


def _check_layers(model: keras.Model) -> None:
    """Refuse weights that are not finite, and names that Keras accepts and TensorFlow does not."""
    import keras

    for layer in model._flatten_layers(include_self=False):  # no public counterpart
        inert = isinstance(layer, keras.layers.InputLayer)
        if not inert and not re.fullmatch(r"[A-Za-z0-9_.\\/>-]+", layer.name):
            problem = f"TensorFlow cannot run a layer named {layer.name!r}"
            raise DataError(model.name, problem, "rename it with letters, digits and _")
        if not all(np.isfinite(np.asarray(weight)).all() for weight in layer.weights):
            problem = f"not_finite: layer {layer.name!r} has weights that are not finite"
            raise DataError(model.name, problem, "train it again")


def _logit(head: Head, image: Any, name: str) -> Any:
    """Return the symbolic logit that `head` gives for an image, by a dense layer `name`."""
    import keras

    features = image
    for body in head.bodies:
        features = body(features)
    if len(features.shape) > 2:
        features = keras.layers.Flatten(name=f"{name}_features")(features)
    return _logit_layer(head, name)(features)


def _logit_layer(head: Head, name: str) -> keras.layers.Dense:
    """Return a layer of one unit that gives the logit of the last class of `head`."""
    import keras

    if head.dense is None:
        kernel, bias = np.eye(head.classes, dtype=np.float32), [np.zeros(head.classes, np.float32)]
    else:
        kernel, *bias = head.dense.get_weights()
        bias = bias or [np.zeros(head.classes, np.float32)]
    if head.classes == 2:
        # softmax(a, b)[1] = sigmoid(b - a), so the difference of the columns is the logit.
        kernel = kernel[:, 1:] - kernel[:, :1]
        bias = [values[1:] - values[:1] for values in bias]
    # What quantization shifts the logit by is taken out of the bias again, and the converter
    # drops a bias of zero. This one moves no logit, and the two outputs' are not stored as one.
    nothing = np.finfo(np.float32).tiny * (1 + OUTPUTS.index(name))
    bias = [np.where(values == 0, nothing, values) for values in bias]
    logit = keras.layers.Dense(1, name=name)
    logit.build((None, len(kernel)))
    logit.set_weights([kernel, *bias])
    return logit
