"""A model file is read by what it holds, whatever its name; a folder is told what is needed."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from edge_export.graph.open_model import open_model, require_file
from edge_runtime.errors import DataError

IMAGES = np.random.default_rng(0).uniform(0, 255, (6, 16, 16, 1)).astype(np.float32)


def headed(head: layers.Layer) -> keras.Model:
    image = keras.Input((16, 16, 1))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(layers.Rescaling(1 / 255)(image)))
    return keras.Model(image, head(x))


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
@pytest.mark.parametrize(
    ("written", "given"),
    [
        ("model.h5", "model.keras"),
        ("model.keras", "model.h5"),
        ("model.keras", "model"),
        ("model.keras", "model.KERAS"),
        ("model.h5", "best.weights.h5"),
        ("model.h5", "model.H5"),
    ],
)
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_file_is_what_it_holds_whatever_its_ending(
    written: str, given: str, dtype: str, tmp_path: Path
) -> None:
    model = headed(layers.Dense(1, activation="sigmoid", dtype=dtype))
    (tmp_path / "of").mkdir()
    model.save(tmp_path / "of" / written)
    path = (tmp_path / "of" / written).rename(tmp_path / given)
    answers = np.ravel(model.predict_on_batch(IMAGES)).astype(np.float32)
    opened = np.ravel(open_model(path).model.predict_on_batch(IMAGES))
    assert opened == pytest.approx(answers, abs=1e-6 if dtype == "float32" else 1e-2)
    assert [found.name for found in tmp_path.iterdir() if found.is_file()] == [given]


def test_a_folder_is_told_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no config\.json, and a model is one file; give a run's"):
        require_file(tmp_path)
