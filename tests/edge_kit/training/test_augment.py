"""Films are varied as Keras's own generator varies them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_kit.models.recipe import Augmentation
from edge_kit.training.augment import DRAWS, Augment, Augmenter, draws_of

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


def turned_by_pillow(film: NDArray[Any], degrees: float) -> NDArray[Any]:
    from PIL import Image

    picture = Image.fromarray(film[..., 0].astype(np.float32))
    turned = picture.rotate(degrees, Image.Resampling.BILINEAR)
    return np.asarray(turned)[..., None]


@pytest.mark.parametrize("draw", [0.0, 0.2, 0.5, 1.0])
def test_films_are_turned_about_their_centre(draw: float) -> None:
    smooth = np.outer(np.hanning(41), np.hanning(41))[None, :, :, None] * 255
    film = (smooth * np.linspace(0.2, 1, 41)[None, None, :, None]).astype(np.uint8)
    draws = np.full((1, draws_of(Augmentation(rotation=20))), 0.5, np.float32)
    draws[0, 4] = draw
    drawn = Augment(Augmentation(rotation=20))([film, draws]).numpy()[0]
    expected = turned_by_pillow(film[0], 20 * (2 * draw - 1))
    assert np.abs(drawn - expected)[5:-5, 5:-5].max() < 3


def test_a_shift_moves_a_film_by_that_share_of_its_side() -> None:
    film = np.zeros((1, 20, 40, 1), np.uint8)
    film[0, 10, 20] = 200
    draws = np.full((1, draws_of(Augmentation(shift=0.1))), 0.5, np.float32)
    draws[0, 5:7] = 1.0, 0.0
    moved = Augment(Augmentation(shift=0.1))([film, draws]).numpy()
    assert np.unravel_index(moved.argmax(), moved.shape) == (0, 8, 24, 0)


def test_grey_levels_change_by_as_much_as_is_allowed_and_by_the_draws_alone() -> None:
    loud = Augmentation(contrast=0.4, noise=8.0, blur=1.0)
    pixels, count = films(3, 24, 24, 1), draws_of(loud)
    draws = np.random.default_rng(2).random((3, count), np.float32)
    shaded = Augment(loud)([pixels, draws]).numpy()
    assert (shaded == Augment(loud)([pixels, draws]).numpy()).all()
    assert shaded.min() >= 0
    assert shaded.max() <= 255
    still = np.full((3, count), 0.5, np.float32)
    still[:, 6:8] = 0.0  # neither softened nor noisy
    assert Augment(loud)([pixels, still]).numpy() == pytest.approx(pixels.astype(float), abs=1e-3)
    even = np.full((1, 24, 24, 1), 128, np.uint8)
    brighter = np.array([[0.5, 0.5, 0.5, 0.9, 0.5, 1.0, 0.0, 0.0, 0.3]], np.float32)
    assert Augment(loud)([even, brighter]).numpy() == pytest.approx(128 + 0.4 * 64)


def test_the_studies_augmentation_takes_as_many_draws_as_before() -> None:
    assert draws_of(STUDY) == DRAWS
    assert draws_of(None) == 0


def test_some_rows_of_a_batch_are_augmented_as_within_the_whole() -> None:
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 255, (5, 32, 32, 1), dtype=np.uint8)
    everything = Augmentation(10, 0.1, True, 9, 0.1, 0.2, 8, 0.3, 0.1, 0.9)
    draws = generator.random((5, draws_of(everything)), np.float32)
    augmenter, rows = Augmenter(everything), np.array([3, 1])
    some = augmenter(pixels[rows], draws, rows).numpy()
    assert some == pytest.approx(augmenter(pixels, draws).numpy()[rows], abs=1e-4)
