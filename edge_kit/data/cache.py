"""The cache folder, and the fingerprints that are kept there by file.

CACHE/fingerprints.db     an SQLite table from the digest of path, size and times to fingerprints
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path

import PIL

from edge_kit.data.cache_folder import own_cache, require_plain
from edge_kit.data.fingerprints import VERSION, Fingerprint, scan
from edge_runtime.errors import FilmError

Scan = Callable[[Sequence[Path]], list[Fingerprint | FilmError]]
"""Reads films, and returns the fingerprint of each, or why it is unreadable, in their order."""

_NAME, _FILES = "fingerprints.db", ("", "-journal", "-wal", "-shm")
"""The table, and the endings of the files that SQLite may have beside it."""


def default_cache() -> Path | None:
    """Return the cache folder of this user, `None` where there is no home folder."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "edge-kit-cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "edge-kit"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "edge-kit"


def cached_scan(
    paths: Sequence[Path], cache: Path | None, read: Scan | None = None
) -> list[Fingerprint | FilmError]:
    """Return what `read` does, by default `fingerprints.scan`; it gets new and changed films only.

    A film is known again by its path, size, and the times of its last changes in nanoseconds. A
    `cache` that cannot be read or written is not used.

    Raises:
        UsageError: others may change the cache.
    """
    read = read or scan
    if cache is None:
        return read(paths)
    keys = [file_key(path) for path in paths]
    known = _remembered(cache, keys)
    new = [index for index, key in enumerate(keys) if key not in known]
    scanned = dict(zip(new, read([paths[index] for index in new]), strict=True))
    _remember(cache, [(keys[index], outcome) for index, outcome in scanned.items()])
    return [scanned[index] if index in scanned else known[key] for index, key in enumerate(keys)]


def file_key(path: Path) -> bytes | None:
    """Return a key of a film's file that differs from other files' and changes when it is changed.

    None for a file that is not there.
    """
    try:
        status = path.stat()
    except OSError:
        return None  # the scan says why
    parts = (path.resolve(), status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    text = "\0".join(map(str, (*parts, VERSION, PIL.__version__)))
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def _database(cache: Path) -> sqlite3.Connection:
    own_cache(cache)
    for ending in _FILES:
        require_plain(cache / f"{_NAME}{ending}")
    database = sqlite3.connect(cache / _NAME, timeout=60)
    try:
        database.execute("CREATE TABLE IF NOT EXISTS films (key BLOB PRIMARY KEY, print TEXT)")
    except sqlite3.Error:  # a file that stays open cannot be deleted everywhere
        database.close()
        raise
    return database


def _remembered(cache: Path, keys: Sequence[bytes | None]) -> dict[bytes | None, Fingerprint]:
    try:
        with closing(_database(cache)) as database:
            needed = set(keys)
            rows = database.execute("SELECT key, print FROM films")
            return {key: Fingerprint(**json.loads(text)) for key, text in rows if key in needed}
    except (OSError, sqlite3.OperationalError):
        return {}
    except (sqlite3.DatabaseError, ValueError, TypeError):  # torn or foreign
        with suppress(OSError):
            (cache / _NAME).unlink()
        return {}


def _remember(cache: Path, read: Sequence[tuple[bytes | None, Fingerprint | FilmError]]) -> None:
    rows = [
        (key, json.dumps(asdict(fingerprint)))
        for key, fingerprint in read
        if key is not None and isinstance(fingerprint, Fingerprint)
    ]
    with suppress(OSError, sqlite3.Error), closing(_database(cache)) as database, database:
        database.executemany("INSERT OR REPLACE INTO films VALUES (?, ?)", rows)
