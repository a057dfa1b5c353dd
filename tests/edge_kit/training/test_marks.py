"""Borders and letters cover what they may, and leave the rest of a film."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_kit.models.recipe import Augmentation
from edge_kit.training.augment import DRAWS, Augment, draws_of
from edge_kit.training.marks import OF_BORDER, OF_TEXT, bordered, lettered

BRIGHT = np.full((64, 50, 100, 1), 200, np.float32)


def test_a_border_covers_at_most_its_share_of_each_side_with_one_dark_level() -> None:
    draws = np.random.default_rng(0).random((64, OF_BORDER), np.float32)
    drawn = bordered(BRIGHT, draws, 0.08).numpy()
    assert (drawn[:, 4:-4, 8:-8] == 200).all()
    covered = drawn[draws[:, 0] < 0.5]
    assert (covered != 200).any(axis=(1, 2, 3)).all()
    assert all(len(np.unique(film)) == 2 and film.min() <= 128 for film in covered)
    assert (drawn[draws[:, 0] >= 0.5] == 200).all()


def test_each_side_of_a_border_is_drawn_for_itself() -> None:
    drawn = bordered(BRIGHT[:1], np.array([[0.0, 0.0, 0.5, 1.0, 0.25, 0.0]], np.float32), 0.08)
    dark = drawn.numpy()[0, ..., 0] == 0
    assert dark[25].tolist() == [True] * 2 + [False] * 98
    assert dark[:, 50].tolist() == [True] * 2 + [False] * 44 + [True] * 4


def test_the_share_of_films_shows_white_letters_in_a_corner_that_differ_from_film_to_film() -> None:
    films = np.full((64, 128, 128, 1), 100, np.float32)
    draws = np.random.default_rng(0).random((64, OF_TEXT), np.float32)
    drawn = lettered(films, draws, 0.5).numpy()
    assert set(np.unique(drawn)) == {100.0, 255.0}
    written = (drawn == 255).any(axis=(1, 2, 3))
    assert (written == (draws[:, 0] < 0.5)).all()
    assert (drawn[:, 30:-30] == 100).all()
    places = {(film[:64] == 255).any() for film in drawn[written]}
    assert places == {True, False}
    same = np.repeat(np.array([[0.0, 0.1, 0.5, 0.9, 0.5, 0.3]], np.float32), 2, axis=0)
    one, other = lettered(films[:2], same, 1.0).numpy()
    assert (one != other).any()
    assert (lettered(films[:1], same[:1], 1.0).numpy() == one).all()  # a batch may hold one film


@pytest.mark.parametrize(("border", "text"), [(0.08, 0.0), (0.0, 0.5)])
def test_marks_take_draws_after_those_of_all_else(border: float, text: float) -> None:
    before = Augmentation(rotation=5.0, contrast=0.2, noise=3.0)
    after = replace(before, border=border, text=text)
    assert draws_of(after) == draws_of(before) + 6
    assert draws_of(Augmentation(border=border, text=text)) == DRAWS + 6
    films = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 1), dtype=np.uint8)
    draws = np.random.default_rng(1).random((3, draws_of(after)), np.float32)
    draws[:, -6] = 0.9  # no film has a mark then
    unmarked = Augment(before)([films, draws[:, :-6]]).numpy()
    assert (Augment(after)([films, draws]).numpy() == unmarked).all()
