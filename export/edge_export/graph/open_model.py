"""A model that somebody saved, opened as a classifier of one image: rewritten where that helps.

A configuration is data of a stranger. Nothing in it is run, and what it would allocate is bounded
by what its file holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_export.graph.channels_last import channels_last, has_channels_first
from edge_export.graph.classifier import as_classifier
from edge_export.graph.keras2 import AGAIN, for_keras3
from edge_export.graph.keras2_weights import read_weights
from edge_export.graph.model_config import (
    Config,
    in_float32,
    layer_name,
    layers_of,
    quantized_by_keras,
)
from edge_export.graph.model_file import (
    ModelFile,
    named_by_content,
    open_file,
    refuse_unpacked,
    repacked,
)
from edge_export.quiet import first_line, import_tensorflow, quiet
from edge_runtime.errors import DataError, EdgeError

if TYPE_CHECKING:
    import keras

_UNREADABLE = "Keras cannot load it"
# Weights beyond those in the file: what a generator of random numbers or a new layer counts.
_SPARE_WEIGHTS = 1 << 16
# Values of one tensor for one image, 1 GiB of floats.
_LARGEST_MAP = 1 << 28
_BATCH = 32


@dataclass(frozen=True, slots=True)
class OpenedModel:
    """A model as it is exported, and `before`, the model as it was saved, where they differ.

    `notes` has a line for whatever was rewritten.
    """

    model: keras.Model
    notes: tuple[str, ...] = ()
    before: keras.Model | None = None


def open_model(path: Path, side: int | None = None, output: str | None = None) -> OpenedModel:
    """Return the classifier in `path`, in float32, refusing one that would run foreign code.

    `side` is the size of its images where it has none, `output` the name of the output to keep
    where it has several.

    Raises:
        DataError: no file, none that Keras saved, a layer that has to be replaced, which is named,
            or not one image in and one answer out, with at most a film / not-film logit beside it.
        UsageError: size or output have to be chosen, or cannot be.
    """
    import_tensorflow()
    require_file(path)
    with open_file(path) as file, quiet(), _named(path, _UNREADABLE), _bounded(path, file):
        opened = _opened(file)
    with quiet(), _named(path, "is no classifier that can be exported"):
        model, notes = as_classifier(path, opened.model, side, output)
        before = opened.before
        if before is not None and before.inputs[0].shape[-1] in (1, 3):  # not channels first
            before, _ = as_classifier(path, before, side, output)
    return OpenedModel(model, (*opened.notes, *notes), before)


def difference(opened: OpenedModel, images: NDArray[np.float32]) -> float | None:
    """Return how far answers of the model as saved and as exported lie apart, at most.

    `images` `(n, h, w, c)` are what the model takes. `None` where TensorFlow cannot run the model
    as it was saved.
    """
    if opened.before is None:
        return 0.0
    _, *sides = opened.before.inputs[0].shape
    turned = images if tuple(sides) == images.shape[1:] else images.transpose(0, 3, 1, 2)
    try:
        with quiet():
            saved = opened.before.predict(turned, batch_size=_BATCH, verbose=0)
    except Exception:  # whatever a kernel lacks; the model that is exported is proved by itself
        return None
    exported = opened.model.predict(images, batch_size=_BATCH, verbose=0)
    first = [
        np.asarray(answer[0] if isinstance(answer, list) else answer, np.float64)
        for answer in (saved, exported)
    ]
    return float(np.abs(first[0] - first[1]).max())


def require_file(path: Path) -> None:
    """Refuse what is no file, and name a SavedModel or an unpacked `.keras` file for what it is.

    Raises:
        DataError: always where `path` is a folder, or is not there.
    """
    if (path / "saved_model.pb").is_file():
        who, code = "TensorFlow", "model.save('NAME.keras') where the model was made"
        if (path / "keras_metadata.pb").is_file():
            who, code = "Keras 2", f"tf_keras.models.load_model('{path}').save('NAME.h5')"
        problem = f"is a SavedModel of {who}, a program without layers that could be quantized"
        raise DataError(path, problem, f"save it again as one file: {code}")
    refuse_unpacked(path)
    if path.is_dir():
        cure = "give a run's folder, or the one file that model.save('NAME.keras') writes"
        raise DataError(path, "is no run: it has no config.json, and a model is one file", cure)
    if not path.is_file():
        raise DataError(path, "no such file", "give a run's folder or a .keras file")


def _opened(file: ModelFile) -> OpenedModel:
    path, config, notes = file.path, file.config, list[str]()
    if quantized := quantized_by_keras(config):
        problem = f"Keras has quantized {quantized}"
        raise DataError(path, problem, "export the model from before model.quantize(...)")
    if file.keras2:
        config = for_keras3(path, config)
        notes.append(f"Keras {file.version} saved the model; its weights were read by their names")
    _refuse_code(path, config)
    exact, policies = in_float32(config)
    model = _loaded(file, exact if file.keras2 or policies else None)
    before = None
    if policies:
        notes.append(f"computed in {', '.join(policies)}; exported in float32, same weights")
        before = _loaded(file, config if file.keras2 else None)
    _require_small(path, model)
    if has_channels_first(model):
        before = before or model
        with _named(path, "cannot be rewritten channels last"):
            model = channels_last(model)
        notes.append("computes channels first; exported channels last, same weights")
    return OpenedModel(model, tuple(notes), before)


def _loaded(file: ModelFile, config: Config | None) -> keras.Model:
    """Return the model of a file, by another `config` than its own where one is given."""
    import keras

    if config is not None and file.keras2:
        # What Keras reads it takes out of the configuration.
        model = keras.saving.deserialize_keras_object(deepcopy(config), safe_mode=True)
        if not isinstance(model, keras.Model):
            raise DataError(file.path, f"holds a {type(model).__name__}, no model", AGAIN)
        read_weights(file.path, model, config, file.weights)
        return model
    with named_by_content(file) if config is None else repacked(file, config) as named:
        return keras.models.load_model(named, compile=False, safe_mode=True)


def _refuse_code(path: Path, config: Config) -> None:
    for layer in layers_of(config):
        if layer["class_name"] == "Lambda":
            problem = f"{layer_name(layer)} holds code, which is not run"
            raise DataError(path, problem, "put layers of Keras in its place")


def _require_small(path: Path, model: keras.Model) -> None:
    """Refuse a layer whose output, for one image, would fill the memory."""
    import keras

    for layer in model._flatten_layers(include_self=False):
        if isinstance(layer, keras.Model):
            continue
        for node in layer._inbound_nodes:
            for tensor in node.output_tensors:
                size = prod(side or 1 for side in tensor.shape[1:])
                if size > _LARGEST_MAP:
                    problem = f"layer {layer.name!r} gives {size:,} values for one image"
                    raise DataError(path, problem, "give it smaller maps")


@contextmanager
def _bounded(path: Path, file: ModelFile) -> Iterator[None]:
    """Refuse to make more weights than the file holds: a number in a text may be any."""
    import keras

    counted, made = 0, keras.layers.Layer.add_weight

    def add_weight(layer: Any, shape: Any = None, *options: Any, **named: Any) -> Any:
        nonlocal counted
        sides = (shape,) if isinstance(shape, int) else shape or ()
        counted += prod(sides)
        # A model with two policies is made twice.
        if counted > 2 * file.count + _SPARE_WEIGHTS:
            problem = f"layer {layer.name!r} wants more weights than the file holds"
            raise DataError(path, problem, "save it again")
        return made(layer, shape, *options, **named)

    keras.layers.Layer.add_weight = add_weight
    try:
        yield
    finally:
        keras.layers.Layer.add_weight = made


@contextmanager
def _named(path: Path, what: str) -> Iterator[None]:
    """Turn what Keras says of a model, within pages of its configuration, into one line."""
    try:
        yield
    except EdgeError:
        raise
    except Exception as error:
        unknown = re.search(r"Could not locate (class|function) '[^']*'", str(error))
        # Of what is nested the innermost says what is wrong.
        innermost = ValueError(str(error).rpartition("Exception encountered: ")[2])
        reason = unknown.group() if unknown else first_line(innermost)
        cure = "use layers of Keras" if unknown else "save it again"
        raise DataError(path, f"{what} ({reason})", cure) from error
