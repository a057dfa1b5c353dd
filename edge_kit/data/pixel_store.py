"""The pixels of films by content, on the disk where any number of trainings share them, or held.

CACHE/pixels-KEY.films    a header, then a record for each film: the SHA-256 of its file, a check
                          sum, and its pixels; KEY stands for preprocessing, Pillow and this layout

Records are appended, never changed, so any number of processes may share a file. No name of a film
goes in; the pixels are those of patients all the same, and the folder is the user's alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import zlib
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
import PIL
from numpy.typing import DTypeLike, NDArray

from edge_export.films.pixels import Pixels
from edge_kit.data.cache_folder import open_cached
from edge_kit.files import locked
from edge_runtime.bundle.records import Preprocess

_LAYOUT = "edge-kit films 1"
_HEADER = 32  # bytes: the digest that the file's name begins


@dataclass(frozen=True, slots=True, eq=False)
class CachedPixels:
    """The pixels of films in their order, read from the disk as they are asked for.

    `store` is `(m, height, width, channels)` uint8, most often memory-mapped; film `i` is its row
    `rows[i]`. `numpy.asarray` reads them all.
    """

    store: Pixels
    rows: NDArray[np.intp]

    @property
    def shape(self) -> tuple[int, ...]:
        """`(n, height, width, channels)`."""
        return len(self.rows), *self.store.shape[1:]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Pixels]:
        return (self[place] for place in range(len(self)))

    def __getitem__(self, chosen: int | slice | NDArray[np.intp]) -> Pixels:
        return np.asarray(self.store[self.rows[chosen]])

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        del copy  # they are always copied out of the map
        return np.asarray(self[:], dtype)


class PixelStore(Protocol):
    """Keeps the pixels of films by the SHA-256 of their files, in hex."""

    def known(self) -> set[str]:
        """Return the digests of the films that are here, sound or not."""

    def add(self, sha256: str, pixels: bytes) -> None:
        """Keep the pixels of one more film; any number of threads may.

        Raises:
            OSError: the disk refuses.
        """

    def find(self, digests: Collection[str]) -> tuple[Pixels, Mapping[str, int]]:
        """Return `(m, h, w, c)` pixels, and the row of each film of `digests` that is sound."""


class PixelFile:
    """A store in a file of folder `cache`, for films prepared by one `preprocess`."""

    def __init__(self, cache: Path, preprocess: Preprocess) -> None:
        """Open the file, or begin it.

        Raises:
            OSError: the disk refuses.
            UsageError: others may change the cache.
        """
        text = json.dumps([_LAYOUT, PIL.__version__, preprocess.to_json()], sort_keys=True)
        key = hashlib.sha256(text.encode()).digest()
        shape = (preprocess.height, preprocess.width, preprocess.channels)
        self._record = np.dtype([("sha256", "V32"), ("check", "<u4"), ("pixels", np.uint8, shape)])
        self._stream = _opened(cache, f"pixels-{key.hex()[:16]}.films", key)
        self._turn = threading.Lock()

    def close(self) -> None:
        """Close the file; what was mapped of it stays."""
        self._stream.close()

    def known(self) -> set[str]:
        """Return the digests of the films that are here, sound or not."""
        return {digest.tobytes().hex() for digest in self._records()["sha256"]}

    def add(self, sha256: str, pixels: bytes) -> None:
        """Append the pixels of one more film, whole or not at all; any number of threads may.

        Raises:
            OSError: the disk refuses.
        """
        digest = bytes.fromhex(sha256)
        content = digest + _check(digest, pixels).to_bytes(4, "little") + pixels
        size = self._record.itemsize
        with self._turn, locked(self._stream):
            whole = (os.fstat(self._stream.fileno()).st_size - _HEADER) // size
            end = _HEADER + whole * size  # over what a process that died began
            self._stream.seek(end)
            try:
                if self._stream.write(content) < len(content):
                    raise OSError(28, os.strerror(28))
            except OSError:
                self._stream.truncate(end)
                raise

    def find(self, digests: Collection[str]) -> tuple[Pixels, Mapping[str, int]]:
        """Return all pixels, mapped, and the row of each film of `digests` that is sound."""
        records = self._records()
        named = ((digest.tobytes(), row) for row, digest in enumerate(records["sha256"]))
        rows = [(digest, row) for digest, row in named if digest.hex() in digests]

        def sound(entry: tuple[bytes, int]) -> bool:
            digest, row = entry
            return bool(_check(digest, records["pixels"][row].data) == records["check"][row])

        # Check sums are taken outside the interpreter lock, and bring the films into memory.
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            whole = zip(rows, pool.map(sound, rows), strict=True)
            return records["pixels"], {digest.hex(): row for (digest, row), yes in whole if yes}

    def _records(self) -> NDArray[Any]:
        """Return the whole records of the file; an incomplete record at the end does not count."""
        size = os.fstat(self._stream.fileno()).st_size
        count = (size - _HEADER) // self._record.itemsize
        if not count:  # nothing cannot be mapped
            return np.empty(0, self._record)
        return np.memmap(self._stream, self._record, "r", _HEADER, (count,))


class HeldPixels:
    """A store in memory, for films prepared by one `preprocess`."""

    def __init__(self, preprocess: Preprocess) -> None:
        self._pixels = np.empty(
            (0, preprocess.height, preprocess.width, preprocess.channels), np.uint8
        )
        self._rows: dict[str, int] = {}
        self._turn = threading.Lock()

    def reserve(self, count: int) -> None:
        """Make room for `count` films more; memory that is never written to costs little."""
        size = len(self._rows) + count
        if size > len(self._pixels):
            more = np.empty((size, *self._pixels.shape[1:]), np.uint8)
            more[: len(self._rows)] = self._pixels[: len(self._rows)]
            self._pixels = more

    def known(self) -> set[str]:
        """Return the digests of the films that are here."""
        return set(self._rows)

    def add(self, sha256: str, pixels: bytes) -> None:
        """Keep the pixels of one more film; any number of threads may."""
        with self._turn:
            if sha256 in self._rows:
                return
            row = len(self._rows)
            if row == len(self._pixels):
                self.reserve(max(64, row))
            self._pixels[row] = np.frombuffer(pixels, np.uint8).reshape(self._pixels.shape[1:])
            self._rows[sha256] = row

    def find(self, digests: Collection[str]) -> tuple[Pixels, Mapping[str, int]]:
        """Return all pixels, and the row of each film of `digests` that is here."""
        rows = {digest: self._rows[digest] for digest in digests if digest in self._rows}
        return self._pixels, rows


def _opened(cache: Path, name: str, key: bytes) -> IO[bytes]:
    """Open the file of records; a file of another kind is replaced by a new one."""
    # Not truncated but replaced: whoever has mapped the old one keeps it.
    stream = os.fdopen(open_cached(cache, name), "r+b", buffering=0)
    with locked(stream):
        header = stream.read(_HEADER)
        if len(header) < _HEADER and key.startswith(header):  # new, or torn while it was
            stream.seek(0)
            stream.write(key)
            header = key
    if header == key:
        return stream
    stream.close()
    (cache / name).unlink(missing_ok=True)
    return _opened(cache, name, key)


def _check(digest: bytes, pixels: bytes | memoryview) -> int:
    return zlib.crc32(pixels, zlib.crc32(digest))
