"""The training films of an arm in order: pixels, truth, sources, and the batches of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_export.films.pixels import Pixels
from edge_kit.training.balance import Balance
from edge_kit.training.feed import Feed, LabelledPixels

Batch = tuple[tuple[Pixels, NDArray[np.float32]], NDArray[np.float32]]
"""Pixels and draws, and what is told of each film: truth and number of its source."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingRows:
    """The films of a training `(n, h, w, c)`, of which masks may be the last channel.

    `source` is the number of each film's source, whose names are `sources`.
    """

    pixels: Pixels
    positive: NDArray[np.bool_]
    source: NDArray[np.intp]
    sources: tuple[str, ...]
    balance: Balance | None

    @property
    def positive_sources(self) -> NDArray[np.bool_]:
        """Tell of each source whether its films are positive; each has one class alone."""
        count = len(self.sources)
        return np.bincount(self.source, self.positive, count) > 0

    def films_alone(self) -> TrainingRows:
        """Return the rows without masks."""
        return replace(self, pixels=self.pixels[..., :1])

    def steps(self, batch_size: int) -> int:
        """Return the batches of an epoch."""
        return -(-len(self.positive) // batch_size)

    def batches(self, *, batch_size: int, seed: int, epochs: int, draws: int) -> Any:
        """Return the batches as a `tf.data.Dataset`: those of the kit, of films by number."""
        import tensorflow as tf

        numbers = np.arange(len(self.positive))[:, None, None, None]
        rows = LabelledPixels(numbers.astype(np.uint16), self.positive, self.balance)
        feed = Feed(rows, batch_size, seed, 0, epochs, draws)
        told = np.stack([self.positive, self.source], axis=1).astype(np.float32)

        def found() -> Iterator[Batch]:
            for (chosen, drawn), _ in feed.batches():
                films = chosen[:, 0, 0, 0]
                yield (self.pixels[films], drawn), told[films]

        pixels = tf.TensorSpec((None, *self.pixels.shape[1:]), "uint8")
        given = (pixels, tf.TensorSpec((None, draws), "float32"))
        signature = (given, tf.TensorSpec((None, told.shape[1]), "float32"))
        return tf.data.Dataset.from_generator(found, output_signature=signature).prefetch(2)
