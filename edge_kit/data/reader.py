"""Reads each film once: its fingerprint and its pixels come from one decoding."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import numpy as np

from edge_export.films.film import Film
from edge_export.films.pixels import Pixels, progress
from edge_kit.data.cache import cached_scan, file_key
from edge_kit.data.decoding import decode_film, prepare
from edge_kit.data.fingerprints import Fingerprint, film_bytes, read_films
from edge_kit.data.pixel_store import CachedPixels, HeldPixels, PixelFile, PixelStore
from edge_runtime.bundle.records import Preprocess
from edge_runtime.errors import DataError, FilmError

_CURE = "replace or remove this film"

Stores = dict[str, PixelStore]


class FilmReader:
    """Gives fingerprints and pixels of films, and decodes a film only if it has neither.

    Both are kept in folder `cache`, so that a film is decoded once ever; without one, or where its
    disk is full or may not be written, pixels are held in memory, so that it is decoded once by
    this reader. `say` is told of such a disk. `expect` tells by which preprocessing pixels will be
    asked for: a scan prepares them while it has a film decoded.
    """

    def __init__(
        self, cache: Path | None = None, say: Callable[[str], None] = lambda _: None
    ) -> None:
        self._cache, self._say = cache, say
        self._folder = cache
        self._expected: dict[str, Preprocess] = {}
        self._held: dict[str, HeldPixels] = {}
        self._fingerprints: dict[bytes, Fingerprint] = {}
        self._turn = threading.Lock()

    def expect(self, preprocess: Preprocess) -> None:
        """Prepare films by `preprocess` from now on, and with one channel where it has three.

        An export asks for both, to prove that films are grey.
        """
        single = Preprocess(**{**preprocess.to_json(), "channels": 1})
        for expected in (preprocess, single):
            self._expected[_name(expected)] = expected

    def scan(self, paths: Sequence[Path]) -> list[Fingerprint | FilmError]:
        """Return the fingerprint of every film, or why it is unreadable, in the order of `paths`.

        A film that was scanned before is known again by its path, size and times of changes.
        """
        keys = [file_key(path) for path in paths]
        known = [None if key is None else self._fingerprints.get(key) for key in keys]
        new = [place for place, fingerprint in enumerate(known) if fingerprint is None]
        scanned = cached_scan([paths[place] for place in new], self._cache, self._scan)
        outcomes = dict(zip(new, scanned, strict=True))
        for place, outcome in outcomes.items():
            if (key := keys[place]) is not None and isinstance(outcome, Fingerprint):
                self._fingerprints[key] = outcome
        return [fingerprint or outcomes[place] for place, fingerprint in enumerate(known)]

    def read(self, films: Sequence[Film], preprocess: Preprocess) -> CachedPixels:
        """Return the pixels of `films`, usually memory-mapped; films not in the cache are decoded.

        Raises:
            DataError: a film cannot be read, is not the one that was scanned, or would be refused
                by the runtime.
        """
        name, by_digest = _name(preprocess), {film.sha256: film for film in films}
        folder = self._folder
        with self._stores({name: preprocess}) as stores:
            pixels, rows = stores[name].find(by_digest)
        missing = [film for digest, film in by_digest.items() if digest not in rows]
        if missing:
            with self._stores({name: preprocess, **self._expected}) as stores:
                self._decode(missing, preprocess, stores)
                pixels, rows = stores[name].find(by_digest)
        if len(rows) < len(by_digest):
            if folder is not None and folder == self._folder:  # the disk forgets what it took
                self._give_up(OSError(errno.EIO, os.strerror(errno.EIO)), {})
            return self.read(films, preprocess)
        return CachedPixels(pixels, np.array([rows[film.sha256] for film in films], np.intp))

    def pixels(self, films: Sequence[Film], preprocess: Preprocess) -> Pixels:
        """Return the pixels of `films` in memory, `(n, height, width, channels)` uint8.

        Raises:
            DataError: as `read` does.
        """
        return np.asarray(self.read(films, preprocess))

    def _scan(self, paths: Sequence[Path]) -> list[Fingerprint | FilmError]:
        """Decode films, and keep what was expected of them."""
        expected = dict(self._expected)
        with self._stores(expected, room=len(paths)) as stores:
            known = {name: store.known() for name, store in stores.items()}

            def look(path: Path) -> Fingerprint:
                fingerprint, prepared = decode_film(path, list(expected.values()))
                for name, pixels in zip(expected, prepared, strict=True):
                    if isinstance(pixels, bytes) and fingerprint.sha256 not in known[name]:
                        known[name].add(fingerprint.sha256)
                        self._keep(name, fingerprint.sha256, pixels, stores)
                return fingerprint

            return read_films(paths, look)

    def _decode(self, films: Sequence[Film], preprocess: Preprocess, stores: Stores) -> None:
        """Decode `films` on all processors, and keep their pixels by all of `stores`."""
        first = _name(preprocess)
        known = {name: store.known() for name, store in stores.items() if name != first}

        def add(film: Film) -> None:
            lacking = [name for name in known if film.sha256 not in known[name]]
            preprocesses = [preprocess, *(self._expected[name] for name in lacking)]
            try:
                _, prepared = prepare(_content(film), preprocesses)
            except FilmError as error:
                raise DataError(film.path, error.problem, _CURE) from error
            if isinstance(prepared[0], FilmError):
                raise DataError(film.path, prepared[0].problem, _CURE) from prepared[0]
            for name, pixels in zip([first, *lacking], prepared, strict=True):
                if isinstance(pixels, bytes):
                    self._keep(name, film.sha256, pixels, stores)

        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            try:
                for _ in progress(pool.map(add, films), len(films), "reading", "film"):
                    pass
            finally:  # whatever ended the loop, nobody waits for the films that are left
                pool.shutdown(cancel_futures=True)

    @contextmanager
    def _stores(self, preprocesses: dict[str, Preprocess], room: int = 0) -> Iterator[Stores]:
        """Yield where the pixels by each preprocessing are kept, with `room` for more films."""
        for name, preprocess in preprocesses.items():
            self._held.setdefault(name, HeldPixels(preprocess))
        stores: Stores = {name: self._held[name] for name in preprocesses}
        with ExitStack() as files:
            if self._folder is not None:
                try:
                    for name, preprocess in preprocesses.items():
                        file = files.enter_context(closing(PixelFile(self._folder, preprocess)))
                        stores[name] = file
                except OSError as error:
                    self._give_up(error, stores)
            if self._folder is None:
                for name in preprocesses:
                    self._held[name].reserve(room)
            yield stores

    def _keep(self, name: str, sha256: str, pixels: bytes, stores: Stores) -> None:
        try:
            stores[name].add(sha256, pixels)
        except OSError as error:
            self._give_up(error, stores)
            stores[name].add(sha256, pixels)

    def _give_up(self, error: OSError, stores: Stores) -> None:
        """Keep pixels in memory from now on, since the disk refuses them, and say so once."""
        with self._turn:
            if self._folder is not None:
                problem = error.strerror or str(error)
                # What it costs is time: no figure depends on it.
                self._say(f"{self._folder}: {problem}; pixels are decoded anew and held in memory")
                self._folder = None
            stores.update({name: self._held[name] for name in stores})


def _name(preprocess: Preprocess) -> str:
    return json.dumps(preprocess.to_json(), sort_keys=True)


def _content(film: Film) -> bytes:
    """Return the bytes of a film's file, which are those that were scanned."""
    try:
        data = film_bytes(film.path)
    except FilmError as error:
        raise DataError(film.path, error.problem, _CURE) from error
    except OSError as error:
        raise DataError(film.path, error.strerror or str(error), _CURE) from error
    if hashlib.sha256(data).hexdigest() != film.sha256:
        raise DataError(film.path, "has changed since it was scanned", "begin anew")
    return data
