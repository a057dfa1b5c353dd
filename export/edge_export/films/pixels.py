"""Films as arrays, by the runtime's own preprocessing."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from time import monotonic
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray
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
_BLOCK, _FILMS = 1 << 25, 1024  # bytes and films that are looked at together


class FilmPixels(Protocol):
    """Pixels `(n, height, width, channels)` uint8 of films, an array or like one on the disk.

    Whoever can, takes them film by film, or by `blocks`: all at once may not fit in memory.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """`(n, height, width, channels)`."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Any: ...

    def __getitem__(self, chosen: Any, /) -> Any: ...

    def __array__(self) -> Pixels: ...


@dataclass(frozen=True, slots=True, eq=False)
class ChangedPixels:
    """The films of `source` as `change` makes them, which takes and gives arrays like a `Pixels`.

    They are changed when they are asked for, so that there is no second copy of all of them.
    """

    source: FilmPixels
    change: Callable[[Pixels], Pixels]

    @property
    def shape(self) -> tuple[int, ...]:
        """`(n, height, width, channels)`."""
        return self.source.shape

    def __len__(self) -> int:
        return len(self.source)

    def __iter__(self) -> Iterator[Pixels]:
        return (film for block in blocks(self.source) for film in self.change(block))

    def __getitem__(self, chosen: slice) -> Pixels:
        return self.change(np.asarray(self.source[chosen]))

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        del copy  # nobody else has them
        return np.asarray(self[:], dtype)


class PixelReader(Protocol):
    """Gives the pixels of films; one that keeps them decodes each film once."""

    def read(self, films: Sequence[Film], preprocess: Preprocess) -> FilmPixels:
        """Return the pixels of `films`, in their order, not in memory where that can be.

        Raises:
            DataError: as `pixels` does.
        """

    def pixels(self, films: Sequence[Film], preprocess: Preprocess) -> Pixels:
        """Return `(n, height, width, channels)` uint8 pixels of `films`, in their order.

        Raises:
            DataError: a film cannot be read or would be refused by the runtime.
        """


class Decoder:
    """A `PixelReader` that keeps nothing, and decodes films whenever it is asked for them."""

    def read(self, films: Sequence[Film], preprocess: Preprocess) -> FilmPixels:
        """Return what `load_pixels` does."""
        return load_pixels(films, preprocess)

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


def blocks(pixels: FilmPixels) -> Iterator[Pixels]:
    """Yield `pixels` in order, in arrays of some megabytes, of one film at least."""
    films = max(1, min(_FILMS, _BLOCK // prod(pixels.shape[1:])))
    for start in range(0, len(pixels), films):
        yield np.asarray(pixels[start : start + films])


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
