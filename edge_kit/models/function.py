"""Networks that a function of one's own builds: FILE.py:FUNCTION."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_export.graph.head import find_head
from edge_export.quiet import first_line, import_tensorflow
from edge_kit.models.recipe import Architecture, TrainingRecipe
from edge_runtime.errors import DataError, EdgeError, UsageError

if TYPE_CHECKING:
    import keras


def from_function(path: Path, function: str) -> Architecture:
    """Return the network that `function` in the Python file `path` builds; the file is executed.

    The function takes height, width and channels and returns a Keras model of raw grey levels.

    Raises:
        UsageError: no such file or function, or the file cannot be executed.
    """
    if not path.is_file():
        raise UsageError(path, "no such file", "give FILE.py:FUNCTION")
    import_tensorflow()  # quietly, before the file does
    try:
        builder = runpy.run_path(str(path), run_name=path.stem).get(function)
    except Exception as error:
        problem = f"cannot be executed ({type(error).__name__}: {first_line(error)})"
        raise UsageError(path, problem, "correct it") from error
    if not callable(builder):
        cure = f"define {function or 'one'}(height, width, channels)"
        raise UsageError(path, f"has no function {function!r}", cure)

    def build(height: int, width: int, channels: int) -> keras.Model:
        return built(f"{path}:{function}", builder, (height, width, channels))

    return Architecture(word(function), build, TrainingRecipe(epochs=20, batch_size=32))


def built(
    subject: str, function: Callable[[int, int, int], Any], shape: tuple[int, int, int]
) -> keras.Model:
    """Return the network of `function` for films of this `shape`, ending in one sigmoid.

    A softmax over two classes and a bare logit give way to a sigmoid of the same features, which
    says the same of two classes. What could be trained and not exported is refused here.

    Raises:
        DataError: the function fails, or returns something else; `subject` is named.
    """
    import keras

    try:
        model = function(*shape)
    except EdgeError:
        raise
    except Exception as error:
        problem = f"fails for {shape} ({type(error).__name__}: {first_line(error)})"
        raise DataError(subject, problem, "correct it, or choose another size") from error
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        problem = f"returns {type(model).__name__}, no built Keras model"
        raise DataError(subject, problem, "return a Sequential with an Input, or keras.Model")
    shapes = [tuple(tensor.shape) for tensor in model.inputs]
    if shapes != [(None, *shape)]:
        problem = f"takes {', '.join(map(str, shapes))}, not {(None, *shape)}"
        raise DataError(subject, problem, "take one film of raw grey levels, as it is called for")
    if len(model.outputs) != 1:
        raise DataError(subject, f"has {len(model.outputs)} outputs", "give one probability")
    for layer in model._flatten_layers(include_self=False):  # no public counterpart
        kind = type(layer)
        if not kind.__module__.startswith("keras.") or isinstance(layer, keras.layers.Lambda):
            problem = f"layer {layer.name!r} ({kind.__name__}) could not be read back"
            raise DataError(subject, problem, "use layers of Keras, and no Lambda")
    return _one_sigmoid(subject, model)


def _one_sigmoid(subject: str, model: keras.Model) -> keras.Model:
    import keras

    try:
        end = find_head(model)
    except DataError as error:
        raise DataError(subject, error.problem, error.cure) from error
    if end.activation == "sigmoid" and model.output_shape == (None, 1):
        return model
    features = model.inputs[0]
    for body in end.bodies:
        features = body(features)
    answer = keras.layers.Dense(1, activation="sigmoid")(keras.layers.Flatten()(features))
    return keras.Model(model.inputs, answer, name=model.name)


def word(name: str) -> str:
    """Return a name as manifests spell words, without what would tell of the machine."""
    kept = "".join(
        letter if letter.isascii() and letter.isalnum() else "-" for letter in name.lower()
    )
    return kept.strip("-")[:48] or "model"  # with the modality behind, a bundle's name
