"""What was read of films before: their pixels by content, their fingerprints by file.

CACHE/pixels-KEY.films    a header, then a record for each film: the SHA-256 of its file, a check
                          sum, and its pixels; KEY stands for recipe, Pillow and this layout
CACHE/fingerprints.db     an SQLite table from the digest of path, size and times to fingerprints

Records are appended, never changed, so any number of trainings may share the files. No name of a
film goes in; the pixels are those of patients all the same, and the folder is the user's alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import sys
import threading
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import PIL
from numpy.typing import DTypeLike, NDArray

from edge_export.films.film import Film
from edge_export.films.pixels import Pixels, load_pixels, progress
from edge_kit.data.fingerprints import VERSION, Fingerprint, scan
from edge_kit.files import locked
from edge_runtime.bundle.records import Preprocess
from edge_runtime.errors import DataError, FilmError
from edge_runtime.film.preprocess import film_pixels

_LAYOUT = "edge-kit films 1"
_HEADER = 32  # bytes: the digest that the file's name begins
_CURE = "replace or remove this film"


@dataclass(frozen=True, slots=True, eq=False)
class CachedPixels:
    """The pixels of films in their order, read from the disk as they are asked for.

    `store` is `(m, height, width, channels)` uint8, most often memory-mapped; film `i` is its row
    `rows[i]`. `numpy.asarray` reads them all.
    """

    store: Pixels
    rows: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, chosen: slice | NDArray[np.intp]) -> Pixels:
        return np.asarray(self.store[self.rows[chosen]])

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        del copy  # they are always copied out of the map
        return np.asarray(self[:], dtype)


def default_cache() -> Path | None:
    """Return the folder of this user for what can be made again, `None` where there is no home."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "edge-kit-cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "edge-kit"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "edge-kit"


def cached_pixels(
    films: Sequence[Film], recipe: Preprocess, cache: Path | None, say: Callable[[str], None]
) -> CachedPixels:
    """Return the pixels of `films`, decoding those that folder `cache` does not have yet.

    Without a `cache`, or where its disk is full or may not be written, they are held in memory.

    Raises:
        DataError: a film cannot be read, is not the one that was scanned, or would be refused by
            the runtime.
    """
    if cache is not None:
        try:
            return _from_disk(films, recipe, cache)
        except OSError as error:
            problem = error.strerror or str(error)
            say(f"warning: {cache}: {problem}; films are decoded anew and held in memory")
    return CachedPixels(load_pixels(films, recipe), np.arange(len(films)))


def _from_disk(films: Sequence[Film], recipe: Preprocess, cache: Path) -> CachedPixels:
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = json.dumps([_LAYOUT, PIL.__version__, recipe.to_json()], sort_keys=True)
    key = hashlib.sha256(text.encode()).digest()
    path = cache / f"pixels-{key.hex()[:16]}.films"
    shape = (recipe.height, recipe.width, recipe.channels)
    record = np.dtype([("sha256", "V32"), ("check", "<u4"), ("pixels", np.uint8, shape)])
    wanted = {bytes.fromhex(film.sha256): film for film in films}
    with _opened(path, key) as stream:
        places = _places(_records(stream, record), wanted)
        missing = [film for digest, film in wanted.items() if digest not in places]
        _append(stream, missing, recipe, record)
        records = _records(stream, record)
    if missing:
        places = _places(records, wanted)
    rows = np.array([places[bytes.fromhex(film.sha256)] for film in films], np.intp)
    return CachedPixels(records["pixels"], rows)


def _opened(path: Path, key: bytes) -> IO[bytes]:
    """Open the file of records; one that is foreign makes way for a new one."""
    # Not truncated but replaced: whoever has mapped the old one keeps it.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    stream = os.fdopen(descriptor, "r+b", buffering=0)
    with locked(stream):
        header = stream.read(_HEADER)
        if len(header) < _HEADER and key.startswith(header):  # new, or torn while it was
            stream.seek(0)
            stream.write(key)
            header = key
    if header == key:
        return stream
    stream.close()
    path.unlink(missing_ok=True)
    return _opened(path, key)


def _records(stream: IO[bytes], record: np.dtype[Any]) -> NDArray[Any]:
    """Return the whole records of the file; what is torn at its end is none."""
    count = (os.fstat(stream.fileno()).st_size - _HEADER) // record.itemsize
    if not count:  # nothing cannot be mapped
        return np.empty(0, record)
    return np.memmap(stream, record, "r", _HEADER, (count,))


