"""Phantoms are pure functions, look alike in all but the disease, and are written whole."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from edge_export.films.phantom import SMALLEST_SIDE, phantom
from edge_runtime.errors import UsageError

POSITIVE = np.arange(200) % 2 == 1
Pixels = NDArray[np.float64]


def digest(image: Image.Image) -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()


def stretched(film: Pixels) -> Pixels:
    low, high = np.percentile(film, (1, 99))
    even: Pixels = np.clip((film - low) / (high - low), 0.0, 1.0)
    return even


def marginals(film: Pixels) -> list[float]:
    levels = np.percentile(film, (5, 10, 25, 50, 75, 90, 95))
    return [film.mean(), film.std(), *levels]


@pytest.fixture(scope="module")
def films() -> Pixels:
    """Two hundred small films, alternately negative and positive."""
    drawn = [phantom(n, positive=bool(p), size=(128, 128)) for n, p in enumerate(POSITIVE)]
    return np.stack([np.asarray(film, dtype=np.float64) for film in drawn])


@pytest.mark.parametrize("positive", [True, False])
def test_same_arguments_give_same_pixels(positive: bool) -> None:
    assert digest(phantom(7, positive=positive)) == digest(phantom(7, positive=positive))


def test_seed_class_and_view_each_change_the_film() -> None:
    films = [
        phantom(7, positive=True),
        phantom(8, positive=True),
        phantom(7, positive=False),
        phantom(7, positive=True, view=1),
    ]
    assert len({digest(film) for film in films}) == len(films)


@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("size", [(320, 320), (SMALLEST_SIDE, SMALLEST_SIDE), (200, 321)])
def test_film_of_either_class_is_grey_and_of_the_size_asked(
    positive: bool, size: tuple[int, int]
) -> None:
    film = phantom(0, positive=positive, size=size)
    assert (film.mode, film.size) == ("L", size)
    assert np.ptp(np.asarray(film)) > 100, "a film shows something"


def test_each_grey_level_statistic_alone_is_no_shortcut(films: Pixels) -> None:
    for statistic in np.transpose([marginals(f) + marginals(stretched(f)) for f in films]):
        assert 0.35 < roc_auc_score(POSITIVE, statistic) < 0.65


@pytest.mark.parametrize("stretch", [False, True])
def test_all_grey_level_statistics_together_are_no_shortcut(films: Pixels, stretch: bool) -> None:
    features = [marginals(stretched(film) if stretch else film) for film in films]
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    chance = cross_val_predict(model, features, POSITIVE, cv=5, method="predict_proba")[:, 1]
    assert roc_auc_score(POSITIVE, chance) < 0.65


def test_disease_shows_low_at_the_rim_of_both_lungs(films: Pixels) -> None:
    even = np.stack([stretched(film) for film in films])
    excess = even[POSITIVE].mean(axis=0) - even[~POSITIVE].mean(axis=0)
    right, left = excess[70:95, 18:34].mean(), excess[70:95, 94:110].mean()
    middle, top = excess[70:95, 56:72].mean(), excess[15:40, 18:110].mean()
    assert min(right, left) > 0.05 > max(abs(middle), abs(top))


@pytest.mark.parametrize(
    ("seed", "view", "size", "named"),
    [
        (-1, 0, (320, 320), "phantom -1"),
        (0, -1, (320, 320), "view -1"),
        (0, 0, (320, SMALLEST_SIDE - 1), "size 320x63"),
        (0, 0, (0, 320), "size 0x320"),
    ],
)
def test_impossible_phantom_is_a_usage_error(
    seed: int, view: int, size: tuple[int, int], named: str
) -> None:
    with pytest.raises(UsageError, match=named):
        phantom(seed, positive=True, size=size, view=view)
