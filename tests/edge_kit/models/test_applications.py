"""An application of Keras gets its own preprocessing, and only weights that are on this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_kit.models.applications import application, cached_weights, preprocessing
from edge_runtime.errors import UsageError

pytestmark = pytest.mark.usefixtures("tiny")

MEAN = np.array([10.0, 20.0, 30.0])


def preprocess_input(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Preprocess as an application does whose weights came from Caffe: BGR, less a mean."""
    blue_first: NDArray[np.float64] = pixels[..., ::-1] / 2 - MEAN
    return blue_first


def TinyNet(  # noqa: N802, as applications are called
    *,
    include_top: bool,
    weights: str | None,
    input_shape: tuple[int, int, int] = (32, 32, 3),
    pooling: str,
) -> Any:
    """Return an application in small, which fetches its weights as Keras's do."""
    import keras
    from keras.src.utils import file_utils

    assert (include_top, pooling) == (False, "avg")
    image = keras.Input(input_shape)
    features = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 1)(image))
    model = keras.Model(image, features, name="TinyNet")
    if weights == "imagenet":
        content = hashlib.md5(b"", usedforsecurity=False).hexdigest()
        digest = TinyNet.__dict__.get("digest", content)
        weights = file_utils.get_file("t.weights.h5", "h://", cache_subdir="w", file_hash=digest)
    if weights:
        model.load_weights(weights)
    return model


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where Keras keeps its weights, with `TinyNet` among its applications."""
    import keras
    from keras.src.backend import config

    monkeypatch.setattr(keras.applications, "TinyNet", TinyNet, raising=False)
    monkeypatch.setattr(config, "keras_home", lambda: str(tmp_path))
    (tmp_path / "w").mkdir()
    return tmp_path


@pytest.fixture
def weights(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of weights that `TinyNet` asks for; all of them are one half."""
    model = TinyNet(include_top=False, weights=None, pooling="avg")
    model.set_weights([np.full(one.shape, 0.5) for one in model.get_weights()])
    file = home / "w" / "t.weights.h5"
    model.save_weights(file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    monkeypatch.setattr(TinyNet, "digest", digest, raising=False)
    return file


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("channels", [1, 3])
def test_raw_grey_levels_meet_the_application_s_own_preprocessing(channels: int) -> None:
    model = application("TinyNet").build(16, 24, channels)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 16, 24, channels), dtype=np.uint8)
    (body,) = (one for one in model.layers if one.name == "TinyNet")
    prepared = preprocess_input(np.repeat(pixels, 3 // channels, axis=3).astype(np.float64))
    expected = model.layers[-1](body(prepared))
    np.testing.assert_allclose(model.predict_on_batch(pixels), expected, atol=1e-6)
    assert not model.get_layer("preprocess").trainable
    assert model.name == "tinynet"


def test_without_weights_on_the_machine_it_begins_at_random_and_says_so(home: Path) -> None:
    found = application("TinyNet")
    assert (found.name, found.channels, found.recipe.learning_rate) == ("tinynet", 1, 0.001)
    assert (found.recipe.epochs, found.recipe.batch_size) == (20, 32)
    assert found.ours == "random weights; those of ImageNet are not on this machine"
    assert not list((home / "w").iterdir())


def test_with_weights_on_the_machine_it_begins_with_them_and_learns_slowly(weights: Path) -> None:
    found = application("TinyNet")
    assert (found.recipe.learning_rate, found.ours) == (0.0001, "ImageNet's weights")
    model = found.build(16, 16, 1)
    kernel, bias = model.get_layer("TinyNet").get_weights()
    assert (kernel == 0.5).all()
    assert (bias == 0.5).all()
    assert cached_weights(TinyNet) == weights


def test_weights_that_are_torn_are_not_used(weights: Path) -> None:
    weights.write_bytes(weights.read_bytes()[:-1])
    assert application("TinyNet").ours.startswith("random weights")


@pytest.mark.usefixtures("home")
def test_keras_fetches_for_others_as_before() -> None:
    from keras.src.utils import file_utils

    fetch: Callable[..., str] = file_utils.get_file
    application("TinyNet")
    assert file_utils.get_file is fetch


@pytest.mark.parametrize("name", ["", "mobilenet", "tinynet", "__doc__", "MobileNetV9"])
def test_an_unknown_application_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(UsageError, match="Keras has no application") as caught:
        application(name)
    assert "MobileNetV3Small" in caught.value.cure


# One of each kind of preprocessing that Keras has.
@pytest.mark.parametrize("name", ["VGG16", "MobileNetV2", "DenseNet121", "MobileNetV3Small"])
def test_keras_s_own_preprocessing_is_measured_exactly(name: str) -> None:
    import sys

    import keras

    made = getattr(keras.applications, name)
    kernel, bias = preprocessing(made)
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 5, 5, 3))
    expected = sys.modules[made.__module__].preprocess_input(pixels.copy())
    np.testing.assert_allclose(pixels @ kernel + bias, expected, atol=1e-9)
