"""The batches of a training; their order and random numbers depend on seed and epoch alone.

So an epoch is the same whether the training began with it or with another one before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_export.films.pixels import Pixels
from edge_kit.data.pixel_store import CachedPixels
from edge_kit.training.balance import Balance


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPixels:
    """The films of one split: pixels `(n, h, w, c)` uint8, positive `(n,)` bool.

    Where there is a `balance`, an epoch shows some of them several times, and others not.
    """

    pixels: Pixels | CachedPixels
    positive: NDArray[np.bool_]
    balance: Balance | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """Which films of each batch are those of a process; it has `own` of all `devices`."""

    process: int
    own: int
    devices: int

    def rows(self, count: int) -> NDArray[np.intp]:
        """Return which rows of a batch of `count` films are this process's.

        A batch that cannot be dealt evenly, as the last one of an epoch may be, goes to each device
        as a whole: its mean gradient is the same, and so is what normalisation sees of it.
        """
        if count % self.devices:
            return np.tile(np.arange(count), self.own)
        size = count // self.devices * self.own
        return np.arange(self.process * size, (self.process + 1) * size)


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """The batches of the epochs from `first` to `last`, both counted from 0, `last` left out.

    `draws` is how many numbers in [0, 1) come with each film. Where there is a `share`, the films
    are those of one process; the draws are of the whole batch, with the rows of the films in it.
    """

    rows: LabelledPixels
    batch_size: int
    seed: int
    first: int
    last: int
    draws: int = 0
    share: Share | None = None

    @property
    def steps(self) -> int:
        """Return the number of batches of an epoch; the last one may be smaller."""
        return -(-len(self.rows.positive) // self.batch_size)

    def batches(self) -> Iterator[tuple[Any, NDArray[np.float32]]]:
        """Yield inputs (pixels, and draws if there are any) and the truth `(n, 1)`."""
        count = len(self.rows.positive)
        for epoch in range(self.first, self.last):
            generator = np.random.default_rng((self.seed, epoch))
            balance = self.rows.balance
            order = balance.order(generator) if balance else generator.permutation(count)
            draws = generator.random((count, self.draws), np.float32)
            # A film that is shown again has other numbers then.
            drawn = np.arange(count) if balance else order
            for start in range(0, count, self.batch_size):
                batch = slice(start, start + self.batch_size)
                yield self._batch(order[batch], draws[drawn[batch]])

    def _batch(self, chosen: NDArray[np.intp], draws: Any) -> tuple[Any, NDArray[np.float32]]:
        """Return inputs and truth of a batch of the `chosen` films."""
        own: tuple[Any, ...] = ()
        if self.share:
            own = (self.share.rows(len(chosen)),)
            chosen = chosen[own[0]]
        pixels = self.rows.pixels[chosen]
        truth = self.rows.positive[chosen, None].astype(np.float32)
        return ((pixels, draws, *own) if self.draws else pixels), truth

    def dataset(self) -> Any:
        """Return the batches as a `tf.data.Dataset` that prepares the next ones in good time."""
        import tensorflow as tf

        def spec(array: NDArray[Any]) -> tf.TensorSpec:
            return tf.TensorSpec((None, *array.shape[1:]), array.dtype)

        inputs, truth = next(self.batches())
        inputs = tuple(map(spec, inputs)) if self.draws else spec(inputs)
        signature = (inputs, spec(truth))
        # Two batches ahead: on a processor, preparing more only takes it from the training.
        return tf.data.Dataset.from_generator(self.batches, output_signature=signature).prefetch(2)
