"""Films are varied as Keras's own generator varies them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_kit.models.recipe import Augmentation
from edge_kit.training.augment import DRAWS, Augment

STUDY = Augmentation(shear=0.2, zoom=0.2, horizontal_flip=True)
ALL = Augmentation(shear=25.0, zoom=0.4, horizontal_flip=True)


def films(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def by_keras(
    film: NDArray[Any], augmentation: Augmentation, draws: NDArray[np.float32]
) -> NDArray[Any]:
    """Return what Keras's own generator makes of a film, square, for the same draws."""
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    angle, across, down = 2 * draws[:3].astype(float) - 1
    parameters = {
        "shear": augmentation.shear * angle,
        "zx": 1 + augmentation.zoom * across,
        "zy": 1 + augmentation.zoom * down,
        "flip_horizontal": augmentation.horizontal_flip and draws[3] < 0.5,
    }
    generator = ImageDataGenerator(fill_mode="nearest", data_format="channels_last")
    done: NDArray[Any] = generator.apply_transform(film.astype(np.float64), parameters)
    return done


@pytest.mark.filterwarnings("ignore:Please import")
@pytest.mark.parametrize("augmentation", [STUDY, ALL, Augmentation(horizontal_flip=True)])
@pytest.mark.parametrize("channels", [1, 3])
def test_films_are_sheared_zoomed_and_mirrored_as_keras_s_generator_does(
    augmentation: Augmentation, channels: int
) -> None:
    draws = np.random.default_rng(1).random((6, DRAWS), np.float32)
    assert set(draws[:, 3] < 0.5) == {True, False}
    pixels = films(6, 20, 20, channels)
    found = Augment(augmentation)([pixels, draws]).numpy()
    for film, draw, one in zip(pixels, draws, found, strict=True):
        assert one == pytest.approx(by_keras(film, augmentation, draw), abs=0.05)


def test_a_film_that_is_not_square_is_turned_about_its_centre() -> None:
    pixels = np.zeros((1, 11, 31, 1), np.uint8)
    pixels[0, 5, 15] = 255
    draws = np.array([[0.9, 0.1, 0.8, 0.7]], np.float32)
    found = Augment(Augmentation(shear=20, zoom=0.1))([pixels, draws]).numpy()
    assert np.unravel_index(found.argmax(), found.shape) == (0, 5, 15, 0)


def test_no_augmentation_leaves_every_pixel() -> None:
    pixels = films(2, 9, 7, 3)
    draws = np.random.default_rng(1).random((2, DRAWS), np.float32)
    assert (Augment(Augmentation())([pixels, draws]).numpy() == pixels).all()
