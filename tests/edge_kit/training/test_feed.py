"""An epoch's batches follow from seed and epoch alone, each film once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge_kit.data.pixel_store import CachedPixels
from edge_kit.training.feed import Feed, LabelledPixels

FILMS = 10
POSITIVE = np.arange(FILMS) < 4


def feed(first: int, last: int, *, seed: int = 0, draws: int = 2) -> Feed:
    """Return batches of films of a single pixel, which is their number."""
    store = np.arange(FILMS, dtype=np.uint8).reshape(-1, 1, 1, 1)
    return Feed(
        LabelledPixels(CachedPixels(store, np.arange(FILMS)), POSITIVE), 4, seed, first, last, draws
    )


def epochs(one: Feed) -> list[list[tuple[int, float]]]:
    """Return number and first draw of each film, by epoch."""
    seen = [
        (int(number), float(draw[0]))
        for (pixels, draws), _ in one.batches()
        for number, draw in zip(pixels.ravel(), draws, strict=True)
    ]
    return [seen[start : start + FILMS] for start in range(0, len(seen), FILMS)]


def test_every_film_comes_once_in_every_epoch_with_its_truth() -> None:
    for (pixels, _), truth in feed(0, 3).batches():
        assert truth.shape == (len(pixels), 1)
        assert (truth[:, 0] == POSITIVE[pixels.ravel()]).all()
    for epoch in epochs(feed(0, 3)):
        assert sorted(number for number, _ in epoch) == list(range(FILMS))


def test_an_epoch_is_the_same_whether_others_went_before_it_in_the_same_process() -> None:
    assert epochs(feed(2, 4)) == epochs(feed(0, 4))[2:]


def test_epochs_and_seeds_differ_in_order_and_draws() -> None:
    found = [*epochs(feed(0, 3)), *epochs(feed(0, 3, seed=1))]
    for values in ([[number for number, _ in one] for one in found], [set(one) for one in found]):
        assert all(one not in values[:place] for place, one in enumerate(values))


@pytest.mark.parametrize(("draws", "shapes"), [(0, [4, 4, 2]), (3, [4, 4, 2])])
def test_tensorflow_is_given_the_same_batches(draws: int, shapes: list[int]) -> None:
    one = feed(1, 3, draws=draws)
    assert one.steps == 3
    given: list[Any] = [(batch[0] if draws else batch).numpy() for batch, _ in one.dataset()]
    expected: list[Any] = [batch[0] if draws else batch for batch, _ in one.batches()]
    assert [len(batch) for batch in given] == shapes * 2
    assert all((a == b).all() for a, b in zip(given, expected, strict=True))
