"""The applications of Keras as networks of films, with ImageNet's weights where they are."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from edge_export.quiet import import_tensorflow, quiet
from edge_kit.models.function import built, word
from edge_kit.models.recipe import Architecture, TrainingRecipe
from edge_runtime.errors import UsageError

if TYPE_CHECKING:
    import keras


def application(name: str) -> Architecture:
    """Return the application of Keras called `name`: its features, averaged, and one sigmoid.

    It begins with the weights of ImageNet if Keras has them in its cache, and is then trained at a
    tenth of the rate; nothing is downloaded. Its own preprocessing is a layer.

    Raises:
        UsageError: Keras has no such application.
    """
    import_tensorflow()
    import keras

    known = {
        label: constructor
        for label, constructor in vars(keras.applications).items()
        if label[0].isupper()
    }
    if name not in known:
        problem = f"Keras has no application {name!r}"
        raise UsageError("--model", problem, f"one of: {', '.join(sorted(known))}")
    constructor, weights = known[name], cached_weights(known[name])

    def build(height: int, width: int, channels: int) -> keras.Model:
        return built(f"keras:{name}", lambda *shape: _network(constructor, weights, shape),
                     (height, width, channels))  # fmt: skip

    rate, start = (0.0001, "ImageNet's") if weights else (0.001, "random")
    ours = f"{start} weights" + ("" if weights else "; those of ImageNet are not on this machine")
    recipe = TrainingRecipe(epochs=20, batch_size=32, learning_rate=rate)
    return Architecture(word(name), build, recipe, ours=ours)


def _network(
    constructor: Callable[..., keras.Model], weights: Path | None, shape: tuple[int, int, int]
) -> keras.Model:
    from keras import Input, Model, layers

    height, width, channels = shape
    with quiet():
        body = constructor(
            include_top=False,
            weights=weights and str(weights),
            input_shape=(height, width, 3),
            pooling="avg",
        )
    films = Input(shape)
    kernel, bias = preprocessing(constructor)
    if channels == 1:
        kernel = kernel.sum(axis=0, keepdims=True)
    # One layer says it all: grey to three channels, their order, scale and offset.
    prepare = layers.Conv2D(3, 1, trainable=False, name="preprocess")
    prepared = prepare(films)
    prepare.set_weights([kernel[None, None], bias])
    answer = layers.Dense(1, activation="sigmoid")(body(prepared))
    return Model(films, answer, name=word(body.name))


def preprocessing(
    constructor: Callable[..., Any],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return an application's own preprocessing of RGB 0..255, `(3,)`, as `pixel @ kernel + bias`.

    Kernel `(3, 3)` and bias `(3,)`, measured: every application's is affine.
    """
    preprocess = sys.modules[constructor.__module__].preprocess_input
    bias = preprocess(np.zeros((1, 1, 3)))[0, 0]
    return (preprocess(255 * np.eye(3)[None])[0] - bias) / 255, bias


def cached_weights(constructor: Callable[..., Any]) -> Path | None:
    """Return the file of ImageNet's weights in Keras's cache, if it is there and whole."""
    from keras.src.utils import file_utils

    if (asked := _asked(constructor)) is None:
        return None
    name, folder, digest = asked
    file = Path(file_utils.config.keras_home(), folder, name)
    if not file.is_file() or digest is None:
        return file if file.is_file() else None
    with file.open("rb") as stream:  # as long as MD5's or SHA-256's
        actual = hashlib.file_digest(stream, "md5" if len(digest) == 32 else "sha256").hexdigest()
    return file if actual == digest else None


class _Asked(Exception):
    """The download an application asks for: file, folder, and the digest if there is one."""


def _asked(constructor: Callable[..., Any]) -> tuple[str, str, str | None] | None:
    """Return where an application's weights are; only its call for a download tells."""
    from keras.src.utils import file_utils

    def refuse(name: str, *_: str, cache_subdir: str, file_hash: str | None = None) -> NoReturn:
        raise _Asked(name, cache_subdir, file_hash)

    fetch, file_utils.get_file = file_utils.get_file, refuse
    try:
        with quiet():
            try:
                constructor(include_top=False, weights="imagenet", pooling="avg")
            except _Asked as asked:
                return asked.args
    finally:
        file_utils.get_file = fetch
    return None
