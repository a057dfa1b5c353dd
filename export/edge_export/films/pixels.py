"""Films as arrays, by the runtime's own preprocessing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge_export.films.film import Film
from edge_export.words import counted, spoken
from edge_runtime.bundle.records import Preprocess
from edge_runtime.errors import DataError, FilmError
from edge_runtime.film.preprocess import film_pixels
from edge_runtime.text import printable

Pixels = NDArray[np.uint8]
T = TypeVar("T")

_SILENCE = 4.0  # seconds


class PixelReader(Protocol):
    """Gives the pixels of films; one that keeps them decodes each film once."""

    def pixels(self, films: Sequence[Film], preprocess: Preprocess) -> Pixels:
        """Return `(n, height, width, channels)` uint8 pixels of `films`, in their order.

        Raises:
            DataError: a film cannot be read or would be refused by the runtime.
        """


class Decoder:
    """A `PixelReader` that keeps nothing, and decodes films whenever it is asked for them."""

    def pixels(self, films: Sequence[Film], preprocess: Preprocess) -> Pixels:
        """Return what `load_pixels` does."""
        return load_pixels(films, preprocess)


def load_pixels(films: Sequence[Film], preprocess: Preprocess) -> Pixels:
    """Return `(n, height, width, channels)` uint8 pixels of `films`, in their order.

    Raises:
        DataError: a film cannot be read or would be refused by the runtime.
    """
    shape = (preprocess.height, preprocess.width, preprocess.channels)
    pixels = np.empty((len(films), *shape), np.uint8)

    def load(index: int) -> None:
        encoded = film_pixels(films[index].path, preprocess)
        pixels[index] = np.frombuffer(encoded, np.uint8).reshape(shape)

    # Pillow decodes outside the interpreter lock, so threads are enough.
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        try:
            for _ in progress(pool.map(load, range(len(films))), len(films), "reading", "film"):
                pass
        except FilmError as error:
            raise DataError(error.subject, error.problem, "replace or remove this film") from error
        finally:  # however the loop ends, do not wait for the remaining films
            pool.shutdown(cancel_futures=True)
    return pixels


def progress(items: Iterable[T], total: int, what: str, unit: str) -> Iterator[T]:
    """Yield from `items`, and show on stderr how far it is.

    On a terminal that is a bar, elsewhere a line every `_SILENCE` seconds at most. `unit` is the
    name of one item.
    """
    if sys.stderr.isatty():
        yield from tqdm(items, total=total, desc=what, unit=spoken(unit), leave=False)
        return
    shown = monotonic()
    for done, item in enumerate(items, 1):
        yield item
        if monotonic() - shown >= _SILENCE and done < total:
            shown = monotonic()
            line = spoken(f"{what}: {done} of {counted(total, unit)}")
            print(printable(line), file=sys.stderr, flush=True)  # noqa: T201