def _places(records: NDArray[Any], wanted: dict[bytes, Film]) -> dict[bytes, int]:
    """Return the row of each wanted film whose record is sound."""
    named = ((digest.tobytes(), row) for row, digest in enumerate(records["sha256"]))
    found = [(digest, row) for digest, row in named if digest in wanted]

    def sound(one: tuple[bytes, int]) -> bool:
        digest, row = one
        return bool(_check(digest, records["pixels"][row].data) == records["check"][row])

    # Check sums are taken outside the interpreter lock, and bring the films into memory.
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return dict(one for one, whole in zip(found, pool.map(sound, found), strict=True) if whole)


def _check(digest: bytes, pixels: bytes | memoryview) -> int:
    return zlib.crc32(pixels, zlib.crc32(digest))


def _append(
    stream: IO[bytes], films: Sequence[Film], recipe: Preprocess, record: np.dtype[Any]
) -> None:
    """Decode `films` on all processors, and write each as a record."""
    turn = threading.Lock()

    def add(film: Film) -> None:
        digest, pixels = bytes.fromhex(film.sha256), _decoded(film, recipe)
        content = digest + _check(digest, pixels).to_bytes(4, "little") + pixels
        with turn, locked(stream):
            whole = (os.fstat(stream.fileno()).st_size - _HEADER) // record.itemsize
            end = _HEADER + whole * record.itemsize  # over what a process that died began
            stream.seek(end)
            try:
                if stream.write(content) < len(content):
                    raise OSError(28, os.strerror(28))
            except OSError:
                stream.truncate(end)
                raise

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        try:
            for _ in progress(pool.map(add, films), len(films), "reading", "film"):
                pass
        finally:  # whatever ended the loop, nobody waits for the films that are left
            pool.shutdown(cancel_futures=True)


def _decoded(film: Film, recipe: Preprocess) -> bytes:
    try:
        data = film.path.read_bytes()
    except OSError as error:
        raise DataError(film.path, error.strerror or str(error), _CURE) from error
    if hashlib.sha256(data).hexdigest() != film.sha256:
        raise DataError(film.path, "has changed since it was scanned", "begin anew")
    try:
        return film_pixels(data, recipe)
    except FilmError as error:
        raise DataError(film.path, error.problem, _CURE) from error


def cached_scan(paths: Sequence[Path], cache: Path | None) -> list[Fingerprint | FilmError]:
    """Return what `fingerprints.scan` does, reading only films that are new or have changed.

    A film is known again by its path, size, and the times of its last changes in nanoseconds. A
    `cache` that cannot be read or written is done without.
    """
    if cache is None:
        return scan(paths)
    keys = [_key(path) for path in paths]
    known = _remembered(cache, keys)
    new = [index for index, key in enumerate(keys) if key not in known]
    read = dict(zip(new, scan([paths[index] for index in new]), strict=True))
    _remember(cache, [(keys[index], one) for index, one in read.items()])
    return [read[index] if index in read else known[key] for index, key in enumerate(keys)]


def _key(path: Path) -> bytes | None:
    try:
        found = path.stat()
    except OSError:
        return None  # the scan says why
    parts = (path.resolve(), found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    made = (VERSION, PIL.__version__)
    return hashlib.sha256("\0".join(map(str, (*parts, *made))).encode("utf-8", "replace")).digest()


def _database(cache: Path) -> sqlite3.Connection:
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = sqlite3.connect(cache / "fingerprints.db", timeout=60)
    database.execute("CREATE TABLE IF NOT EXISTS films (key BLOB PRIMARY KEY, print TEXT)")
    return database


def _remembered(cache: Path, keys: Sequence[bytes | None]) -> dict[bytes | None, Fingerprint]:
    try:
        with closing(_database(cache)) as database:
            wanted = set(keys)
            rows = database.execute("SELECT key, print FROM films")
            return {key: Fingerprint(**json.loads(text)) for key, text in rows if key in wanted}
    except (OSError, sqlite3.OperationalError):
        return {}
    except (sqlite3.DatabaseError, ValueError, TypeError):  # torn or foreign
        with suppress(OSError):
            (cache / "fingerprints.db").unlink()
        return {}


def _remember(cache: Path, read: Sequence[tuple[bytes | None, Fingerprint | FilmError]]) -> None:
    rows = [
        (key, json.dumps(asdict(one)))
        for key, one in read
        if key is not None and isinstance(one, Fingerprint)
    ]
    with suppress(OSError, sqlite3.Error), closing(_database(cache)) as database, database:
        database.executemany("INSERT OR REPLACE INTO films VALUES (?, ?)", rows)
