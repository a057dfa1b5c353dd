"""HOG sees edges by their direction, and neither light nor contrast."""

from __future__ import annotations

import numpy as np
import pytest

from edge_kit.audit.baseline import baseline
from edge_kit.audit.hog import CELL, ORIENTATIONS, SIDE, hog

STRIPES = np.where(np.arange(SIDE) // 8 % 2, 200, 40).astype(np.uint8)


def film(rows: np.ndarray) -> np.ndarray:
    return np.broadcast_to(rows, (SIDE, SIDE))[None, ..., None].copy()


@pytest.mark.parametrize(("upright", "orientation"), [(True, 0.0), (False, np.pi / 2)])
def test_an_edge_votes_for_its_direction_alone(upright: bool, orientation: float) -> None:
    stripes = STRIPES[None, :] if upright else STRIPES[:, None]
    (features,) = hog(film(stripes))
    votes = features.reshape(-1, ORIENTATIONS).sum(axis=0)
    centres = (np.arange(ORIENTATIONS) + 0.5) * np.pi / ORIENTATIONS
    apart = np.abs((centres - orientation + np.pi / 2) % np.pi - np.pi / 2)
    nearest = apart <= np.pi / ORIENTATIONS
    assert votes[nearest].sum() > 0.999 * votes.sum()


def test_light_and_contrast_change_next_to_nothing_and_a_flat_film_has_no_edge() -> None:
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, 100, (1, SIDE, SIDE, 1), np.uint8)
    assert hog(drawn) == pytest.approx(hog(drawn * 2 + 40), abs=1e-4)
    assert not hog(film(np.full((1, SIDE), 90, np.uint8))).any()


def test_all_sizes_and_channels_have_as_many_features() -> None:
    blocks = (SIDE // CELL - 1) ** 2
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 1), np.uint8)
    assert hog(pixels).shape == (2, blocks * 4 * ORIENTATIONS) == (2, 1764)
    assert hog(np.repeat(pixels, 3, axis=3)) == pytest.approx(hog(pixels))


def test_the_baseline_learns_a_texture_and_answers_alike_every_time() -> None:
    rng = np.random.default_rng(1)
    positive = np.arange(60) % 2 == 0
    pixels = rng.integers(0, 60, (60, SIDE, SIDE, 1), np.uint8)
    pixels[positive] += film(STRIPES[None, :] // 2)[0]
    pixels[~positive] += film(STRIPES[:, None] // 2)[0]
    scores = baseline(pixels[:40], positive[:40])(pixels[40:])
    assert scores[positive[40:]].min() > scores[~positive[40:]].max()
    assert (scores == baseline(pixels[:40], positive[:40])(pixels[40:])).all()
