"""What an audit looks at is made from the film alone, and each part is what its name says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_export.films.film import Film
from edge_kit.audit.features import (
    BINS,
    CENTRE,
    GRID,
    file_sizes,
    grey_levels,
    only_centre,
    without_centre,
)
from edge_runtime.errors import DataError

FILMS = np.random.default_rng(1).integers(0, 256, (3, 40, 56, 1), np.uint8)


def film(path: Path) -> Film:
    return Film(path, "covid", "train", "g", "0" * 64)


def test_the_two_halves_of_a_film_make_the_whole() -> None:
    hidden, shown = without_centre(FILMS), only_centre(FILMS)
    assert (hidden + shown == FILMS).all()
    assert not ((hidden > 0) & (shown > 0)).any()


def test_the_centre_is_as_large_as_is_told() -> None:
    shown = only_centre(np.full((1, 100, 50, 3), 9, np.uint8))[0, :, :, 0] > 0
    assert (shown.any(axis=1).sum(), shown.any(axis=0).sum()) == (100 * CENTRE, 50 * CENTRE)
    assert (shown == shown[::-1, ::-1]).all()


def test_hiding_the_centre_leaves_the_given_films_as_they_are() -> None:
    before = FILMS.copy()
    without_centre(FILMS), only_centre(FILMS)
    assert (before == FILMS).all()


def test_of_the_centre_grey_levels_keep_the_histogram_alone() -> None:
    turned = FILMS.copy()
    cells = (slice(5, 35), slice(7, 49))  # all but the outer cells of 40 x 56 pixels
    turned[:, *cells] = turned[:, *cells][:, ::-1, ::-1]
    assert (turned != FILMS).any()
    np.testing.assert_array_equal(grey_levels(turned), grey_levels(FILMS))


@pytest.mark.parametrize("corner", [(0, 0), (0, -1), (-1, 0), (-1, -1)])
def test_every_corner_and_border_changes_the_grey_levels(corner: tuple[int, int]) -> None:
    marked = FILMS.copy()
    middle = (0, 28) if corner[0] == 0 else (20, 0)
    for place in (corner, middle):
        marked[:, *place] = 255 - marked[:, *place]
    changed = (grey_levels(marked) != grey_levels(FILMS))[:, BINS:]
    assert changed.any(axis=1).all()


def test_grey_levels_are_what_numpy_says() -> None:
    found = grey_levels(FILMS)
    assert found.shape == (3, BINS + 4 * 4 * (GRID - 1))
    np.testing.assert_allclose((found[:, :BINS] ** 2).sum(axis=1), 1)
    first = FILMS[:, :5, :7, 0]
    assert found[0, BINS] == pytest.approx(first[0].mean(), rel=1e-6)
    figures = found[:, BINS + 4 * (4 * (GRID - 1) - 1) :]  # of the last cell
    last = FILMS[:, 35:, 49:, 0].reshape(3, -1).astype(float)
    expected = [last.mean(1), last.std(1), last.min(1), last.max(1)]
    np.testing.assert_allclose(figures, np.column_stack(expected), rtol=1e-5)


def test_three_channels_of_grey_are_one() -> None:
    np.testing.assert_array_equal(grey_levels(FILMS.repeat(3, axis=3)), grey_levels(FILMS))


def test_sizes_are_read_from_the_head_of_the_file(tmp_path: Path) -> None:
    Image.fromarray(FILMS[0, :, :, 0].T).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "torn.png").write_bytes(data[: len(data) // 2])
    (found,) = file_sizes([film(tmp_path / "torn.png")])
    np.testing.assert_allclose(found, [np.log(40), np.log(56), -np.log(1.4), np.log(1.4)])


@pytest.mark.parametrize("content", [None, b"", b"no image"])
def test_a_film_that_cannot_be_opened_is_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"film\.png: cannot be opened \(.+\); restore or remove"):
        file_sizes([film(path)])
