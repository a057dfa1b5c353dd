"""Damaged model files: configurations with what nobody writes, torn archives, spoiled weights."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from fuzz.mutate import ANY, damaged

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_SIDE = 16
# What stands in a configuration in place of what was there.
_VALUES: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2, 3, 1.5, 1e-9, 1e9, 7, 64, 10**6, 10**9, 2**63, "", "x",
    "float16", "mixed_bfloat16", "int8", "uint8", "channels_first", "softmax", "hard_sigmoid",
    "valid", "causal", [], {}, [None], [0], [1, 2, 3], [[]], [None, 16, 16, 3], [1, 16, 16, 1],
    [None, None, None, 1], [None, 1, 16, 16], [None, 4, 4, 10**8], {"class_name": "Dense"},
    {"class_name": "DTypePolicy", "config": {"name": "mixed_float16"}},
    {"class_name": "QuantizedDTypePolicy", "config": {"mode": "int8", "source_name": "float32"}},
    {"class_name": "function", "config": "os.system"},
)  # fmt: skip
_CLASSES = (
    "Activation", "AveragePooling2D", "BatchNormalization", "Bidirectional", "Conv1D", "Conv2D",
    "Conv2DTranspose", "Conv3D", "Cropping2D", "Dense", "DepthwiseConv2D", "Dropout", "Embedding",
    "Flatten", "Functional", "GRU", "GlobalMaxPooling2D", "InputLayer", "LSTM", "Lambda", "Layer",
    "LayerNormalization", "Masking", "MultiHeadAttention", "NotALayer", "Permute", "PReLU",
    "RandomFlip", "RepeatVector", "Resizing", "Reshape", "SeparableConv2D", "Sequential", "Softmax",
    "SpectralNormalization", "StringLookup", "TFOpLambda", "TFSMLayer", "TimeDistributed",
    "TorchModuleWrapper", "UnitNormalization", "UpSampling2D", "ZeroPadding2D",
)  # fmt: skip
_MODULES = ("keras.layers", "keras", "os", "builtins", "keras.utils", "numpy", "", None, "tf_keras")


def seeds() -> list[bytes]:
    """Return small models of the usual kinds, as `.keras` files."""
    return [_saved(build()) for build in (_plain, _branches, _nested)]


def _saved(model: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return path.read_bytes()


def _plain() -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((_SIDE, _SIDE, 1)), layers.Rescaling(1 / 255), layers.Conv2D(4, 3),
            layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D(2), layers.Flatten(),
            layers.Dropout(0.2), layers.Dense(1, activation="sigmoid"),
        ]
    )  # fmt: skip


def _branches() -> Any:
    import keras
    from keras import layers

    image = keras.Input((_SIDE, _SIDE, 3))
    x = layers.Conv2D(4, 3, 2, padding="same")(image)
    y = layers.Dense(4, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    x = layers.Concatenate()(
        [layers.Multiply()([x, y]), layers.DepthwiseConv2D(3, padding="same")(x)]
    )
    x = layers.LayerNormalization()(layers.Reshape((64, 8))(x))
    x = layers.GlobalAveragePooling1D()(layers.MultiHeadAttention(2, 4)(x, x))
    return keras.Model(image, layers.Dense(2, activation="softmax")(x))


def _nested() -> Any:
    import keras
    from keras import layers

    image = keras.Input((_SIDE, _SIDE, 1))
    inner = keras.Model(image, layers.SeparableConv2D(4, 3, activation="relu")(image), name="inner")
    again = layers.Dense(16, activation="gelu")
    x = layers.Flatten()(layers.AveragePooling2D(7)(inner(image)))
    return keras.Model(image, layers.Activation("sigmoid")(layers.Dense(1)(again(again(x)))))


def damaged_model(seed: bytes, chance: Random) -> bytes:
    """Return a model file of which one part, or the whole, is not as it was written."""
    kind = chance.choices(("config", "metadata", "weights", "members", "bytes"), (12, 1, 3, 1, 3))[
        0
    ]
    if kind == "bytes":
        return bytes(damaged(seed, chance, [seed], ANY))
    with zipfile.ZipFile(io.BytesIO(seed)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    if kind == "members":
        members.pop(chance.choice(list(members)))
        members["model/again.json"] = seed
    elif kind == "weights":
        members[WEIGHTS] = _spoiled(members[WEIGHTS], chance)
    else:
        name = CONFIG if kind == "config" else METADATA
        members[name] = _rewritten(members[name], chance)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _spoiled(weights: bytes, chance: Random) -> bytes:
    """Return a file of weights that is damaged, or holds numbers that are none."""
    import h5py

    if chance.random() < 0.6:
        return bytes(damaged(weights, chance, [weights], ANY))
    held = io.BytesIO(weights)
    with h5py.File(held, "r+") as opened:
        found: list[Any] = []
        opened.visititems(lambda _, node: found.append(node) if hasattr(node, "shape") else None)
        node = chance.choice(found)
        change = chance.choice(("nan", "inf", "huge", "gone", "shape"))
        if change in ("gone", "shape"):
            name, parent = node.name, node.parent
            del opened[name]
            if change == "shape":
                parent.create_dataset(name, data=np.zeros((3, 5), np.float32))
        else:
            node[...] = {"nan": np.nan, "inf": np.inf, "huge": 1e38}[change]
    return held.getvalue()


def _rewritten(text: bytes, chance: Random) -> bytes:
    """Return JSON of which one to four values are others, missing, or there twice."""
    whole = json.loads(text)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        owner, key = chance.choice([*_places(whole)])
        action = chance.random()
        if action < 0.25:
            del owner[key]
        elif action < 0.35 and isinstance(owner, list):
            owner.append(owner[key])
        elif key == "class_name" or action > 0.97:
            owner[key] = chance.choice(_CLASSES)
        elif key == "module":
            owner[key] = chance.choice(_MODULES)
        else:
            owner[key] = chance.choice(_VALUES)
        if not whole:
            break
    return json.dumps(whole).encode()


def _places(whole: Any) -> list[tuple[Any, Any]]:
    places: list[tuple[Any, Any]] = []
    waiting = [whole]
    while waiting:
        node = waiting.pop()
        inner = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in inner:
            places.append((node, key))
            if isinstance(value, dict | list):
                waiting.append(value)
    return places


def judge(path: Path, *, convert: bool = True) -> str:
    """Open the model at `path` and make its int8 graphs; return how far that went.

    Raises:
        Exception: any that is none of ours, which is a find.
    """
    from edge_export.graph.float_graphs import float_graphs
    from edge_export.graph.network import InputRange, load_model, network
    from edge_export.proof.reference import reference_outputs
    from edge_export.quantize.quantizer import Quantizer
    from edge_export.quantize.recipe import INT8, Setting
    from edge_runtime.errors import EdgeError

    try:
        model = load_model(path)
        if not convert:
            return "opened"
        candidate = network(model, InputRange())
        shape = (4, *candidate.model.input_shape[1:])
        pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        reference_outputs(candidate, pixels)
        Quantizer(float_graphs(candidate, pixels), pixels).artefacts(INT8, Setting())
    except EdgeError as error:
        assert "\n" not in str(error), f"more than one line: {error!r}"
        assert len(str(error)) < 2000, "a line nobody reads to its end"
        return type(error).__name__
    return "exported"


def model_case() -> Callable[[Random], tuple[bytes, Callable[[bytes], str]]]:
    """Return what damages model files and exports them, as files."""
    from edge_export.quiet import import_tensorflow

    import_tensorflow()
    known = seeds()
    path = Path(tempfile.mkdtemp(prefix="fuzz-")) / "model.keras"

    def judged(data: bytes) -> str:
        import keras

        path.write_bytes(data)
        try:
            return judge(path)
        finally:
            keras.backend.clear_session(free_memory=True)

    return lambda chance: (damaged_model(chance.choice(known), chance), judged)


def archive_case() -> Callable[[Random], tuple[bytes, Callable[[bytes], str]]]:
    """Return what writes archives that could be model files, and opens them."""
    from edge_export.quiet import import_tensorflow
    from fuzz.grammar import zips

    import_tensorflow()
    path = Path(tempfile.mkdtemp(prefix="fuzz-")) / "model.keras"

    def judged(data: bytes) -> str:
        path.write_bytes(data)
        return judge(path, convert=False)

    return lambda chance: (zips.file(chance), judged)
