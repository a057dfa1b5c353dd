"""Of a model with several answers one is taken by its name; one without any says why."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from edge_export.graph.open_model import open_model
from edge_runtime.errors import DataError, UsageError

IMAGES = np.random.default_rng(0).uniform(0, 255, (6, 16, 16, 1)).astype(np.float32)


def saved(model: keras.Model, folder: Path) -> Path:
    model.save(folder / "model.keras")
    return folder / "model.keras"


@pytest.mark.filterwarnings("ignore:You are saving a model that has not yet been built")
def test_a_model_that_was_never_built_says_how_to_build_it(tmp_path: Path) -> None:
    unbuilt = keras.Sequential([layers.Flatten(), layers.Dense(1, activation="sigmoid")])
    with pytest.raises(DataError, match=r"before it was built: .*; begin it with keras\.Input\("):
        open_model(saved(unbuilt, tmp_path))


def test_an_output_goes_by_its_key_and_by_its_layer(tmp_path: Path) -> None:
    image = keras.Input((16, 16, 1))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(image))
    heads = {
        "dx": layers.Dense(1, activation="sigmoid", name="one")(x),
        "aux": layers.Dense(1, activation="sigmoid", name="two")(x),
        "view": layers.Dense(3, activation="softmax", name="three")(x),
    }
    path = saved((keras.Model(image, heads)), tmp_path)
    listed = r"aux \(two\), dx \(one\), view \(three\)"
    with pytest.raises(UsageError, match=rf"no output 'x'; choose from {listed}"):
        open_model(path, output="x")
    with pytest.raises(DataError, match=rf"3 outputs: {listed}; choose one, --output NAME"):
        open_model(path)
    with pytest.raises(DataError, match=r"model\.keras: output 'view' gives 3 classes"):
        open_model(path, output="view")
    everything = keras.models.load_model(path).predict_on_batch(IMAGES)
    for name in ("dx", "one"):
        opened = open_model(path, output=name)
        answers = np.ravel(opened.model.predict_on_batch(IMAGES))
        assert answers == pytest.approx(np.ravel(everything["dx"]), abs=1e-6)
        assert opened.notes == (f"output {name!r} is exported, no other",)


def test_the_only_answer_of_a_dictionary_is_an_answer(tmp_path: Path) -> None:
    image = keras.Input((16, 16, 1))
    answer = layers.Dense(1, activation="sigmoid")(layers.Flatten()(image))
    path = saved((keras.Model(image, {"dx": answer})), tmp_path)
    opened = open_model(path).model.predict_on_batch(IMAGES)
    told = keras.models.load_model(path).predict_on_batch(IMAGES)["dx"]
    assert np.ravel(opened) == pytest.approx(np.ravel(told), abs=1e-6)
