"""The head of a classifier: what turns features into logits, in any of its usual forms."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import keras

FILM = "film"
"""The name of the dense layer that gives a model's second output, a film branch, if it has one."""

# Layers that leave one or two numbers unchanged after training, by the names of Keras.
_INERT = frozenset(
    (
        *("ActivityRegularization", "AlphaDropout", "Dropout", "Flatten", "GaussianDropout"),
        *("GaussianNoise", "Identity", "Reshape"),
    )
)
# Layers, and operations written without a layer, that are an activation and nothing else.
_ACTIVATIONS = {"Sigmoid": "sigmoid", "Softmax": "softmax"}


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a classifier of `classes` outputs (1 or 2), with `activation` taken off.

    `bodies`, each called on the output of the one before, give the features that the `dense` layer
    takes. Without a dense layer (`None`) they give the logits themselves.
    """

    bodies: tuple[keras.Model, ...]
    dense: keras.layers.Dense | None
    activation: str
    classes: int


def find_head(model: keras.Model, output: int = 0) -> Head:
    """Return the head of an output of `model`, searched backwards; nested models are entered.

    Raises:
        DataError: no single logit can be taken from it; the layer is named.
    """
    import keras

    owner, tensor = model, model.outputs[output]
    # The models that `owner` is nested in, each with what it gives to the next.
    around: list[tuple[Any, Any]] = []
    activation, last = "linear", None
    while True:
        layer, source = _producer(tensor)
        if isinstance(layer, keras.Model) and len(layer.outputs) == 1:
            around.append((owner, source))
            owner, tensor = layer, layer.outputs[0]
        elif isinstance(layer, keras.layers.InputLayer) and around:
            owner, tensor = around.pop()
        elif type(layer).__name__ in _INERT:
            tensor = source
        else:
            last = last or layer
            if activation != "linear" or not _only_activates(layer, tensor):
                break
            activation, tensor = _activation(layer), source
    dense = layer if isinstance(layer, keras.layers.Dense) else None
    if dense is not None:
        activation = _joined(activation, _activation(dense))
        tensor = source
    classes = _size(tensor) if dense is None else dense.units
    accepted = [(1, "sigmoid"), (2, "softmax"), *([(1, "linear")] if dense is not None else [])]
    # A dense layer on a map gives one answer a pixel, not one a film.
    on_a_map = dense is not None and _size(tensor) != tensor.shape[-1]
    if on_a_map or (classes, activation) not in accepted:
        raise _unsuitable(model, last or layer, model.outputs[output], activation)
    # Named here, because the names that Keras gives count what the process has made before.
    bodies = [
        keras.Model(body.inputs, end, name=f"body_{output}_{place}" if output else f"body_{place}")
        for place, (body, end) in enumerate([*around, (owner, tensor)])
    ]
    return Head(tuple(bodies), dense, activation, classes)


def _size(tensor: Any) -> int:
    """Return how many values a symbolic tensor has for one film; 0 where that is not known."""
    return prod(side or 0 for side in tensor.shape[1:])


def _unsuitable(model: keras.Model, last: Any, answers: Any, applied: str) -> DataError:
    """Return why no single logit can be taken from a model that ends in `last`, and what helps.

    `answers` is its symbolic output, `applied` names the activations that were found before it.
    """
    where = f"layer {last.name!r} ({type(last).__name__}, activation {_activation(last)})"
    if _size(answers) != answers.shape[-1]:
        problem = f"gives an answer for each place of a map, in {where}"
        cure = "pool the map to one answer for each image (GlobalAveragePooling2D)"
    elif " and " in applied:
        problem = f"applies {applied} one after the other, up to {where}"
        cure = "train it with one of them"
    else:
        dense = type(last).__name__ == "Dense" and applied == "linear"
        problem, cure = _of_units(answers.shape[-1], "logit" if dense else _activation(last))
        problem = f"{problem} {where}"
    return DataError(model.name, problem, cure)


def _of_units(units: int, kind: str) -> tuple[str, str]:
    """Return what is wrong with so many units of an activation, or logits, and what helps."""
    again = "train its last layer again for two: the positive class, and the rest"
    keep = "keep one of them: a dense layer of one unit with that column of the weights"
    soften = "if they are of two classes, save keras.Sequential([model, keras.layers.Softmax()])"
    told = "where one class is told from another, in"
    if kind == "softmax" and units == 1:
        cure = "train it with a sigmoid, or with a softmax over two classes"
        return "gives 1 whatever the image shows, in", cure
    if kind == "logit" and units == 2:
        return "gives 2 logits without a softmax over them, in", soften
    many = {"softmax": ("classes", again), "logit": ("logits", again)}
    many["sigmoid"] = "answers of their own", keep
    if kind in many and units > (1 if kind == "sigmoid" else 2):
        what, cure = many[kind]
        return f"gives {units} {what} {told}", cure
    cure = "end it in a dense layer with a sigmoid, a softmax over two classes, or one logit"
    return "ends in", cure


def find_film_head(model: keras.Model) -> Head | None:
    """Return the head of the film branch, which is the second output, if there is one.

    Raises:
        DataError: that output is not one logit of a dense layer named `FILM`, or its branch has
            weights that the decision has too.
    """
    if len(model.outputs) == 1:
        return None
    cure = f"make it a branch of its own that ends in a dense layer {FILM!r} of one unit, linear"
    try:
        head = find_head(model, 1)
    except DataError as error:
        raise DataError(model.name, f"the second output {error.problem}", cure) from error
    if head.dense is None or (head.dense.name, head.classes, head.activation) != (
        FILM,
        1,
        "linear",
    ):
        raise DataError(model.name, f"the second output is no logit of a layer {FILM!r}", cure)
    # Weights of both could not be quantized for the decision and kept float for the film logit.
    shared = set(_weights(head)) & set(_weights(find_head(model)))
    if shared:
        path = min(_weights(head)[weight] for weight in shared)
        raise DataError(model.name, f"the second output shares {path} with the decision", cure)
    return head


def without_film_branch(model: keras.Model) -> keras.Model:
    """Return the model with its decision alone: whatever it is shown, it judges."""
    import keras

    if len(model.outputs) == 1:
        return model
    return keras.Model(model.inputs, model.outputs[0], name=model.name)


def _weights(head: Head) -> dict[int, str]:
    """Return the names of all weights up to a head, by identity."""
    owners = [*head.bodies, *([head.dense] if head.dense is not None else [])]
    return {id(weight): str(weight.path) for owner in owners for weight in owner.weights}


def _producer(tensor: Any) -> tuple[Any, Any]:
    """Return the layer that computes a symbolic tensor, and its first input (None for an input)."""
    history = tensor._keras_history  # no public counterpart
    taken = history.operation._inbound_nodes[history.node_index].input_tensors
    return history.operation, taken[0] if taken else None


def _activation(layer: Any) -> str:
    named = getattr(getattr(layer, "activation", None), "__name__", "none")
    return _ACTIVATIONS.get(type(layer).__name__, str(named))


def _only_activates(layer: Any, tensor: Any) -> bool:
    """Tell whether `layer` is an activation and nothing else, a softmax over the classes."""
    kind = type(layer).__name__
    if _activation(layer) == "softmax":
        rank = len(tensor.shape)
        over_classes = getattr(layer, "axis", -1) in (-1, rank - 1) and tensor.shape[-1] == 2
        return kind in ("Softmax", "Activation") and over_classes
    return kind in (*_ACTIVATIONS, "Activation")


def _joined(apart: str, own: str) -> str:
    """Return the only activation of a dense layer and what follows it, or the names of both."""
    if "linear" in (apart, own):
        return own if apart == "linear" else apart
    return f"{own} and {apart}"
