"""Several classifiers as one network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_export.graph.head import Head, find_film_head, find_head
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import keras


def mean_of_logits(models: Sequence[keras.Model]) -> keras.Model:
    """Return the network whose logit is the mean of those of `models`, all of one input shape.

    That is the logarithmic opinion pool with equal weights: Genest and Zidek, Statistical Science 1
    (1986) 114. It is one dense layer over the features of all, so that it ends as each of them
    does. The film branch, where there is one, is that of the first. The models lose nothing: layers
    and weights are shared with them.

    Raises:
        DataError: a model does not end in one sigmoid.
    """
    import keras

    films = keras.Input(models[0].input_shape[1:])
    features, kernels, biases = [], [], []
    for number, model in enumerate(models, 1):
        end = find_head(model)
        if (end.classes, end.activation) != (1, "sigmoid"):
            problem = f"ends in {end.classes} outputs, activation {end.activation}"
            raise DataError(model.name, problem, "give classifiers that end in one sigmoid")
        features.append(_body(end, f"member_{number}")(films))
        kernel, bias = _head(end)
        kernels.append(kernel / len(models))
        biases.append(bias / len(models))
    head = keras.layers.Dense(1, activation="sigmoid", name="ensemble")
    outputs = [head(keras.layers.Concatenate(name="features")(features))]
    head.set_weights([np.concatenate(kernels), np.sum(biases, axis=0)])
    film = find_film_head(models[0])
    if film is not None and film.dense is not None:
        outputs.append(film.dense(_body(film, "film_branch")(films)))
    return keras.Model(films, outputs, name="ensemble")


def _body(end: Head, name: str) -> keras.Model:
    """Return what leads to the features `(n, f)` of an end, as one model."""
    import keras

    first, *others = end.bodies
    features = first.outputs[0]
    for body in others:
        features = body(features)
    if len(features.shape) > 2:
        features = keras.layers.Flatten()(features)
    return keras.Model(first.inputs, features, name=name)


def _head(end: Head) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return kernel `(f, 1)` and bias `(1,)` of the logit; without a dense layer it is there."""
    if end.dense is None:
        return np.ones((1, 1), np.float32), np.zeros(1, np.float32)
    kernel, *bias = end.dense.get_weights()
    return kernel, bias[0] if bias else np.zeros(1, np.float32)
